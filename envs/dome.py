"""The dome that a camera moves on: places around a centre, by azimuth, elevation and distance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
CENTER_M = (0.42, 0.0, 0.03)
LOW, HIGH = np.array([-np.pi, 0.15, 0.45]), np.array([np.pi, 0.9, 0.75])
"""Limits of azimuth and elevation in radians, and of the distance in metres; the azimuth goes round."""
MOST_CHANGE = np.array([0.5, 0.25, 0.1])
"""What a step changes at most under the control "delta"."""


def eyes_m(places: ArrayLike) -> Array:
    """Return where a camera is, metres, at one place (3,) or at places (n, 3) on the dome, in the same shape."""
    azimuth, up, distance = np.asarray(places, float).T
    flat = np.cos(up)
    ray = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(up)]).T
    return np.asarray(CENTER_M + distance[..., None] * ray)


def arcs_rad(place: Array, others: ArrayLike) -> Array:
    """Return the angles (n,) between the direction of a place (3,) and those of others (n, 3)."""
    here = eyes_m(place) - CENTER_M
    there = eyes_m(others) - CENTER_M
    cos = (there @ here) / (np.linalg.norm(here) * np.linalg.norm(there, axis=-1))
    return np.asarray(np.arccos(np.clip(cos, -1, 1)))


def around(azimuth_rad: ArrayLike) -> Array:
    """Return angles brought to [-pi, pi)."""
    return np.asarray((np.asarray(azimuth_rad, float) + np.pi) % (2 * np.pi) - np.pi)


def lattice() -> Array:
    """Return (24, 3) places that lie evenly on the dome, at the middle distance."""
    azimuths, ups = np.arange(12) * np.pi / 6 - np.pi, np.array([0.3, 0.8])
    grid = np.stack(np.meshgrid(azimuths, ups), -1).reshape(-1, 2)
    return np.concatenate([grid, np.full((len(grid), 1), (LOW[2] + HIGH[2]) / 2)], 1)


@dataclass(frozen=True)
class Delta:
    """An action changes azimuth, elevation and distance, each from -1 to 1 of `MOST_CHANGE`."""

    def moved(self, place: Array, action: Array) -> Array:
        """Return the place (3,) after an action (3,)."""
        azimuth, *rest = place + action * MOST_CHANGE
        return np.array([around(azimuth), *np.clip(rest, LOW[1:], HIGH[1:])])

    def towards(self, place: Array, goal: Array) -> Array:
        """Return the action that comes nearest to a goal."""
        change = goal - place
        change[0] = around(change[0])
        return np.asarray(np.clip(change / MOST_CHANGE, -1, 1))


@dataclass(frozen=True)
class Dome:
    """An action is a place on the dome, from -1 to 1 between the limits; the camera is there at once."""

    def moved(self, place: Array, action: Array) -> Array:
        """Return the place (3,) after an action (3,)."""
        return np.asarray(LOW + (action + 1) / 2 * (HIGH - LOW))

    def towards(self, place: Array, goal: Array) -> Array:
        """Return the action that comes nearest to a goal."""
        return np.asarray(np.clip(2 * (goal - LOW) / (HIGH - LOW) - 1, -1, 1))


CONTROLS: dict[str, Delta | Dome] = {"delta": Delta(), "dome": Dome()}
