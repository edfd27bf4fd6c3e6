"""Self-training where the answer is known: three Gaussians, turned between the domains, their labels kept."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from simgen.adapters.methods import METHODS, Method, Setup
from simgen.adapters.settings import TrainConfig
from simgen.adapters.target import Batch, Target
from simgen.adapters.tasks.classify import Classify

CLASSES, STEPS, TURN_RAD = 3, 150, 0.75
NOTHING = Target({}, {})


class _Points(Classify):
    def inputs(self, batch: Batch) -> Tensor:
        return batch["x"]


class _Net(nn.Module):
    heads, shallow = ("head",), ()

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU())
        self.head = nn.Linear(12, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x)
        return features

    def predict(self, features: Tensor) -> Tensor:
        logits: Tensor = self.head(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.predict(self.features(x))


def _points(count: int, turn_rad: float) -> tuple[Tensor, Tensor]:
    labels = torch.randint(CLASSES, (count,))
    angle = labels * (2 * torch.pi / CLASSES) + turn_rad
    return 2 * torch.stack([angle.cos(), angle.sin()], 1) + 0.5 * torch.randn(count, 2), labels


def _fitted(method: Method, model: _Net, batch: Callable[[], tuple[Batch, Target]]) -> _Net:
    optimizer = torch.optim.Adam([{**g, "lr": 5e-3} for g in method.groups(model, 0.0)])
    for step in range(STEPS):
        optimizer.zero_grad()
        torch.stack(list(method.losses(model, *batch(), step / STEPS).values())).sum().backward()
        optimizer.step()
        method.after_step(model, (step + 1) / STEPS)
    return model


def _source() -> Batch:
    x, labels = _points(64, 0.0)
    return {"x": x, "label": labels}


def _target() -> Target:
    x, _ = _points(64, TURN_RAD)
    return Target({"x": x}, {"x": x + 0.2 * torch.randn_like(x)})


def _accuracy(model: _Net) -> float:
    x, labels = _points(2000, TURN_RAD)
    with torch.no_grad():
        return float((model.eval()(x).argmax(1) == labels).float().mean())


def _made(kind: str, model: _Net, **arguments: Any) -> Method:
    setup = Setup(_Points(["a", "b", "c"], TrainConfig(task="classify")), 12, CLASSES, 899, _Net)
    method = METHODS[kind](setup, **arguments)
    method.begin(model, lambda: ())
    return method


@lru_cache
def _source_only(seed: int) -> tuple[dict[str, Tensor], float]:
    torch.manual_seed(seed)
    model = _Net()
    _fitted(_made("source_only", model), model, lambda: (_source(), NOTHING))
    return {name: value.clone() for name, value in model.state_dict().items()}, _accuracy(model)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kind", "arguments"), [("mean_teacher", {"decay": 0.95}), ("shot", {})])
def test_self_training_raises_the_accuracy_on_the_target(kind: str, arguments: dict[str, float], seed: int):
    weights, before = _source_only(seed)
    torch.manual_seed(seed)
    model = _Net()
    if METHODS[kind].starts_trained:
        model.load_state_dict(weights)
    method = _made(kind, model, **arguments)
    _fitted(method, model, lambda: (_source() if method.uses_source else {}, _target()))
    assert before < 0.9
    assert _accuracy(model) > before + 0.05


def test_the_teacher_is_silent_until_it_has_learnt():
    torch.manual_seed(0)
    model = _Net()
    method = _made("mean_teacher", model, burn_in=0.5)
    early, late = (method.losses(model, _source(), _target(), progress) for progress in (0.49, 0.9))
    assert float(early["taught_class"].detach()) == 0
    assert float(late["taught_class"].detach()) > 0


def test_shot_leaves_the_head_and_moves_the_rest():
    weights, _ = _source_only(0)
    model = _Net()
    model.load_state_dict(weights)
    _fitted(_made("shot", model), model, lambda: ({}, _target()))
    after = model.state_dict()
    assert all(torch.equal(after[name], weights[name]) for name in ("head.weight", "head.bias"))
    assert not torch.equal(after["body.0.weight"], weights["body.0.weight"])


def test_tent_moves_scales_and_shifts_of_norms_alone():
    weights, _ = _source_only(0)
    model = _Net()
    model.load_state_dict(weights)
    method = _made("tent", model)
    _fitted(method, model, lambda: ({}, _target()))
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, weights[name])}
    buffers = {name for name, _ in model.named_buffers()}
    assert moved - buffers == {"body.1.weight", "body.1.bias"}


def test_tent_takes_one_step_a_batch_of_one_pass():
    model = _Net()
    assert _made("tent", model).steps(2500, 64) == 15
    assert _made("tent", model).steps(10, 64) == 10
    assert _made("source_only", model).steps(2500, 64) == 2500
    with pytest.raises(ValueError, match="expected a model with batch normalisation"):
        METHODS["tent"](Setup(_Points(["a"], TrainConfig(task="classify")), 2, 1, 9, lambda: nn.Linear(2, 1)))


def test_the_teacher_is_the_closed_form_of_its_average_with_buffers():
    torch.manual_seed(0)
    model = _Net()
    method = _made("mean_teacher", model, decay=0.7)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    history = []
    for _ in range(4):
        model(torch.randn(16, 2) * 3)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        history.append({name: value.clone() for name, value in model.state_dict().items()})
        method.after_step(model, 0.0)
    for name in ("head.weight", "body.1.running_mean", "body.1.running_var"):
        expected = 0.7**4 * start[name] + sum(0.3 * 0.7 ** (3 - k) * history[k][name] for k in range(4))
        assert torch.allclose(method.state_dict()[f"teacher.{name}"], expected, atol=1e-5)
    assert method.state_dict()["teacher.body.1.num_batches_tracked"] == 4
    assert not any(module.training for module in method.train().teacher.modules())  # type: ignore[union-attr]
    assert not list(filter(lambda p: p.requires_grad, method.parameters()))


def test_a_prior_must_name_every_class():
    with pytest.raises(ValueError, match="expected 3 shares > 0"):
        _made("shot", _Net(), prior=[0.5, 0.5])
