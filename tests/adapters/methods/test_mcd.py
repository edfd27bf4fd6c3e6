from collections.abc import Iterator

import torch
from point_fakes import PointModel, PointTask, points, seen
from torch import nn

from simgen.adapters.functional.discrepancy import classifier_discrepancy
from simgen.adapters.methods import Setup
from simgen.adapters.methods.mcd import Mcd
from simgen.adapters.models.detector import DetectorOutput
from simgen.adapters.settings import TrainConfig
from simgen.adapters.target import Target
from simgen.adapters.tasks import TASKS

SOURCE, TARGET = points(6, seed=1), seen(points(4, seed=2))


def _made(strength: float = 1.0) -> tuple[PointModel, Mcd]:
    torch.manual_seed(0)
    model = PointModel()
    return model, Mcd(Setup(PointTask(), 8, 2, fresh=PointModel), strength=strength)


def _apart(model: PointModel, method: Mcd, target: Target) -> torch.Tensor:
    features = model.features(target.strong["x"])
    second: nn.Module = method.heads["head"]
    return classifier_discrepancy(model.head(features), second(features))


def _moved(parameters: Iterator[nn.Parameter]) -> None:
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= 0.01 * p.grad


def test_both_heads_learn_the_source_and_the_discrepancy_is_subtracted():
    model, method = _made()
    losses = method.losses(model, SOURCE, TARGET, 0.5)
    assert set(losses) == {"class", "class_second", "discrepancy"}
    assert torch.allclose(losses["discrepancy"], -_apart(model, method, TARGET))
    assert not torch.equal(losses["class"], losses["class_second"])


def test_a_step_of_the_heads_drives_them_apart_and_one_of_the_encoder_together():
    for part, sign in (("heads", 1), ("encoder", -1)):
        model, method = _made()
        before = _apart(model, method, TARGET)
        method.losses(model, SOURCE, TARGET, 0.5)["discrepancy"].backward()
        for moved in (model.head, method.heads) if part == "heads" else (model.body,):
            _moved(moved.parameters())
        assert sign * (_apart(model, method, TARGET) - before).item() > 0


def test_the_strength_scales_the_encoders_gradient_alone():
    gradients = []
    for strength in (1.0, 3.0):
        model, method = _made(strength)
        method.losses(model, SOURCE, TARGET, 0.5)["discrepancy"].backward()
        gradients.append((model.body[0].weight.grad, model.head[0].weight.grad))
    assert torch.allclose(3 * gradients[0][0], gradients[1][0])
    assert torch.equal(gradients[0][1], gradients[1][1])


def test_maps_are_compared_where_the_first_heads_see_objects():
    task = TASKS["detect"](["a", "b"], TrainConfig())
    first, second = torch.zeros(1, 2, 4, 8), torch.randn(1, 2, 4, 8)
    first[0, 1, 2, :] = torch.arange(8) + 5.0
    first[0, 0, 3, :] = torch.arange(8) + 4.5
    outputs = [DetectorOutput(heat, torch.zeros(1, 4, 4, 8)) for heat in (first, second)]
    cells = first.amax(1).flatten().topk(16).indices
    _, logits = task.vectors(torch.zeros(1, 3, 4, 8), outputs[1], outputs[0])
    assert torch.equal(logits, second[0].flatten(1)[:, cells].T)


def _state(module: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def _changed(module: nn.Module, before: list[torch.Tensor]) -> bool:
    return not all(torch.equal(a, b) for a, b in zip(module.parameters(), before, strict=True))


def test_in_turns_first_all_learn_then_the_heads_then_the_encoder():
    torch.manual_seed(0)
    model = PointModel()
    method = Mcd(Setup(PointTask(), 8, 2, fresh=PointModel), alternate=True, repeats=2)
    optimizer = torch.optim.Adam([*model.parameters(), *method.parameters()], lr=1e-3)
    seen_turns = []
    for _ in range(8):
        parts = [model.body, model.head, method.heads]
        before, apart = [_state(part) for part in parts], _apart(model, method, TARGET)
        losses = method.losses(model, SOURCE, TARGET, 0.5)
        assert torch.allclose(losses["discrepancy"].detach(), -apart)
        optimizer.zero_grad()
        sum(losses.values(), torch.zeros(())).backward()
        optimizer.step()
        method.after_step(model, 0.5)
        changed = tuple(_changed(*pair) for pair in zip(parts, before, strict=True))
        seen_turns.append(changed)
        if changed == (True, False, False):
            assert _apart(model, method, TARGET) < apart
    one_round = [(True, True, True), (False, True, True), (True, False, False), (True, False, False)]
    assert seen_turns == one_round * 2


def test_where_it_is_in_its_turns_is_part_of_the_checkpoint():
    _, method = _made()
    turning = Mcd(Setup(PointTask(), 8, 2, fresh=PointModel), alternate=True)
    for _ in range(9):
        turning.after_step(PointModel(), 0.5)
    again = Mcd(Setup(PointTask(), 8, 2, fresh=PointModel), alternate=True)
    again.load_state_dict(turning.state_dict())
    assert int(again.turn) == 3
    method.after_step(PointModel(), 0.5)
    assert int(method.turn) == 0
