"""Classifiers that are shown RGBA crops."""

import numpy as np
import pytest
import torch
from pixel_fakes import crops

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.models import build_model
from simgen.adapters.rgba import RgbaClassifier
from simgen.errors import CheckpointError

ARCHITECTURE = {"kind": "crop_classifier", "widths": [4, 8], "in_channels": 3}


def model(task: str = "classify", slack: float = 1.25) -> ModelFile:
    torch.manual_seed(0)
    view = {"input_size": 16, "grey": False, "margin": 0.0, "standardize": True}
    preprocess = {"view": view, "box": {"slack": slack}}
    weights = build_model(ARCHITECTURE, 2).state_dict()
    return ModelFile(task, ["disc", "square"], ARCHITECTURE, preprocess, None, {}, weights)


def test_features_and_probabilities_of_crops():
    seen = RgbaClassifier(model(), 0.125)
    rgba = crops(6, size=32).rgba
    assert seen.features(rgba).shape == (6, 8)
    answers = seen.probabilities(rgba)
    assert answers.sum(1) == pytest.approx(np.ones(6))
    assert seen.features(rgba[:0]).shape == (0, 8)
    assert seen.classes == ("disc", "square")


def test_what_alpha_hides_is_not_seen():
    seen = RgbaClassifier(model(), 0.125)
    rgba = crops(6, size=32).rgba
    other = rgba.copy()
    other[..., :3][rgba[..., 3] == 0] = 7
    assert (rgba != other).any()
    assert (seen.features(rgba) == seen.features(other)).all()


def test_gradients_go_through_to_the_crops_alone_and_agree_with_the_features():
    seen = RgbaClassifier(model(), 0.125)
    rgba = crops(6, size=32).rgba
    x = torch.from_numpy(rgba).permute(0, 3, 1, 2).float() / 255
    x = torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], 1).requires_grad_()
    rows = seen.perceptual(x)
    assert rows.detach().numpy() == pytest.approx(seen.features(rgba), abs=1e-5)
    rows.sum().backward()
    assert x.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in seen._module.parameters())


def test_the_rim_around_the_object_is_that_of_the_training():
    shapes = []
    for slack in (1.125, 2.25):
        seen = RgbaClassifier(model(slack=slack), 0.125)
        rgba = np.full((1, 32, 32, 4), 255, np.uint8)
        shapes.append(seen._shown(torch.from_numpy(rgba).permute(0, 3, 1, 2).float() / 255)[0, 0])
    assert float(shapes[0].max() - shapes[0].min()) == pytest.approx(0, abs=1e-4)
    bright = shapes[1] > shapes[1].mean()
    assert int(bright.sum()) == 64  # 8 x 8 of 16 x 16


def test_a_model_of_another_task_is_refused():
    with pytest.raises(CheckpointError, match="expected a classifier of crops, got one for the task detect"):
        RgbaClassifier(model("detect"), 0.125)
