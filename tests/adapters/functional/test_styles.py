import pytest
import torch
from torch import nn

from simgen.adapters.functional.styles import (
    changed_outputs,
    channel_statistics,
    mixed_statistics,
    restyled,
    shallow_modules,
)
from simgen.adapters.models import build_model
from simgen.adapters.models.detector import CenterDetector


def _maps(seed: int) -> torch.Tensor:
    return torch.randn(4, 6, 5, 7, generator=torch.Generator().manual_seed(seed)) * (1 + seed) + seed


def test_a_restyled_map_has_the_statistics_of_the_style_and_its_own_pattern():
    content, style = _maps(0), _maps(3)
    result = restyled(content, channel_statistics(style))
    assert torch.allclose(result.mean((2, 3)), style.mean((2, 3)), atol=1e-5)
    assert torch.allclose(result.std((2, 3)), style.std((2, 3)), atol=1e-4)
    pairs = [
        torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
        for a, b in zip(content[0], result[0], strict=True)
    ]
    assert torch.stack(pairs).min() > 0.9999


def test_a_constant_channel_takes_the_mean():
    content = torch.zeros(1, 1, 3, 3)
    style = _maps(2)[:1, :1]
    assert torch.allclose(restyled(content, channel_statistics(style)), style.mean().expand(1, 1, 3, 3), atol=1e-5)


def test_mixed_statistics_lie_between():
    first, second = channel_statistics(_maps(0)), channel_statistics(_maps(1))
    share = torch.tensor([0.0, 0.25, 0.75, 1.0]).reshape(4, 1, 1, 1)
    mean, std = mixed_statistics(first, second, share)
    assert torch.allclose(mean, share * first[0] + (1 - share) * second[0])
    assert torch.allclose(std[1], 0.25 * first[1][1] + 0.75 * second[1][1])


def test_no_gradient_goes_through_statistics():
    style = _maps(1).requires_grad_()
    content = _maps(0).requires_grad_()
    restyled(content, channel_statistics(style)).square().sum().backward()
    assert style.grad is None
    assert content.grad is not None


def test_outputs_are_changed_only_while_it_lasts():
    model = nn.Sequential(nn.Identity(), nn.Identity())
    with changed_outputs(list(model), lambda x: 2 * x):
        assert model(torch.ones(1)) == 4
    assert model(torch.ones(1)) == 1
    with pytest.raises(KeyError), changed_outputs(list(model), lambda x: 2 * x):
        raise KeyError
    assert model(torch.ones(1)) == 1


def test_models_name_their_first_submodules():
    classifier = build_model({"kind": "crop_classifier", "widths": [4, 8]}, 2)
    assert shallow_modules(classifier) == [classifier.stem, classifier.stages[0]]
    detector = CenterDetector(2)
    assert shallow_modules(detector) == [detector.backbone.stem, detector.backbone.stages[0]]

    class Foreign(nn.Module):
        channels, strides = (4, 4, 4), (4, 8, 16)

    with pytest.raises(ValueError, match="names none"):
        shallow_modules(CenterDetector(2, Foreign()))
