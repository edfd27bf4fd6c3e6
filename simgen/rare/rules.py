"""What makes a cell rare: too few objects, objects in thin air, or a share that a real set has and the dataset not."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simgen.rare.attributes import Row
from simgen.rare.crossing import Crossed
from simgen.rare.plan import Entry

SPARSE_SHARE = 0.05
"""Of all objects, the rarest by the embedding."""
_LIFT = 3.0
_LEAST_SPARSE, _LEAST_REAL = 3, 2
_ABSENT = 0.1
_MOST_SHARE = 0.1


def thin(grids: Sequence[Crossed]) -> list[Entry]:
    """Return the cells with fewer objects than their grid's floor, which is their target."""
    return [
        Entry(cell, number, grid.floor, f"thin: {grid.share:.0f} would be an even share")
        for grid in grids
        for cell, number in zip(grid.cells, grid.counts, strict=True)
        if number < grid.floor
    ]


def sparse(grids: Sequence[Crossed], rows: Sequence[Row], rarity: NDArray[np.float64]) -> list[Entry]:
    """Return the cells that are at least three times as frequent among the rarest 5 % of the objects; twice as many.

    Args:
        grids: the cells.
        rows: of the n objects.
        rarity: (n,) the larger, the rarer.
    """
    rarest = np.argsort(-rarity, kind="stable")[: math.ceil(SPARSE_SHARE * len(rows))]
    entries = []
    for grid in grids:
        for cell, number in zip(grid.cells, grid.counts, strict=True):
            among = sum(cell.holds(rows[int(k)]) for k in rarest)
            often = among * len(rows) >= _LIFT * number * len(rarest)
            if often and among >= _LEAST_SPARSE and number <= _MOST_SHARE * len(rows):
                rule = f"low density: {among} of its {number} are among the rarest {SPARSE_SHARE:.0%}"
                entries.append(Entry(cell, number, 2 * number, rule))
    return entries


def absent(grids: Sequence[Crossed], total: int) -> list[Entry]:
    """Return the cells with less than a tenth of the share that they have in the real set; their target is that share.

    Args:
        grids: the cells.
        total: how many objects the dataset has.
    """
    entries = []
    for grid in grids:
        all_real = sum(grid.real_counts or ())
        for cell, number, real in zip(grid.cells, grid.counts, grid.real_counts or (), strict=False):
            if real >= _LEAST_REAL and number / total < _ABSENT * real / all_real:
                target = math.ceil(real / all_real * total)
                entries.append(Entry(cell, number, target, f"absent: {real} of {all_real} in the real set"))
    return entries
