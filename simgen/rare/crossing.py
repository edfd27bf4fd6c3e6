"""The cells of a grid, counted in a dataset and in a real one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simgen.errors import ConfigError
from simgen.rare.attributes import Row, require_categories
from simgen.rare.cells import Bins, Cell, Grid, count, cross
from simgen.rare.survey import Survey, require_known


@dataclass(frozen=True)
class Crossed:
    """The cells of one grid.

    Attributes:
        grid: the attributes and their bins.
        cells: those whose every condition holds for some object of either set; the others are out of reach.
        counts: of the dataset's objects in each.
        share: how many each cell would have if all had the same number.
        floor: fewer than this many are thin.
        real_counts: of the real set's objects, or None where there is none or it does not know the attributes.
    """

    grid: Grid
    cells: tuple[Cell, ...]
    counts: tuple[int, ...]
    share: float
    floor: int
    real_counts: tuple[int, ...] | None = None

    @property
    def title(self) -> str:
        """The attributes' names."""
        return " x ".join(bins.attribute for bins in self.grid)


def crossed(grid: Grid, found: Survey, real: Survey | None, thin: float) -> Crossed:
    """Count a grid's cells.

    Args:
        grid: attributes that the dataset knows.
        found: of the dataset.
        real: of the real set.
        thin: the share of an even share below which a cell is thin.
    """
    grid = tuple(_with_classes(bins, found) for bins in grid)
    known = real is not None and not any(bins.attribute in real.missing for bins in grid)
    rows = [*found.rows, *(real.rows if real is not None and known else ())]
    cells = [cell for cell in cross(grid, rows) if _in_reach(cell, rows)]
    share = len(found) / max(len(cells), 1)
    floor = max(math.ceil(thin * share), 1)
    real_counts = tuple(count(cells, real.rows)) if real is not None and known else None
    return Crossed(grid, tuple(cells), tuple(count(cells, found.rows)), share, floor, real_counts)


def _with_classes(bins: Bins, found: Survey) -> Bins:
    """A class without any object has cells, too."""
    return replace(bins, among=found.data.classes) if bins.attribute == "class" and not bins.among else bins


def _in_reach(cell: Cell, rows: Sequence[Row]) -> bool:
    others = [condition for condition in cell.conditions if condition.attribute != "class"]
    return all(any(c.holds(row.get(c.attribute)) for row in rows) for c in others)


def require_known_categories(grids: Sequence[Grid], classes: Sequence[str]) -> None:
    """Raise `ConfigError` for a class that a set does not have, or a category that an attribute never has."""
    for bins in (bins for grid in grids for bins in grid):
        require_categories(bins.attribute, bins.among, classes, "--bins")


def require_bins(found: Survey, grids: Sequence[Grid], strict: bool) -> None:
    """Refuse bins that do not fit the values.

    Args:
        found: of the dataset.
        grids: what was asked for.
        strict: whether an attribute that is not known is a mistake.

    Raises:
        DataError: an attribute that no object has a value of.
        ConfigError: numbers without edges, edges for categories.
    """
    for bins in (bins for grid in grids for bins in grid):
        name = bins.attribute
        if strict:
            require_known(found, [name], "--bins")
        value = next((row[name] for row in found.rows if row[name] is not None), None)
        if isinstance(value, float) and not bins.edges:
            raise ConfigError(f"--bins: {name}: expected edges, e.g. {name}:{value:.3g}, got none")
        if isinstance(value, str) and bins.edges:
            raise ConfigError(f"--bins: {name}: expected categories, e.g. {name}:{value}, got edges")
