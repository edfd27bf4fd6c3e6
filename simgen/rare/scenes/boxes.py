"""Boxes at any pose, and how far apart they lie: what touches what, read from poses alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes, each in its own frame around the origin.

    Attributes:
        world_T_box: (n, 4, 4).
        half_m: (n, 3) half extents.
    """

    world_T_box: Array
    half_m: Array

    @staticmethod
    def of(world_T_box: Any, half_m: Any) -> "Boxes":
        """Return the boxes of anything that has these shapes."""
        return Boxes(np.asarray(world_T_box, float).reshape(-1, 4, 4), np.asarray(half_m, float).reshape(-1, 3))

    def __len__(self) -> int:
        return len(self.half_m)

    def take(self, indices: Any) -> "Boxes":
        """Return the boxes of these numbers, in this order."""
        return Boxes(self.world_T_box[indices], self.half_m[indices])

    def nearest(self, points_m: Array) -> Array:
        """Return for each box the point in it that lies nearest to its row of points (n, 3), world."""
        rotation, center = self.world_T_box[:, :3, :3], self.world_T_box[:, :3, 3]
        inside = np.einsum("nji,nj->ni", rotation, points_m - center)
        return np.asarray(np.einsum("nij,nj->ni", rotation, np.clip(inside, -self.half_m, self.half_m)) + center)


def gaps_m(first: Boxes, second: Boxes) -> Array:
    """Return (n,) the distance of each box from its partner, 0 where they touch or overlap.

    Alternating projections onto two convex sets (Cheney and Goldstein 1959): they end at a pair of nearest points. For
    boxes, whose projections are a clip each, 60 rounds leave less than 0.1 mm at the size of dice.
    """
    points = first.world_T_box[:, :3, 3]
    others = points
    for _ in range(_ROUNDS):
        others = second.nearest(points)
        points = first.nearest(others)
    return np.asarray(np.linalg.norm(points - others, axis=1))


def near_pairs(first: Boxes, second: Boxes, reach_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of boxes whose surrounding spheres come within `reach_m`: the pairs worth a closer look."""
    away = first.world_T_box[:, None, :3, 3] - second.world_T_box[None, :, :3, 3]
    # A long thin wall's sphere is far larger than the wall, so its box does the first sieve.
    radius = np.linalg.norm(first.half_m, axis=1)
    inside = np.einsum("mji,nmj->nmi", second.world_T_box[:, :3, :3], away)
    outside = np.linalg.norm(np.maximum(np.abs(inside) - second.half_m[None], 0), axis=2)
    rows, columns = np.nonzero(outside <= radius[:, None] + reach_m)
    return rows, columns
