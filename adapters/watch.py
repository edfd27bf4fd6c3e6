"""What looks on while a run trains: tables, progress, validations, TensorBoard, and the early stop."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from simgen.adapters.checkpoint import load_plain
from simgen.adapters.lightning_lite import Callback, Trainer
from simgen.adapters.runs import RunFolder, Table
from simgen.adapters.settings import StopConfig
from simgen.adapters.tasks import Task
from simgen.adapters.tasks.scores import Validation
from simgen.formats.imageset import ImageRecord

OnStep = Callable[[int, int, dict[str, float]], None]
"""Called as on_step(step, total, losses) after every optimizer step."""


class Watch(Callback):
    """Writes the tables, reports progress, validates now and then, and ends a run that no longer gets better.

    Of several processes the first writes; all of them stop together.

    Args:
        run: the folder.
        task: validates.
        records: the held-out images.
        start: the step that the run goes on from.
        stop: decides when the run ends.
        on_step: for a progress bar.
    """

    def __init__(
        self,
        run: RunFolder,
        task: Task,
        records: Sequence[ImageRecord],
        start: int,
        stop: "EarlyStop",
        on_step: OnStep | None = None,
    ) -> None:
        self._run, self._task, self._records, self._start = run, task, records, start
        self._stop, self._on_step = stop, on_step

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        if trainer.is_global_zero:
            self._losses = Table(self._run.folder / "losses.csv", self._start)
            self._validations = Table(self._run.folder / "validation.csv", self._start)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        trainer.should_stop = self._stop.over

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        config, step = pl_module.config, trainer.global_step
        if trainer.is_global_zero:
            self._losses.add({"step": step, **{k: f"{v:.6g}" for k, v in pl_module.latest.items()}})
            _log(trainer, "train", pl_module.latest, step)
            if self._on_step:
                self._on_step(step, config.steps, pl_module.latest)
        if config.validation.every and step % config.validation.every == 0 and step < config.steps:
            over = trainer.is_global_zero and self._validated(trainer, pl_module)
            trainer.should_stop = trainer.strategy.broadcast(over)

    def note(self, step: int, result: Validation) -> None:
        """Write a validation down."""
        threshold = "" if result.threshold is None else f"{result.threshold:.4f}"
        metrics = {name: f"{value:.4f}" for name, value in result.metrics.items()}
        self._validations.add({"step": step, **metrics, "threshold": threshold})

    def _validated(self, trainer: Trainer, pl_module: Any) -> bool:
        """Validate; return whether the run is over."""
        result = self._task.validate(pl_module.average, self._records)
        self.note(trainer.global_step, result)
        _log(trainer, "validation", result.metrics, trainer.global_step)
        return self._stop.see(trainer.global_step, headline(result), pl_module.average)


class EarlyStop(Callback):
    """Keeps the weights of the best validation, and says when `patience` validations in a row were no better.

    What it knows is part of the run's checkpoint, so that a run that was stopped from outside goes on alike.

    Args:
        config: when to stop; without patience it keeps nothing and never does.
        path: of the best weights.
    """

    def __init__(self, config: StopConfig, path: Path) -> None:
        self._config, self._path = config, path
        self.best, self.step, self._worse = -1.0, 0, 0

    @property
    def over(self) -> bool:
        """Whether the run has had its last step."""
        return 0 < self._config.patience <= self._worse

    def see(self, step: int, figure: float, average: Any) -> bool:
        """Look at a validation's figure, the higher the better, and its model; return `over`."""
        if not self._config.patience:
            return False
        if not self.step or figure > self.best + self._config.min_delta:
            self.best, self.step, self._worse = figure, step, 0
            torch.save(average.state_dict(), self._path.with_suffix(".part"))
            self._path.with_suffix(".part").replace(self._path)
        else:
            self._worse += 1
        return self.over

    def restore(self, average: Any) -> None:
        """Load the best weights, if any were kept."""
        if self.step:
            average.load_state_dict(load_plain(self._path))

    def remove(self) -> None:
        """Delete the file, once the model is written."""
        self._path.unlink(missing_ok=True)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "step": self.step, "worse": self._worse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.step, self._worse = (state_dict[name] for name in ("best", "step", "worse"))


def headline(result: Validation) -> float:
    """Return the first figure of a validation, which every task has the higher the better; 0 without any."""
    return float(next(iter(result.metrics.values()), 0.0))


def _log(trainer: Trainer, where: str, figures: Mapping[str, float], step: int) -> None:
    if trainer.logger:
        trainer.logger.log_metrics({f"{where}/{name}": value for name, value in figures.items()}, step)
