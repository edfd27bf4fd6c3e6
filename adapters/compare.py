"""Models side by side on one labelled set: the same resampled sets for all, so that their differences have intervals.

Models that name the same `method` in their history, trained with several seeds, also count together: the figures of a
method are the means over its models, in the whole set and in each resampled one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simgen.adapters.evaluate import Evaluation, write_scores
from simgen.adapters.metrics import LOWER_IS_BETTER, Figures, Score, resamples, scores_of
from simgen.adapters.metrics.paired import Difference, Gap, McNemar, Sampled, difference, gap_closed, mcnemar
from simgen.errors import CheckpointError, ConfigError, did_you_mean
from simgen.rng import stream

Progress = Callable[[int, int], None]
Members = Mapping[str, tuple[str, ...]]
"""The names of the models of each arm."""
Figured = tuple[Figures, list[Figures]]
"""The figures of the whole set, and those of each resampled one."""


class Told(Protocol):
    """What a model file and an evaluation both say of a model."""

    @property
    def task(self) -> str: ...
    @property
    def history(self) -> dict[str, Any]: ...


@dataclass(frozen=True, eq=False)
class Arm:
    """One row of a comparison: a model, or the models of a method.

    Attributes:
        name: of the model, or the method.
        models: the names of its models.
        method: what its models' histories say.
        seeds: of training, as far as the histories say.
        scores: figures with intervals over images.
        spread: of several models, the standard deviation of each figure over them (n - 1 in the denominator).
        differences: to the baseline; empty for the baseline itself.
        gaps: the share of the gap between baseline and oracle that it closes; empty without an oracle.
        mcnemar: of a classifier and the baseline, where both are single models.
    """

    name: str
    models: tuple[str, ...]
    method: str | None
    seeds: tuple[int, ...]
    scores: dict[str, Score]
    spread: dict[str, float | None] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    gaps: dict[str, Gap] = field(default_factory=dict)
    mcnemar: McNemar | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Arms beside each other.

    Attributes:
        arms: models in their order, then methods of several models.
        evaluations: of each model.
        baseline: the arm that differences are taken to.
        oracle: the arm that closes the whole gap, or None.
        repeats: resampled sets.
    """

    arms: tuple[Arm, ...]
    evaluations: Mapping[str, Evaluation]
    baseline: str
    oracle: str | None
    repeats: int

    def as_dict(self) -> dict[str, Any]:
        """Return what goes into comparison.json."""
        first = next(iter(self.evaluations.values()))
        return {
            "task": first.task,
            "set": first.image_set,
            "split": first.part,
            "images": len(first.records),
            "baseline": self.baseline,
            "oracle": self.oracle,
            "repeats": self.repeats,
            "models": {name: found.model for name, found in self.evaluations.items()},
            "arms": [asdict(arm) for arm in self.arms],
        }


def compare(
    evaluations: Mapping[str, Evaluation],
    *,
    members: Members | None = None,
    baseline: str | None = None,
    oracle: str | None = None,
    sampling: tuple[int, int] = (1000, 0),
    progress: Progress | None = None,
) -> Comparison:
    """Compare models that were scored on the same images.

    Args:
        evaluations: one for each model, by name.
        members: the models of each arm, where these are known; default: each model, and each method of several models.
        baseline: a model or a method, e.g. the one trained on synthetic images alone; default: the first.
        oracle: a model or a method, e.g. the one trained on real labels; without it no gap is measured.
        sampling: how many resampled sets, and their seed; the sets are those of `evaluate` with this seed.
        progress: called as progress(done, total) after each model.

    Raises:
        CheckpointError: models of several tasks.
        ConfigError: an unknown baseline or oracle.
    """
    members = _members(evaluations) if members is None else members
    check(evaluations, baseline, oracle, members)
    chosen = baseline or next(iter(members))
    n_images = len(next(iter(evaluations.values())).records)
    picks = resamples(n_images, sampling[0], stream(sampling[1], 0, "bootstrap"))
    figured: dict[str, Figured] = {}
    for number, (name, found) in enumerate(evaluations.items()):
        figured[name] = found.measure(None), [found.measure(picked) for picked in picks]
        if progress:
            progress(number + 1, len(evaluations))
    figured |= {name: _mean(models, figured) for name, models in members.items() if name not in evaluations}
    sides = _Sides({name: _sampled(found) for name, found in figured.items()}, chosen, oracle)
    arms = [_beside(_arm(name, models, evaluations, figured), sides) for name, models in members.items()]
    tested = [replace(arm, mcnemar=_mcnemar(evaluations, arm.models, members[chosen])) for arm in arms]
    return Comparison(tuple(tested), evaluations, chosen, oracle, sampling[0])


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write comparison.json and comparison.html into a folder; return the page's path. Raises `OutputError`."""
    from simgen.adapters.report import write_comparison_page

    write_page = partial(write_comparison_page, comparison)
    return write_scores(comparison.as_dict(), out / "comparison.json", write_page, "comparison.html")


