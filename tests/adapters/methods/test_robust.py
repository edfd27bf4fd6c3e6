"""Methods that change what the model learns from: styles on maps, and degraded pictures."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from simgen.adapters.crops import CropView
from simgen.adapters.methods import METHODS, Setup, Target
from simgen.adapters.methods.adain import AdaIn
from simgen.adapters.methods.degrade import Degrade
from simgen.adapters.methods.mixstyle import MixStyle
from simgen.adapters.models import build_model
from simgen.adapters.settings import TrainConfig
from simgen.adapters.tasks.classify import Classify

TASK = Classify(["a", "b"], TrainConfig(task="classify", view=CropView(grey=False, standardize=False)))


def _setup() -> Setup:
    return Setup(TASK, 16, 2, 9, _model)


def _model() -> Any:
    return build_model({"kind": "crop_classifier", "widths": [8, 16], "in_channels": 3}, 2)


def _batch(seed: int, count: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    crops = torch.randint(256, (count, 8, 8, 3), generator=generator).to(torch.uint8)
    return {"crop": crops, "label": torch.arange(count) % 2}


def test_styles_are_mixed_while_training_only_and_lie_between_those_of_the_batch():
    torch.manual_seed(0)
    method = MixStyle(_setup(), p=1.0)
    maps = torch.randn(6, 3, 4, 4) * torch.arange(1.0, 7).reshape(6, 1, 1, 1)
    mixed = method.train().mix(maps)
    assert mixed.shape == maps.shape
    assert not torch.equal(mixed, maps)
    deviations, before = mixed.std((2, 3)), maps.std((2, 3))
    assert (deviations.amax(0) <= before.amax(0) + 1e-4).all()
    assert (deviations.amin(0) >= before.amin(0) - 1e-4).all()
    assert torch.equal(method.eval().mix(maps), maps)
    assert torch.equal(MixStyle(_setup(), p=0.0).train().mix(maps), maps)


@pytest.mark.parametrize("kind", ["mixstyle", "adain"])
def test_nothing_stays_in_the_model(kind: str):
    setup, model = _setup(), _model()
    METHODS[kind](setup).train().losses(model, _batch(0), Target(_batch(1), _batch(1)), 0.0)
    assert not any(module._forward_hooks for module in model.modules())


def test_the_stem_hands_on_source_maps_in_the_targets_style():
    setup, model, seen = _setup(), _model(), []
    model.stages.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    target = Target(_batch(1, count=1), {})
    AdaIn(setup, p=1.0).losses(model.eval(), _batch(0), target, 0.0)
    style = model.stem(TASK.inputs(target.weak))
    assert seen[0].shape[0] == 4
    live = style.std((2, 3))[0] > 1e-3
    assert torch.allclose(seen[0].mean((2, 3)), style.mean((2, 3)).expand(4, -1), atol=1e-4)
    own = model.stem(TASK.inputs(_batch(0))).std((2, 3)) > 1e-3
    expected = style.std((2, 3)).expand(4, -1)
    assert torch.allclose(seen[0].std((2, 3))[own & live], expected[own & live], atol=1e-3)


@pytest.mark.parametrize("kind", ["fda", "color_transfer", "degrade"])
def test_the_model_learns_from_changed_pictures_with_true_labels(kind: str):
    setup, model, seen = _setup(), _model(), []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    source = _batch(0)
    method = METHODS[kind](setup)
    torch.manual_seed(0)
    losses = method.losses(model, source, Target(_batch(1, 2), {}), 0.0)
    assert seen[0].shape == TASK.inputs(source).shape
    assert not torch.allclose(seen[0], TASK.inputs(source), atol=0.05)
    expected = TASK.losses(model(seen[0]), source)["class"]
    assert torch.allclose(losses["class"], expected, atol=1e-4)


def test_degraded_pictures_differ_from_each_other_and_stay_pictures():
    torch.manual_seed(0)
    pictures = torch.rand(1, 3, 64, 64).expand(8, -1, -1, -1)
    degraded = Degrade(_setup(), p=1.0).change(pictures, Target({}, {}))
    assert float(degraded.min()) >= 0
    assert float(degraded.max()) <= 1
    assert all(not torch.equal(degraded[0], other) for other in degraded[1:])
    assert torch.equal(Degrade(_setup(), p=0.0).change(pictures, Target({}, {})), pictures)
    mild = Degrade(_setup(), p=1.0, severity=0.0).change(pictures, Target({}, {}))
    assert float((mild - pictures).abs().mean()) < 0.01


def test_a_model_without_early_maps_or_a_senseless_range_is_refused():

    def fresh() -> Any:
        model: Any = nn.Linear(2, 2)
        model.shallow = ()
        return model

    for kind in ("mixstyle", "adain"):
        with pytest.raises(ValueError, match="names none"):
            METHODS[kind](Setup(TASK, 16, 2, 9, fresh))
    with pytest.raises(ValueError, match="severity >= 0"):
        Degrade(_setup(), severity=-1.0)
    with pytest.raises(ValueError, match="alpha: expected a number > 0"):
        MixStyle(_setup(), alpha=0.0)
