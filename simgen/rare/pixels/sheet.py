"""Sheets of crops: a row a class, each over a checker board that shows its alpha."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_SQUARE = 8
_DARK, _BRIGHT = 140, 200


def over_checker(rgba: Pixels) -> Pixels:
    """Return the (S, S, 3) picture of a crop (S, S, 4) over a checker board."""
    sides = np.arange(len(rgba)) // _SQUARE % 2
    board = np.where(sides[:, None] == sides[None], _BRIGHT, _DARK)[..., None]
    alpha = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def sheet(rows: Sequence[Pixels]) -> Pixels:
    """Return one picture of rows of crops, (n, S, S, 4) each; all rows have the same n."""
    return np.concatenate([np.concatenate([over_checker(crop) for crop in row], 1) for row in rows], 0)


def write_png(path: Path, rgb: Pixels) -> None:
    """Write (H, W, 3) RGB as a PNG file, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]))[1].tobytes())
    partial.replace(path)
