import pytest
import torch
from point_fakes import PointModel, PointTask, points, seen

from simgen.adapters.functional.conditioning import entropy_weights
from simgen.adapters.methods import Setup
from simgen.adapters.methods.cdan import Cdan
from simgen.adapters.methods.dann import domain_loss


def _cdan(n_features: int = 8, **arguments: bool) -> Cdan:
    return Cdan(Setup(PointTask(), n_features, 2, fresh=PointModel), **arguments)


@pytest.mark.parametrize("entropy", [False, True])
def test_the_loss_is_the_discriminators_on_the_map(entropy: bool):
    torch.manual_seed(0)
    model, method = PointModel(), _cdan(entropy=entropy)
    source, target = points(5, seed=1), seen(points(3, seed=2))
    losses = method.losses(model, source, target, 0.3)
    features = model.features(torch.cat([source["x"], target.strong["x"]]))
    logits = model.predict(features)
    product = torch.einsum("nf,nc->nfc", features, logits.softmax(1)).flatten(1)
    weights = entropy_weights(logits) if entropy else None
    assert torch.allclose(losses["domain"], domain_loss(method.discriminator(product), 5, weights))


def test_the_discriminator_teaches_the_encoder_and_not_the_head():
    torch.manual_seed(0)
    model, method = PointModel(), _cdan()
    method.losses(model, points(5, seed=1), seen(points(5, seed=2)), 0.5)["domain"].backward()
    assert all(p.grad is None for p in model.head.parameters())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.body.parameters())


def test_a_long_map_is_randomized_by_matrices_that_are_kept_and_not_trained():
    method = _cdan(n_features=2049)
    assert method.map(torch.randn(3, 2049), torch.rand(3, 2)).shape == (3, 1024)
    assert {"random_vectors", "random_classes"} <= set(method.state_dict())
    assert not any(name.startswith("random") for name, _ in method.named_parameters())
    assert _cdan(n_features=2048).map(torch.randn(3, 2048), torch.rand(3, 2)).shape == (3, 4096)
