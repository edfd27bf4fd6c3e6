"""Where to look in pictures whose objects nobody marked."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.random import Generator

from simgen.adapters.crops import Image, to_grey
from simgen.adapters.data import DIAGONAL, DetectCrops
from simgen.cutting import cut, resize

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord

TRIES = 4
_SIDE = 64


class DetailedCrops(DetectCrops):
    """Crops without boxes: of `TRIES` windows at random places the one with the most detail.

    Most of a photograph shows no object; without boxes, windows at random places would mostly be empty.
    """

    def _window(self, record: "ImageRecord", rng: Generator) -> tuple[int, int, int]:
        rgb = self._images.rgb(record)
        draw = super()._window
        windows = [draw(record, rng) for _ in range(TRIES)]
        turns = self._config.augment.turns
        return max(windows, key=lambda window: detail(_seen(rgb, window, turns)))


def detail(rgb: Image) -> float:
    """Return the mean absolute Laplacian of an (H, W, 3) picture's grey values at a side of 64 pixels."""
    grey = to_grey(resize(rgb, (_SIDE, _SIDE)))[..., 0]
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())


def _seen(rgb: Image, window: tuple[int, int, int], turns: bool) -> Image:
    """Return what of a window is left where it was cut larger, to be turned."""
    left, top, side = window
    rim = round(side * (1 - 1 / DIAGONAL) / 2) if turns else 0
    return cut(rgb, left + rim, top + rim, (side - 2 * rim, side - 2 * rim))
