"""The pen's way over the paper: smooth curves through an allograph's control points, as polylines."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simgen.strokes.allographs import Stroke, strokes_of

Points: TypeAlias = NDArray[np.float64]
STEP = 0.025
"""Spacing of the points of a curve before those are left out that a straight line passes, in digit heights."""
_TOLERANCE = 0.0025


@dataclass(frozen=True, eq=False)
class PenPath:
    """An allograph as a polyline that is linear in its control points: `matrix @ moved` follows points that moved.

    Attributes:
        points: (P, 2) float64 control points of all strokes.
        matrix: (M, P) float64, from control points to the polyline's points.
        arc: (M,) float64 length of the way from the stroke's start, in digit heights.
        down: (M,) bool, whether the pen goes on from a point to the next one.
    """

    points: Points
    matrix: Points
    arc: NDArray[np.float64]
    down: NDArray[np.bool_]


@cache
def pen_path(digit: int, allograph: int, reach: int) -> PenPath:
    """Return the path of an allograph.

    Args:
        digit: 0 to 9.
        allograph: which of the ways to write it, 0-based.
        reach: how many points to either side, `STEP` apart, each point is averaged over: it rounds corners.

    Raises:
        ConfigError: a digit or allograph that does not exist.
    """
    strokes = strokes_of(digit, allograph)
    curves = [_polyline(stroke, reach) for stroke in strokes]
    points = np.concatenate([stroke.points for stroke in strokes])
    matrix = np.zeros((sum(len(arc) for _, arc in curves), len(points)))
    down = np.ones(len(matrix), bool)
    row = column = 0
    for weights, arc in curves:
        matrix[row : row + len(arc), column : column + weights.shape[1]] = weights
        row, column = row + len(arc), column + weights.shape[1]
        down[row - 1] = False
    path = PenPath(points, matrix, np.concatenate([arc for _, arc in curves]), down)
    for array in vars(path).values():
        array.flags.writeable = False
    return path


def _polyline(stroke: Stroke, reach: int) -> tuple[Points, NDArray[np.float64]]:
    """Return the weights (m, n) of a stroke's control points in its polyline, and the arc lengths (m,)."""
    # The curve is linear in its points: what it makes of unit vectors are the weights.
    pieces, unit = [0, *stroke.corners, len(stroke.points) - 1], np.eye(len(stroke.points))
    curve = np.concatenate([_spline(unit[a : b + 1]) for a, b in pairwise(pieces)])
    weights = _smooth(_even(curve, stroke.points), reach)
    needed = _needed(weights @ stroke.points)
    return weights[needed], np.asarray(needed * STEP, np.float64)


def _spline(points: Points) -> Points:
    """Return a Catmull-Rom curve through (n, d) points, 12 samples a piece; ends are extended linearly."""
    if len(points) == 2:
        return np.linspace(points[0], points[1], 12)
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = np.linspace(0, 1, 12)[:, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return np.asarray(curve.reshape(-1, points.shape[1]))


def _even(curve: Points, points: Points) -> Points:
    """Return the curve's weights (m, n), resampled at about equal arc lengths of the curve through `points`."""
    moves = np.diff(curve @ points, axis=0)
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(moves[:, 0], moves[:, 1]))])
    at = np.linspace(0, arc[-1], max(4, round(float(arc[-1]) / STEP)))
    return np.stack([np.interp(at, arc, column) for column in curve.T], 1)


def _smooth(path: Points, reach: int) -> Points:
    """Return the (m, d) path averaged over `reach` points to either side; the ends stay where they are."""
    reach = min(reach, len(path) // 4)
    if not reach:
        return path
    before, after = 2 * path[0] - path[reach:0:-1], 2 * path[-1] - path[-2 : -2 - reach : -1]
    total = np.cumsum(np.concatenate([np.zeros((1, path.shape[1])), before, path, after]), axis=0)
    width = 2 * reach + 1
    return np.asarray((total[width:] - total[:-width]) / width)


def _needed(path: Points) -> NDArray[np.intp]:
    """Return the path's points (their numbers) thrice without each second one halfway between its neighbours."""
    needed = np.arange(len(path))
    for _ in range(3):
        left = path[needed]
        off = np.abs(left[1:-1:2] - (left[:-2:2] + left[2::2]) / 2).max(axis=1) > _TOLERANCE
        stays = np.ones(len(left), bool)
        stays[1:-1:2] = off
        needed = needed[stays]
    return needed
