"""Which method one would choose without a label of the target, and which one with them.

The choice is `guarded` information maximisation: of the methods whose labelling of the target leads back to the labels
of held-out source (`simgen.adapters.reverse`, in the features of the `source_only` run of the same seed), the one whose
answers on unlabelled target pictures hold the most information. A sweep without `source_only` is guarded by the
methods' own accuracy on held-out source instead. Only methods that learnt from no label of a photograph stand for
choice. The figures on labelled photographs stand beside the choice, and take no part in it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.checkpoint import ModelFile, load_model
from simgen.adapters.evaluate import CLASSIFYING
from simgen.adapters.methods import METHODS
from simgen.adapters.metrics import LOWER_IS_BETTER
from simgen.adapters.outcomes import START, Outcome
from simgen.adapters.predict import build_module
from simgen.adapters.reverse import ReverseValidation
from simgen.adapters.selection import probabilities
from simgen.adapters.settings import TrainConfig, as_seen
from simgen.adapters.target import without_labels
from simgen.adapters.tasks import TASKS
from simgen.adapters.validators import guarded, information_maximisation
from simgen.errors import DataError
from simgen.formats.imageset import ImageSet

_BATCH = 32


@dataclass(frozen=True)
class Judged:
    """What is known of a run, or on average of the runs of a method.

    Attributes:
        information: maximisation on unlabelled target pictures, in nats; more is better.
        source: the leading figure on held-out labelled source.
        real: the figure on labelled photographs.
        reverse: accuracy on held-out source of a classifier that learnt from the run's labelling of the target; NaN
            where there is no `source_only` run to compare in.
    """

    information: float
    source: float
    real: float
    reverse: float = math.nan

    @staticmethod
    def mean(runs: Sequence["Judged"]) -> "Judged":
        """Return the means over runs."""
        return Judged(*(fmean(getattr(run, field.name) for run in runs) for field in fields(Judged)))


@dataclass(frozen=True, eq=False)
class Evidence:
    """The images that a choice looks at.

    Attributes:
        unlabelled: target pictures; of their labels the boxes alone are read, and those only to classify.
        held_out: labelled source images that no run learnt from.
    """

    unlabelled: ImageSet
    held_out: ImageSet


@dataclass(frozen=True)
class Choice:
    """A choice between methods.

    Attributes:
        figure: the name of the figure on labelled photographs.
        judged: each method's means over seeds.
        selected: what is chosen without labels.
        guard: "reverse" or "source", what kept methods from being chosen.
        best: what the labels would choose.
    """

    figure: str
    judged: Mapping[str, Judged]
    selected: str
    best: str
    guard: str = "source"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "figure": self.figure,
            "guard": self.guard,
            "methods": {name: asdict(judged) for name, judged in self.judged.items()},
            "selected": {"method": self.selected, self.figure: self.judged[self.selected].real},
            "best": {"method": self.best, self.figure: self.judged[self.best].real},
        }


def choose_method(
    outcomes: Sequence[Outcome], out: Path, config: TrainConfig, evidence: Evidence, figure: str
) -> Choice | None:
    """Choose between the methods of a sweep.

    Args:
        outcomes: of its runs.
        out: its folder.
        config: its settings.
        evidence: what to choose by.
        figure: of the outcomes' scores, for the choice by the labels.

    Returns:
        The choice, or None where no run can be judged: the task has no class of objects, or every run failed or learnt
        from labels.

    Raises:
        DataError: target pictures that cannot be decoded, or none.
    """
    arms = [o for o in outcomes if figure in o.scores and not METHODS[o.arm.method].real_labels]
    if config.task == "keypoints" or not arms:
        return None
    files = [load_model(o.arm.folder(out) / "model.pt") for o in arms]
    pictures = without_labels(evidence.unlabelled, boxes=config.task in CLASSIFYING)
    looked_at = _look(config, files[0].classes, pictures)
    starts = {o.arm.seed: file for o, file in zip(arms, files, strict=True) if o.arm.name == START}
    guards = {seed: _reverse(config, start, pictures, evidence.held_out) for seed, start in starts.items()}
    judged: dict[str, list[Judged]] = {}
    for outcome, file in zip(arms, files, strict=True):
        source = float(next(iter(file.history["validation"].values())))
        guard = guards.get(outcome.arm.seed)
        reverse = math.nan if guard is None else guard(build_module(file))
        found = Judged(information_maximisation(looked_at(file)), source, outcome.scores[figure], reverse)
        judged.setdefault(outcome.arm.name, []).append(found)
    return choose(judged, figure)


def choose(judged: Mapping[str, Sequence[Judged]], figure: str) -> Choice:
    """Choose between methods, each judged by the means over its runs."""
    means = {name: Judged.mean(runs) for name, runs in judged.items()}
    names, found = list(means), list(means.values())
    guard = "source" if any(math.isnan(j.reverse) for j in found) else "reverse"
    selected = guarded(np.array([j.information for j in found]), np.array([getattr(j, guard) for j in found]))
    real = np.array([j.real for j in found]) * (-1 if figure in LOWER_IS_BETTER else 1)
    return Choice(figure, means, names[selected], names[int(np.argmax(real))], guard)


def _look(
    config: TrainConfig, classes: Sequence[str], pictures: ImageSet
) -> Callable[[ModelFile], NDArray[np.float64]]:
    """Return what gives a model's (n, C) class probabilities of the objects in pictures without labels."""
    if config.task not in CLASSIFYING:
        task = TASKS[config.task](classes, config)
        views = task.unlabelled(pictures)
        return lambda model: probabilities(task, build_module(model), lambda: views.once(_BATCH))
    if config.task == "classify" and not any(record.annotations for record in pictures.records):
        raise DataError(f"{pictures.root}: expected boxes around the target's objects, but there are none")
    predict = CLASSIFYING[config.task]
    return lambda model: np.concatenate([said.probabilities for said in predict(model, pictures.records)])


def _reverse(config: TrainConfig, start: ModelFile, pictures: ImageSet, held_out: ImageSet) -> ReverseValidation:
    """Return what judges the labellings of pictures in the features of a model."""
    task = TASKS[config.task](start.classes, as_seen(config))
    views = task.unlabelled(pictures)
    return ReverseValidation(task, build_module(start), lambda: views.once(_BATCH), held_out)
