"""What boxes hide: by formula, for all views at once, in a tenth of the time that rays take."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.geometry import rotation_from_quat

Array = NDArray[np.float64]
_FACE = 1 - 1e-6
"""A body that stands on a box is not hidden by it."""


class Boxes:
    """Boxes that stand in the way of lines between two places (Kay and Kajiya 1986: a box is three slabs)."""

    def __init__(self, sizes_m: Sequence[ArrayLike]) -> None:
        """Make boxes of some edges (3,), each about its centre."""
        self._half_m = np.reshape(np.asarray(sizes_m, float), (-1, 3)) / 2

    def move(self, poses: Sequence[tuple[Array, Array]]) -> None:
        """Put the boxes where they are now: positions and xyzw quaternions."""
        self._middles_m = np.array([place for place, _ in poses])[:, None]
        self._turns = np.array([rotation_from_quat(quat) for _, quat in poses])

    def hide(self, eyes_m: Array, points_m: Array) -> NDArray[np.bool_]:
        """Return which of n points (n, 3) a box hides from each of v places (v, 3): (v, n)."""
        hidden = np.zeros((len(eyes_m), len(points_m)), bool)
        if not len(self._half_m):
            return hidden
        eyes, points = self._local(eyes_m), self._local(points_m)
        near = ~_beside(eyes, points)
        box, eye = np.nonzero(near)
        crossed, last = _crossed(eyes[:, box, eye], points[:, box]), 0
        for count in near.sum(1).tolist():  # of each box, which has an eye once: `logical_or.at` takes longer
            some = slice(last, last + count)
            hidden[eye[some]] |= crossed[some]
            last += count
        return hidden

    def _local(self, places_m: Array) -> Array:
        """Return places (n, 3) in each box's frame, where it reaches from -1 to 1: (3, boxes, n)."""
        local = (places_m - self._middles_m) @ self._turns / self._half_m[:, None]
        return np.ascontiguousarray(np.moveaxis(local, -1, 0))


def _beside(eyes: Array, points: Array) -> NDArray[np.bool_]:
    """Return for which boxes and eyes a side of the box parts it from the eye and all points: (boxes, v)."""
    over = (eyes > 1) & (points.min(2)[..., None] > _FACE)
    under = (eyes < -1) & (points.max(2)[..., None] < -_FACE)
    return np.asarray((over | under).any(0))


def _crossed(eyes: Array, points: Array) -> NDArray[np.bool_]:
    """Return which lines from places (3, k) to points (3, k, n) meet the box from -1 to 1: (k, n)."""
    enters, leaves = np.zeros(points.shape[1:]), np.ones(points.shape[1:])
    with np.errstate(divide="ignore", invalid="ignore"):  # a line along a slab is in it all the way or never
        for eye, point in zip(eyes, points, strict=True):
            rate = 1 / (eye[:, None] - point)
            one, other = (-1 - point) * rate, (1 - point) * rate
            np.fmax(enters, np.minimum(one, other), out=enters)
            np.fmin(leaves, np.maximum(one, other), out=leaves)
    return np.asarray(enters <= leaves)