def method_of(history: Mapping[str, Any]) -> str | None:
    """Return the method that a model's history names, as a word or as a section with a `kind`."""
    method = history.get("method")
    if isinstance(method, Mapping):
        method = method.get("kind")
    return method if isinstance(method, str) else None


def check(
    models: Mapping[str, Told],
    baseline: str | None = None,
    oracle: str | None = None,
    members: Members | None = None,
) -> None:
    """Raise what `compare` would raise, before anything was scored: model files will do."""
    (first, found), *others = models.items()
    for name, other in others:
        if other.task != found.task:
            raise CheckpointError(
                f'models "{first}" and "{name}": expected models of one task, got {found.task} and {other.task}'
            )
    members = _members(models) if members is None else members
    for option, named in (("--baseline", baseline), ("--oracle", oracle)):
        if named is not None and named not in members:
            raise ConfigError(f'{option}: no model or method is called "{named}"{did_you_mean(named, members)}')


def _members(models: Mapping[str, Told]) -> Members:
    """Return the models of each arm."""
    members: dict[str, tuple[str, ...]] = {name: (name,) for name in models}
    by_method: dict[str, tuple[str, ...]] = {}
    for name, found in models.items():
        method = method_of(found.history)
        if method is not None:
            by_method[method] = (*by_method.get(method, ()), name)
    for method, same in by_method.items():
        if len(same) > 1:
            members[f"{method} (mean)" if method in members else method] = same
    return members


def _mean(models: Sequence[str], figured: Mapping[str, Figured]) -> Figured:
    """Return the mean over models of every figure, in the whole set and in each resampled one."""
    columns = zip(*(figured[name][1] for name in models), strict=True)
    return _averaged([figured[name][0] for name in models]), [_averaged(column) for column in columns]


def _averaged(found: Sequence[Figures]) -> Figures:
    names = [name for name in found[0] if all(name in figures for figures in found)]
    rows = {name: [figures[name] for figures in found] for name in names}
    return {name: None if None in row else float(np.mean(np.array(row, float))) for name, row in rows.items()}


def _sampled(figured: Figured) -> dict[str, Sampled]:
    whole, draws = figured
    return {
        name: Sampled(float(np.array(value, float)), np.array([draw[name] for draw in draws], float))
        for name, value in whole.items()
    }


def _arm(
    name: str, models: tuple[str, ...], evaluations: Mapping[str, Evaluation], figured: Mapping[str, Figured]
) -> Arm:
    histories = [evaluations[model].history for model in models]
    seeds = tuple(history["seed"] for history in histories if isinstance(history.get("seed"), int))
    spread = _spread([figured[model][0] for model in models]) if len(models) > 1 else {}
    return Arm(name, models, method_of(histories[0]), seeds, scores_of(*figured[name]), spread)


def _spread(found: Sequence[Figures]) -> dict[str, float | None]:
    rows = {name: [figures.get(name) for figures in found] for name in found[0]}
    return {name: None if None in row else float(np.std(np.array(row, float), ddof=1)) for name, row in rows.items()}


@dataclass(frozen=True, eq=False)
class _Sides:
    """What arms are held against: the figures of all of them, by arm, and which two are the ends of the gap."""

    sampled: Mapping[str, dict[str, Sampled]]
    baseline: str
    oracle: str | None


def _beside(arm: Arm, sides: _Sides) -> Arm:
    """Return the arm with its differences to the baseline and the share of the gap that it closes."""
    if arm.name == sides.baseline:
        return arm
    ours, theirs = sides.sampled[arm.name], sides.sampled[sides.baseline]
    shared = [name for name in ours if name in theirs]
    differences = {name: difference(ours[name], theirs[name]) for name in shared}
    if sides.oracle in (None, arm.name, sides.baseline):
        return replace(arm, differences=differences)
    best = sides.sampled[str(sides.oracle)]
    gaps = {n: gap_closed(*(_risen(n, side[n]) for side in (ours, theirs, best))) for n in shared if n in best}
    return replace(arm, differences=differences, gaps=gaps)


def _risen(name: str, figure: Sampled) -> Sampled:
    """Turn an error into a figure of which more is better."""
    return -figure if name in LOWER_IS_BETTER else figure


def _mcnemar(evaluations: Mapping[str, Evaluation], ours: tuple[str, ...], theirs: tuple[str, ...]) -> McNemar | None:
    first, second = evaluations[ours[0]], evaluations[theirs[0]]
    if not first.classifies or len(ours) > 1 or len(theirs) > 1 or ours == theirs:
        return None
    return mcnemar(first.said == first.true, second.said == second.true)
