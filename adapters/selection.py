"""Choosing between the checkpoints of a run without a label of the target; by default the last one counts.

The run keeps snapshots of its averaged weights, spread evenly over its steps. At its end each is scored on the target's
pictures (`Target`, which holds no labels) and on the held-out part of the labelled set, and `guarded` picks one. The
guard looks at a snapshot's own accuracy there, or at that of its labelling of the target (simgen.adapters.reverse).
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simgen.adapters.checkpoint import load_plain
from simgen.adapters.lightning_lite import Callback, Trainer
from simgen.adapters.methods.base import Method, Once
from simgen.adapters.settings import SelectionConfig
from simgen.adapters.tasks import Task
from simgen.adapters.validators import entropy, guarded, information_maximisation, soft_neighbourhood_density

SCORES: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "information": information_maximisation,
    "entropy": entropy,
    "density": soft_neighbourhood_density,
}


@dataclass(frozen=True)
class Candidate:
    """A snapshot: its step, its score without labels of the target, and the guard's on the held-out labelled part."""

    step: int
    score: float
    guard: float


class Snapshots(Callback):
    """Keeps the averaged weights of some steps, one file each, in a folder of the run."""

    def __init__(self, folder: Path, config: SelectionConfig, steps: int) -> None:
        self.folder, self._steps = folder, snapshot_steps(config.snapshots, steps)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        if trainer.is_global_zero and trainer.global_step in self._steps:
            self.folder.mkdir(exist_ok=True)
            path = self.folder / f"{trainer.global_step:08d}.pt"
            torch.save(pl_module.average.state_dict(), path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)

    def remove(self) -> None:
        """Delete the files, once the model is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def snapshot_steps(count: int, steps: int) -> list[int]:
    """Return up to `count` steps, spread evenly, the last of them the end of the run."""
    return sorted({max(1, round(steps * k / count)) for k in range(1, count + 1)})


def guard_of(method: Method, config: SelectionConfig) -> str:
    """Return "source" or "reverse"."""
    if config.guard != "auto":
        return config.guard
    return "reverse" if method.source_free else "source"


def choose(
    folder: Path, config: SelectionConfig, task: Task, model: Any, data: tuple[Once, Callable[[Any], float]]
) -> list[Candidate]:
    """Load the chosen snapshot into the model; return all candidates, the chosen one first.

    Args:
        folder: of the snapshots.
        config: how to choose.
        task: of the run.
        model: takes the weights.
        data: goes once through the target's pictures; the guard's score of a model.
    """
    once, guard = data
    found = []
    for path in sorted(folder.glob("*.pt")):
        model.load_state_dict(load_plain(path))
        score = SCORES[config.kind](probabilities(task, model, once))
        found.append(Candidate(int(path.stem), score, guard(model)))
    best = guarded(np.array([c.score for c in found]), np.array([c.guard for c in found]), config.slack)
    model.load_state_dict(load_plain(folder / f"{found[best].step:08d}.pt"))
    return [found[best], *found[:best], *found[best + 1 :]]


def probabilities(task: Task, model: Any, once: Once) -> NDArray[np.float64]:
    """Return (n, C) class probabilities of the target's objects, as evaluation sees them."""
    training, device = model.training, next(model.parameters()).device
    model.eval()
    rows = []
    with torch.no_grad():
        for target in once():
            features = model.features(task.inputs(target.weak).to(device))
            _, logits = task.vectors(features, model.predict(features))
            rows.append(logits.double().softmax(dim=1).cpu().numpy())
    model.train(training)
    return np.concatenate(rows)
