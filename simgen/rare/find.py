"""What is rare in a dataset: thin cells, objects in thin air, and what a real set has and it has not.

findings = find(read_images(dataset), FindConfig(grids), real=read_images(real))
write_findings(findings, out)        # rare.json, cells.csv, objects.csv and plots
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.formats.imageset import ImageSet
from simgen.rare.cells import Cell, Grid
from simgen.rare.crossing import Crossed, crossed, require_bins, require_known_categories
from simgen.rare.density import Axes, covered, distances_to, own_distances, rank_share
from simgen.rare.patches import THUMBNAILS, Embedding
from simgen.rare.plan import Entry, Plan, fingerprint
from simgen.rare.rules import absent, sparse, thin
from simgen.rare.survey import Survey, survey
from simgen.rng import stream

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FindConfig:
    """How rare cases are looked for.

    Attributes:
        grids: the attributes' bins that are crossed.
        strict: whether the user chose them: then a set without one of the attributes is refused.
        thin: a cell is thin with less than this share of what it would have if all cells were alike.
        embedding: how an object's crop becomes a row.
        likelihood: whether an autoencoder of those rows is learned, too.
        seed: of that.
    """

    grids: tuple[Grid, ...]
    strict: bool = True
    thin: float = 0.2
    embedding: Embedding = THUMBNAILS
    likelihood: bool = True
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Density:
    """How alone each of n objects is.

    Attributes:
        distance: (n,) to its 5th nearest neighbour in the embedding.
        bound: (n,) of its log likelihood, or None where that was not asked for or there are fewer than 20 objects.
        rarity: (n,) 0 to 1: the mean of both ranks.
    """

    distance: Array
    bound: Array | None
    rarity: Array

    def lowest(self, most: int) -> list[int]:
        """Return the numbers of the rarest objects, the rarest first."""
        return [int(k) for k in np.argsort(-self.rarity, kind="stable")[:most]]


@dataclass(frozen=True, eq=False)
class Real:
    """What a real set shows of n objects.

    Attributes:
        found: its survey.
        covered: (n,) whether a synthetic object is nearer in the embedding than its 5th nearest real neighbour.
        distance: (n,) to the nearest synthetic object.
    """

    found: Survey
    covered: NDArray[np.bool_]
    distance: Array

    def uncovered(self, most: int) -> list[int]:
        """Return the numbers of objects that are not covered, the farthest from all synthetic ones first."""
        order = np.argsort(-self.distance, kind="stable")
        return [int(k) for k in order[~self.covered[order]][:most]]


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found.

    Attributes:
        found: the survey of the dataset.
        grids: its cells' counts.
        density: of its objects.
        real: of the real set, if there was one.
        left_out: attributes that were not known, and so the grids with them were left out.
        plan: what to fill.
    """

    found: Survey
    grids: tuple[Crossed, ...]
    density: Density
    real: Real | None
    left_out: tuple[str, ...]
    plan: Plan


def find(
    data: ImageSet, config: FindConfig, real: ImageSet | None = None, progress: Callable[[int], None] | None = None
) -> Findings:
    """Find what is rare.

    Args:
        data: the dataset.
        config: how to look.
        real: photographs, labelled with the same classes.
        progress: called with 1 after each image of both.

    Raises:
        DataError: no labelled object, a damaged image, or an attribute that the user asked for and the set has not.
        ConfigError: numbers without edges, edges for categories, or a category that there is not.
    """
    require_known_categories(config.grids, data.classes)
    names = list(dict.fromkeys(["class", *(bins.attribute for grid in config.grids for bins in grid)]))
    found = survey(data, names, config.embedding, progress)
    require_bins(found, config.grids, config.strict)
    seen = None if real is None else survey(real, names, config.embedding, progress)
    grids = tuple(
        crossed(grid, found, seen, config.thin)
        for grid in config.grids
        if not any(bins.attribute in found.missing for bins in grid)
    )
    axes = Axes.of(_rows(found))
    points = axes.project(_rows(found))
    density = _density(points, config)
    photographs = None if seen is None else _real(seen, axes.project(_rows(seen)), points)
    entries = [*thin(grids), *sparse(grids, found.rows, density.rarity), *absent(grids, len(found))]
    return Findings(found, grids, density, photographs, found.missing, Plan(fingerprint(data), _merged(entries)))


def _rows(found: Survey) -> NDArray[np.float32]:
    assert found.embedded is not None
    return found.embedded


def _real(seen: Survey, real: Array, synthetic: Array) -> Real:
    return Real(seen, covered(real, synthetic), distances_to(real, synthetic, 1))


def _density(points: Array, config: FindConfig) -> Density:
    distance = own_distances(points)
    bound = None
    if config.likelihood:
        from simgen.rare.likelihood import likelihood_bound

        bound = likelihood_bound(points, stream(config.seed, 0, "rare.likelihood"))
    ranks = [rank_share(distance)] + ([] if bound is None else [rank_share(-bound)])
    return Density(distance, bound, np.mean(ranks, axis=0))


def _merged(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return one entry a cell, with the largest target and all rules; what lacks the largest share of it first."""
    merged: dict[Cell, Entry] = {}
    for entry in entries:
        known = merged.get(entry.cell)
        if known is not None:
            entry = Entry(entry.cell, entry.count, max(entry.target, known.target), f"{known.rule}; {entry.rule}")
        merged[entry.cell] = entry
    return tuple(sorted(merged.values(), key=lambda entry: entry.count / entry.target))
