"""A plain descriptor of RGBA crops, for where no trained backbone is given: colours, shape and edges on small grids."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.rare.looks import luma

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Features = Callable[[Pixels], Floats]
"""RGBA crops (N, S, S, 4) uint8 to feature rows (N, D)."""
_GRID = 8
_CELLS = 4
_TURNS = 8


def describe(rgba: Pixels) -> Floats:
    """Return (N, 384) features of (N, S, S, 4) crops: 8 x 8 premultiplied colours and alpha, 4 x 4 x 8 edge strengths.

    Edges are those of the luma, by direction (Dalal and Triggs 2005, without their normalisation over blocks).
    """
    return np.array([_described(crop) for crop in rgba], np.float64).reshape(len(rgba), -1)


def premultiply(rgba: Pixels) -> NDArray[np.float32]:
    """Return (..., 4) float32 in [0, 1] with colours times alpha."""
    values = np.asarray(rgba / np.float32(255), np.float32)
    values[..., :3] *= values[..., 3:]
    return values


def _described(crop: Pixels) -> Floats:
    values = premultiply(crop)
    coarse = cv2.resize(values, (_GRID, _GRID), interpolation=cv2.INTER_AREA).ravel()
    light = np.ascontiguousarray(luma(values[..., :3]))
    dx, dy = (cv2.Sobel(light, cv2.CV_32F, *order, ksize=3) / 4 for order in ((1, 0), (0, 1)))
    strength = np.hypot(dx, dy)
    turn = np.floor(np.arctan2(dy, dx) / (2 * np.pi) * _TURNS).astype(int) % _TURNS
    sides = np.linspace(0, _CELLS, len(light), endpoint=False).astype(int)
    cell = sides[:, None] * _CELLS + sides[None]
    edges = np.bincount((cell * _TURNS + turn).ravel(), strength.ravel(), _CELLS**2 * _TURNS)
    return np.concatenate([coarse, 4 * edges / (len(light) / _CELLS) ** 2])
