from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco

from simgen.adapters.checkpoint import load_model
from simgen.adapters.selection import choose, snapshot_steps
from simgen.adapters.settings import SelectionConfig
from simgen.adapters.target import Target
from simgen.adapters.train import train
from simgen.errors import ConfigError
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
CONFIG = replace(TINY, selection=SelectionConfig(kind="information", snapshots=3, slack=1.0))


class _Line(torch.nn.Module):
    """Logits 0 and `slope` x."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(0.0))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.zeros_like(x), self.slope * x], dim=1)


class _Task:
    def inputs(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return batch["x"]

    def vectors(self, features: torch.Tensor, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features, output


def test_snapshots_are_spread_evenly_and_end_with_the_run():
    assert snapshot_steps(4, 100) == [25, 50, 75, 100]
    assert snapshot_steps(10, 3) == [1, 2, 3]


@pytest.mark.parametrize(("slack", "step"), [(1.0, 3), (0.1, 2)])
def test_the_most_certain_snapshot_that_knows_the_source_is_chosen(slack: float, step: int, tmp_path: Path):
    for number, slope in enumerate([0.5, 2.0, 9.0], 1):
        torch.save({"slope": torch.tensor(slope)}, tmp_path / f"{number:08d}.pt")
    target = Target({"x": torch.tensor([[-1.0], [1.0], [-2.0], [2.0]])}, {})
    model = _Line()

    def guard(line: _Line) -> float:
        return 0.5 if float(line.slope.detach()) > 5 else 0.9

    config = SelectionConfig(kind="information", slack=slack)
    task: object = _Task()
    found = choose(tmp_path, config, task, model, (lambda: [target], guard))  # type: ignore[arg-type]
    assert found[0].step == step
    assert sorted(c.step for c in found) == [1, 2, 3]
    assert float(model.slope.detach()) == [0.5, 2.0, 9.0][step - 1]


def test_a_stopped_run_chooses_the_same_and_cleans_up(tmp_path: Path):
    source = write_coco(tmp_path / "source", shapes(6), CLASSES)
    target = CocoDataset.read(write_coco(tmp_path / "target", shapes(4, seed=1), CLASSES))

    def stop(step: int, total: int, losses: dict[str, float]) -> None:
        if step == 5:
            raise KeyboardInterrupt

    whole = load_model(train(CONFIG, source, tmp_path / "whole", target=target))
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, source, tmp_path / "parts", target=target, on_step=stop)
    parts = load_model(train(CONFIG, source, tmp_path / "parts", target=target))
    assert all(torch.equal(value, parts.state_dict[name]) for name, value in whole.state_dict.items())
    assert whole.history["selection"] == parts.history["selection"]
    steps = [candidate["step"] for candidate in whole.history["selection"]]
    assert sorted(steps) == [2, 4, 6]
    scores = [candidate["score"] for candidate in whole.history["selection"]]
    assert scores[0] == max(scores)
    assert np.isfinite(scores).all()
    assert not (tmp_path / "whole" / "snapshots").exists()


@pytest.mark.parametrize(("kind", "guard"), [("shot", "reverse"), ("dann", "source")])
def test_what_never_sees_the_source_is_guarded_by_reverse_validation(kind: str, guard: str, tmp_path: Path):
    source = write_coco(tmp_path / "source", shapes(6), CLASSES)
    target = CocoDataset.read(write_coco(tmp_path / "target", shapes(8, seed=1), CLASSES))
    start = train(TINY, source, tmp_path / "start")
    config = replace(CONFIG, method={"kind": kind})
    guards = {}
    for name in ("auto", "source", "reverse"):
        chosen = replace(config, selection=replace(CONFIG.selection, guard=name))
        model = load_model(train(chosen, source, tmp_path / f"{name}-run", target=target, init=start))
        guards[name] = [(candidate["step"], candidate["guard"]) for candidate in model.history["selection"]]
    assert guards["auto"] == guards[guard]
    # Four objects are held out: shares of them.
    assert all(value * 4 % 1 == 0 for found in guards.values() for _, value in found)


def test_reverse_validation_needs_a_model_to_compare_in(tmp_path: Path):
    source = write_coco(tmp_path / "source", shapes(6), CLASSES)
    config = replace(CONFIG, method={"kind": "dann"}, selection=replace(CONFIG.selection, guard="reverse"))
    with pytest.raises(ConfigError, match=r"selection\.guard: reverse compares in .* \(--init RUN/model\.pt\)"):
        train(config, source, tmp_path / "run", target=CocoDataset.read(source))


def test_without_target_images_there_is_nothing_to_choose_by(tmp_path: Path):
    source = write_coco(tmp_path / "source", shapes(6), CLASSES)
    with pytest.raises(ConfigError, match=r"selection\.kind: information is a score on target images \(--target\)"):
        train(CONFIG, source, tmp_path / "run")
    plain = replace(CONFIG, selection=SelectionConfig())
    assert "selection" not in load_model(train(plain, source, tmp_path / "run")).history
