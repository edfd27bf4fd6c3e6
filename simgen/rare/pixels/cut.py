"""One object cut out of a picture: straight colours from inside its mask alone, bled outwards, and alpha."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.rare.pixels.upright import turned

Pixels = NDArray[np.uint8]
_LEAST_INNER = 0.3


def cut_rgba(
    rgb: Pixels, mask: NDArray[np.bool_], window: tuple[int, int, int], size: int, turn_deg: float = 0.0
) -> Pixels:
    """Return the (size, size, 4) crop of a square window that may reach over the picture's border.

    Args:
        rgb: (H, W, 3).
        mask: (H, W) the object's visible pixels, at least one of them inside the window.
        window: left, top and side in pixels.
        size: of the crop.
        turn_deg: by how much the window's content is turned about its middle (`simgen.rare.pixels.upright`).
    """
    rim = math.ceil((math.sqrt(2) - 1) / 2 * window[2]) if turn_deg else 0
    left, top, side = window[0] - rim, window[1] - rim, window[2] + 2 * rim
    inside = _window(mask.astype(np.uint8), left, top, side)
    inner = cv2.erode(inside, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if inner.sum() < _LEAST_INNER * inside.sum():
        inner = inside
    color = bled(_window(rgb, left, top, side), inner.astype(bool))
    inside *= 255
    if rim:
        color, inside = (turned(part, turn_deg)[rim:-rim, rim:-rim] for part in (color, inside))
    how = cv2.INTER_AREA if window[2] > size else cv2.INTER_LINEAR
    alpha = cv2.resize(inside.astype(np.float32), (size, size), interpolation=how)
    straight = cv2.resize(color, (size, size), interpolation=how)
    return np.dstack([straight, np.rint(alpha).astype(np.uint8)])


def bled(rgb: Pixels, inside: NDArray[np.bool_]) -> Pixels:
    """Return (H, W, 3) where every pixel outside the (H, W) mask has the colour of the nearest one inside."""
    _, nearest = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colors = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colors[nearest[inside]] = rgb[inside]
    return np.asarray(colors[nearest])


def _window(image: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.uint8]:
    """Return a square window of an image, 0 outside it."""
    height, width = image.shape[:2]
    window = np.zeros((side, side, *image.shape[2:]), np.uint8)
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x2 > x1 and y2 > y1:
        window[y1 - top : y2 - top, x1 - left : x2 - left] = image[y1:y2, x1:x2]
    return window
