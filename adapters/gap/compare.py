"""From two sets of pictures to everything that the report says about the gap between them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.adapters.gap.axes import Scene
from simgen.adapters.gap.eye import Eye
from simgen.adapters.gap.features import Distances, Rows, comparable, distances
from simgen.adapters.gap.findings import Finding, StatisticGap, by_size, compare_statistic, find, find_class
from simgen.adapters.gap.observe import Observed, observe
from simgen.adapters.gap.priors import Shares
from simgen.adapters.gap.sets import LEAST_IMAGES, chosen
from simgen.adapters.gap.shift import Priors, Shift, kinds_of_shift
from simgen.errors import DataError
from simgen.formats.imageset import ImageSet
from simgen.rng import stream

Array = NDArray[np.float64]
FIXED_DESCRIPTOR = "a fixed descriptor of each picture: colours, edge directions, frequency bands"
FORMAT = "simgen-gap/1"
MOST_ROWS = 1500
"""So many feature rows of a set are compared, drawn with the seed."""


@dataclass(frozen=True)
class GapConfig:
    """What can be chosen in a comparison.

    Attributes:
        images: at most so many pictures of each set.
        seed: of every choice, permutation and fold.
        model: a model file, or None.
    """

    images: int = 400
    seed: int = 0
    model: Path | None = None


@dataclass(frozen=True, eq=False)
class Gap:
    """How far apart two sets are, why, and what to do about it.

    Attributes:
        source: what was seen of the source.
        target: what was seen of the target.
        config: as it was asked for.
        features_from: what the features are.
        statistics: one for each statistic that both sets have.
        distances: of the features.
        floor: the same between two halves of the source; None where those are too small.
        per_class: distances of the crops of each class that both sets have enough of.
        shift: prior and concept shift.
        findings: what to move, the largest gap first.
    """

    source: Observed
    target: Observed
    config: GapConfig
    features_from: str
    statistics: tuple[StatisticGap, ...]
    distances: Distances
    floor: Distances | None
    per_class: dict[str, Distances]
    shift: Shift
    findings: tuple[Finding, ...]

    @property
    def pair(self) -> tuple[Observed, Observed]:
        """Source and target."""
        return self.source, self.target

    def as_dict(self) -> dict[str, Any]:
        """Return what goes into gap.json: plain data."""
        return {
            "format": FORMAT,
            "source": _described(self.source),
            "target": _described(self.target),
            "seed": self.config.seed,
            "model": None if self.config.model is None else str(self.config.model),
            "features": self.features_from,
            "statistics": {gap.name: asdict(gap) for gap in self.statistics},
            "distances": asdict(self.distances),
            "distances_within_source": None if self.floor is None else asdict(self.floor),
            "distances_per_class": {name: asdict(found) for name, found in self.per_class.items()},
            "prior_shift": None if self.shift.priors is None else _priors(self.shift.priors),
            "concept_shift": None if self.shift.concept is None else asdict(self.shift.concept),
            "notes": list(self.shift.notes),
            "findings": [asdict(finding) for finding in self.findings],
        }


def compare(source: ImageSet, target: ImageSet, config: GapConfig, progress: Callable[[], None] | None = None) -> Gap:
    """Measure how far a target set lies from a source set.

    Args:
        source: what a model is, or would be, trained on.
        target: where it is to work; labels are optional.
        config: see `GapConfig`.
        progress: called after each picture.

    Raises:
        DataError: too few pictures, or one that cannot be decoded.
        CheckpointError: a model file that cannot be read, or of other classes.
    """
    eye = None if config.model is None else Eye(config.model)
    pictures = [chosen(data, config.images, config.seed) for data in (source, target)]
    seen = [
        observe(data, eye, config.seed, source=first, progress=progress)
        for data, first in zip(pictures, (True, False), strict=True)
    ]
    return compare_observed(seen[0], seen[1], config, eye)


def compare_observed(source: Observed, target: Observed, config: GapConfig, eye: Eye | None) -> Gap:
    """Compare what was seen of two sets; see `compare`."""
    shared = [name for name in source.statistics if name in target.statistics]
    statistics = tuple(compare_statistic(name, source.statistics[name], target.statistics[name]) for name in shared)
    scene = Scene.of(source.data.root)
    shift = kinds_of_shift(source, target, config.seed, None if eye is None else eye.classes)
    a, b = (feature_rows(observed, config.seed) for observed in (source, target))
    if not comparable(a, b):
        raise DataError(
            f"--model: a classifier looks at boxes, and expected them in at least {LEAST_IMAGES} images of each set, "
            f"got {len(np.unique(a.image))} and {len(np.unique(b.image))}"
        )
    rng = stream(config.seed, 0, "gap.distances")
    halves = a.halves(rng)
    return Gap(
        source,
        target,
        config,
        FIXED_DESCRIPTOR if eye is None else eye.description,
        statistics,
        distances(a, b, rng),
        distances(*halves, rng) if comparable(*halves) else None,
        class_distances(source, target, rng),
        shift,
        by_size([*find(statistics, scene), *find_class(shift.priors, scene)]),
    )


def feature_rows(observed: Observed, seed: int) -> Rows:
    """Return at most `MOST_ROWS` of a set's feature rows."""
    return Rows(observed.features, observed.feature_image).some(MOST_ROWS, stream(seed, 0, "gap.rows"))


def class_distances(source: Observed, target: Observed, rng: Generator) -> dict[str, Distances]:
    """Return the distances of the crops' descriptions for each class that both sets have enough of."""
    pairs = {
        name: (_each_its_own(source.crops[name]), _each_its_own(target.crops[name]))
        for name in source.data.classes
        if name in source.crops and name in target.crops
    }
    return {name: distances(*pair, rng) for name, pair in pairs.items() if comparable(*pair)}


def _each_its_own(rows: Array) -> Rows:
    return Rows(rows, np.arange(len(rows)))


def _described(observed: Observed) -> dict[str, Any]:
    counts = observed.class_counts.sum(axis=0)
    return {
        "set": observed.data.root.name or str(observed.data.root),
        "images": len(observed.data),
        "objects": dict(zip(observed.data.classes, counts.tolist(), strict=True)) if observed.labelled else None,
    }


def _priors(priors: Priors) -> dict[str, Any]:
    def named(values: Array) -> dict[str, float]:
        return dict(zip(priors.classes, values.tolist(), strict=True))

    def shares(found: Shares) -> dict[str, dict[str, float]]:
        return {"share": named(found.share), "low": named(found.low), "high": named(found.high)}

    return {
        "source": named(priors.source),
        "target": None if priors.target is None else named(priors.target),
        "estimates": {name: shares(found) for name, found in priors.estimates.items()},
        "total_variation": priors.variation,
        "p_value": priors.p_value,
        "compared": priors.compared,
    }
