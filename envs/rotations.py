"""Rotations that an estimate is made of, and how far apart two are where an object looks the same after some turns."""

from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from simgen.geometry import quat_about, rotation_from_quat

Array: TypeAlias = NDArray[np.float64]
Axis: TypeAlias = Literal["x", "y", "z"]
Symmetry: TypeAlias = dict[Axis, Annotated[int, Field(ge=0, le=64)]]
"""By axis of the object: in how many turns of equal size about it the object looks the same; 0 is any turn."""
_AXES: dict[Axis, tuple[float, float, float]] = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}
_MOST_TURNS = 240


def rotation_of_6d(numbers: ArrayLike) -> Array:
    """Return the (3, 3) rotation of six numbers: its first two columns, made orthonormal (Zhou et al. 2019, eq. 15).

    Six numbers from which none follows (a column of zeros, two that are parallel) give the columns' own axes instead.
    """
    first, second = np.reshape(np.asarray(numbers, float), (2, 3))
    x = _unit(first, (1, 0, 0))
    rest = second - x * (x @ second)
    y = _unit(rest, np.eye(3)[np.argmin(np.abs(x))])
    y = _unit(y - x * (x @ y), (0, 1, 0))
    return np.stack([x, y, np.cross(x, y)], 1)


def rotation_of_yaw(direction: ArrayLike) -> Array:
    """Return the (3, 3) turn about z that brings x to a direction (2,) of any length; no direction is no turn."""
    x, y = _unit(np.asarray(direction, float), (1, 0))
    return np.array([[x, -y, 0], [y, x, 0], [0, 0, 1]])


def _unit(vector: Array, otherwise: ArrayLike) -> Array:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-6 else np.asarray(otherwise, float)


class Symmetries:
    """The turns after which an object looks the same."""

    def __init__(self, symmetry: Symmetry) -> None:
        """Find all turns that follow from those about the axes."""
        endless = [_AXES[axis] for axis, order in symmetry.items() if order == 0]
        self._turns = _group(tuple((axis, order) for axis, order in symmetry.items() if order > 1))
        self._ball = len(endless) > 1
        self._axis = np.array(endless[0], float) if endless else None

    def __len__(self) -> int:
        """Return how many turns there are, counting any turn about one axis once."""
        return len(self._turns)

    def angle_rad(self, estimate: ArrayLike, truth: ArrayLike) -> float:
        """Return the smallest angle (radians) between a rotation (3, 3) and one that looks like the true one (3, 3).

        Where any turn about an axis a looks the same, the largest trace of M R(a, t) over t has a closed form: by
        Rodrigues' formula it is a'Ma + sqrt((tr M - a'Ma)^2 + tr(M [a]x)^2).
        """
        if self._ball:
            return 0.0
        between = np.asarray(estimate, float).T @ np.asarray(truth, float) @ self._turns
        trace = np.trace(between, axis1=1, axis2=2)
        if self._axis is not None:
            along = self._axis @ between @ self._axis
            across = np.trace(between @ _cross(self._axis), axis1=1, axis2=2)
            trace = along + np.hypot(trace - along, across)
        return float(np.arccos(np.clip((trace.max() - 1) / 2, -1, 1)))


def _cross(axis: Array) -> Array:
    x, y, z = axis
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


@lru_cache(maxsize=64)
def _group(generators: tuple[tuple[Axis, int], ...]) -> Array:
    """Return the (n, 3, 3) rotations that products of the generators make.

    Orders that make no finite group, say 3 about x and 4 about z, stop at `_MOST_TURNS`: those are near any turn.
    """
    turns = [rotation_from_quat(quat_about(_AXES[axis], 2 * np.pi / order)) for axis, order in generators]
    found = [np.eye(3)]
    for known in found:  # it grows meanwhile
        for new in (known @ turn for turn in turns):
            if len(found) < _MOST_TURNS and not any(np.allclose(new, old, atol=1e-6) for old in found):
                found.append(new)
    return np.stack(found)
