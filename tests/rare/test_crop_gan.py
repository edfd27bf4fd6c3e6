"""The adversarial part: losses, projection, augmentation, averaged weights."""

import numpy as np
import pytest
import torch
from pixel_fakes import SIZE, crops, settings

from simgen.rare.pixels.gan import (
    Discriminator,
    augmented,
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
)
from simgen.rare.pixels.settings import GanLoss, Network
from simgen.rare.pixels.steps import Trainer
from simgen.rare.pixels.train import train_crops

KINDS = ("color", "shift", "hole")


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def judge() -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(Network(latent=4, width=8), SIZE, 2, 3)


def test_the_hinge_is_flat_beyond_its_margin():
    assert hinge_discriminator(torch.tensor([1.5, 0.0]), torch.tensor([-3.0, 0.5])) == pytest.approx(0.5 + 0.75)
    assert hinge_generator(torch.tensor([1.0, 2.0])) == pytest.approx(-1.5)


def test_the_penalty_is_that_of_a_known_slope():
    crops_ = torch.rand(3, 4, 2, 2, generator=noise()).requires_grad_()
    slope = torch.arange(16.0).reshape(4, 2, 2)
    scores = (crops_ * slope).sum((1, 2, 3))
    assert float(gradient_penalty(scores, crops_).detach()) == pytest.approx(float(slope.square().sum()) / 2)
    scores = (crops_.square() * slope).sum((1, 2, 3))
    expected = (2 * crops_ * slope).square().sum((1, 2, 3)).mean() / 2
    assert float(gradient_penalty(scores, crops_).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_the_projection_is_a_product_with_the_features():
    net = judge().eval()
    x, labels, attributes = (
        torch.rand(5, 4, SIZE, SIZE, generator=noise()),
        torch.tensor([0, 1, 0, 1, 1]),
        torch.ones(5, 3),
    )
    with torch.no_grad():
        scores, maps = net(x, labels, attributes)
        others = net(x, 1 - labels, attributes)[0]
        summed = maps.sum((2, 3))
        rows = net.classes(labels) - net.classes(1 - labels)
    assert (scores - others).numpy() == pytest.approx((rows * summed).sum(1).numpy(), abs=1e-5)


def test_every_layer_is_spectrally_normalised():
    net = judge()
    for _ in range(30):
        net(torch.rand(2, 4, SIZE, SIZE, generator=noise()), torch.zeros(2, dtype=torch.long), torch.zeros(2, 3))
    net.eval()
    layers = [net.trunk[k] for k in range(0, 8, 2)] + [net.score, net.classes, net.attributes]
    for layer in layers:
        top = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert float(top) == pytest.approx(1.0, abs=0.05)


def test_the_augmentation_keeps_what_is_empty_empty_and_lets_gradients_through():
    x = torch.zeros(8, 4, SIZE, SIZE)
    x[:, 3, 4:12, 4:12] = 1
    x[:, :3, 4:12, 4:12] = torch.rand(8, 3, 8, 8, generator=noise())
    x.requires_grad_()
    y = augmented(x, KINDS, noise(1))
    assert y.shape == x.shape
    assert (y[:, :3][(y[:, 3:] == 0).expand(-1, 3, -1, -1)] == 0).all()
    assert not torch.equal(y[0], y[1])
    assert (y[:, 3].sum((1, 2)) < 64).any()  # the hole
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert torch.equal(augmented(x, KINDS, noise(1)), y)
    assert augmented(x, (), noise()) is x


def test_many_crops_are_shown_to_the_discriminator_as_they_are():
    assert GanLoss().augment_of(999) == ("shift", "hole")
    assert GanLoss().augment_of(1000) == ()
    assert GanLoss(augment=("color",)).augment_of(10) == GanLoss(augment=("color",)).augment_of(10_000) == ("color",)


def test_an_augmented_crop_is_somewhere_else():
    x = torch.zeros(64, 4, SIZE, SIZE)
    x[:, 3, 8, 8] = 1
    places = {tuple(int(v) for v in p) for p in augmented(x, ("shift",), noise())[:, 3].nonzero()[:, 1:]}
    assert len(places) > 10
    assert all(6 <= row <= 10 and 6 <= column <= 10 for row, column in places)


def test_a_step_moves_judge_generator_and_average_and_no_encoder_by_imagination():
    trainer = Trainer(settings(kind="gan", gan=GanLoss(start_epoch=0)), crops(), None)
    before = [p.clone() for p in trainer.judge.parameters()], [p.clone() for p in trainer.model.parameters()]
    means = [p.clone() for p in trainer.average.parameters()]
    losses = trainer.step(trainer.batch(np.arange(8), noise()), noise(), 0, 0.5)
    assert set(losses) == {"reconstruction", "kl", "features", "adversarial", "judge", "r1"}
    for olds, news in zip(before, (trainer.judge.parameters(), trainer.model.parameters()), strict=True):
        assert any(not torch.equal(old, new) for old, new in zip(olds, news, strict=True))
    share = 1 - 0.1  # the first step's average
    for old, mean, new in zip(means, trainer.average.parameters(), trainer.model.parameters(), strict=True):
        assert torch.allclose(mean, old + share * (new - old), atol=1e-6)
    assert all(p.requires_grad for p in trainer.judge.parameters())


def test_the_penalty_comes_every_so_many_steps():
    trainer = Trainer(settings(kind="gan", gan=GanLoss(start_epoch=0, r1_every=3)), crops(), None)
    batch = trainer.batch(np.arange(8), noise())
    assert ["r1" in trainer.step(batch, noise(k), k, 1.0) for k in range(5)] == [True, False, False, True, False]


def test_the_autoencoder_learns_alone_first(tmp_path):
    told = []
    train_crops(settings(kind="gan"), crops(), tmp_path / "run", on_epoch=lambda _, figures: told.append(set(figures)))
    assert "vae" in told[0]
    assert "judge" not in told[0]
    assert "judge" in told[1]
    assert "vae" not in told[1]


def test_no_global_generator_is_touched(tmp_path):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    train_crops(settings(kind="gan", epochs=2), crops(), tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), state)
