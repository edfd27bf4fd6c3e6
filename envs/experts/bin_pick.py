"""A scripted expert for `BinPick` that knows the true shapes and poses: grip across the narrowest side that is free.

Seen from above a thing is a convex outline. It is kept as its reach along evenly turned directions; two outlines are
apart if they are along any of the directions (separating axes, Gottschalk et al. 1996), which errs on the safe side.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simgen.envs.bin_pick import BinPick
from simgen.envs.bins import CENTER_M, INNER_M, WALL_M
from simgen.envs.top_grasps import DEPTH_M, LOWEST_M, TopGrasp
from simgen.geometry import pose_matrix, transform

Array = NDArray[np.float64]
TURNS = 24
"""Directions, and turns of the hand, in half a turn."""
_ANGLES = np.arange(TURNS) * np.pi / TURNS
_ACROSS = np.stack([-np.sin(_ANGLES), np.cos(_ANGLES)], 1)
"""(TURNS, 2) along which the fingers move at each turn."""
_FINGER_M = (0.016, 0.024)
"""A finger's thickness, along its way, and width, seen from above."""
_TIP_M = 0.015
"""From the tool down to the fingertips."""
_SPARE_M = 0.008
"""What the open hand needs beyond a thing's width."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A thing from above.

    Attributes:
        low, high: (TURNS,) reach along the directions, metres.
        bottom_m, top_m: lowest and highest point.
    """

    low: Array
    high: Array
    bottom_m: float
    top_m: float

    def apart(self, other: "Outline") -> bool:
        """Return whether they do not touch, seen from above."""
        return bool(((self.low > other.high) | (other.low > self.high)).any())


def outline(points_m: Array) -> Outline:
    """Return the outline of points (n, 3)."""
    reach = points_m[:, :2] @ _ACROSS.T
    return Outline(reach.min(0), reach.max(0), float(points_m[:, 2].min()), float(points_m[:, 2].max()))


class BinPickExpert:
    """Chooses grasps in a `BinPick`."""

    def __init__(self, env: BinPick) -> None:
        self._env = env

    def __call__(self) -> NDArray[np.float32]:
        """Return the action of the best grasp, or one in the middle of the bin where none is free."""
        found = self.grasps()
        best = found[0] if found else TopGrasp(*CENTER_M, LOWEST_M, 0.0)
        return self._env.action_of(best)

    def grasps(self) -> list[TopGrasp]:
        """Return the free grasps of all things in the bin, the best first."""
        points = self._points()
        outlines = [outline(cloud) for cloud in points]
        scored: list[tuple[float, TopGrasp]] = []
        for number, (cloud, own) in enumerate(zip(points, outlines, strict=True)):
            others = outlines[:number] + outlines[number + 1 :]
            scored += [pair for turn in range(TURNS) if (pair := self._scored(cloud, own, others, turn))]
        return [grasp for _, grasp in sorted(scored, key=lambda pair: -pair[0])]

    def _points(self) -> list[Array]:
        """Return the vertices (n, 3) in the world of each thing in the bin."""
        sim, found = self._env.sim, []
        for number in self._env.present:
            name = self._env.things[number]
            body = sim.body(name)
            vertices = body.model.mesh(Path()).vertices_m - body.center_m
            found.append(transform(pose_matrix(*sim.pose(name)), vertices))
        return found

    def _scored(self, cloud: Array, own: Outline, others: list[Outline], turn: int) -> tuple[float, TopGrasp] | None:
        """Return a grasp with its score, or None if it is not free."""
        width = float(own.high[turn] - own.low[turn])
        opening = 2 * self._env.arm.model.opening_m
        if width + _SPARE_M > opening:
            return None
        along = (turn + TURNS // 2) % TURNS
        middle = (own.high + own.low) / 2
        center = middle[turn] * _ACROSS[turn] + middle[along] * _ACROSS[along]
        z = max(own.top_m - DEPTH_M, LOWEST_M)
        fingers = [_finger(center, turn, side * (opening + _FINGER_M[0]) / 2, z - _TIP_M) for side in (-1, 1)]
        if not all(
            _inside(finger) and all(finger.apart(o) or o.top_m < z - _TIP_M for o in others) for finger in fingers
        ):
            return None
        flatness = float(np.abs(cloud[:, :2] @ _ACROSS[turn] - middle[turn]).mean()) / (width / 2)
        return own.top_m + 0.1 * flatness - 0.5 * width, TopGrasp(
            float(center[0]), float(center[1]), z, float(_ANGLES[turn])
        )


def _finger(center_m: Array, turn: int, away_m: float, tip_m: float) -> Outline:
    thick, wide = _FINGER_M
    across, along = _ACROSS[turn], np.array([_ACROSS[turn][1], -_ACROSS[turn][0]])
    corners = [center_m + (away_m + a * thick / 2) * across + b * wide / 2 * along for a in (-1, 1) for b in (-1, 1)]
    return outline(np.array([[*corner, tip_m] for corner in corners]))


def _inside(finger: Outline) -> bool:
    """Return whether a finger is clear of the walls: inside the bin or above them."""
    x, y = CENTER_M
    half_x, half_y = INNER_M[0] / 2, INNER_M[1] / 2
    y_low, y_high = finger.low[0], finger.high[0]
    x_low, x_high = -finger.high[TURNS // 2], -finger.low[TURNS // 2]
    fits = x_low > x - half_x and x_high < x + half_x and y_low > y - half_y and y_high < y + half_y
    return bool(fits or finger.bottom_m > WALL_M)
