"""Cutting and resizing: how a box of an image becomes a crop of fixed size."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Pixel = TypeVar("Pixel", np.uint8, np.int16, np.float32)
PAD_GREY = 114


def resize(image: NDArray[Pixel], size_wh: tuple[int, int]) -> NDArray[Pixel]:
    """Resize an image; shrinking takes the mean over each new pixel's area, so that nothing aliases."""
    if (image.shape[1], image.shape[0]) == size_wh:
        return image
    shrinks = size_wh[0] < image.shape[1] or size_wh[1] < image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, size_wh, interpolation=interpolation)
    return np.asarray(resized, image.dtype).reshape(size_wh[1], size_wh[0], *image.shape[2:])


def cut(
    image: NDArray[Pixel], left: int, top: int, size_wh: tuple[int, int], fill: int | None = PAD_GREY
) -> NDArray[Pixel]:
    """Cut a window that may reach over the image's border.

    Args:
        image: (H, W, C) uint8 or float32, or a map of numbers (H, W) int16.
        left: the window's left edge in pixels, may be negative.
        top: the window's top edge.
        size_wh: the window's size in pixels.
        fill: the grey outside the image, or None to repeat the border's pixels.
    """
    height, width = image.shape[:2]
    x1, y1 = np.clip([left, left + size_wh[0]], 0, width), np.clip([top, top + size_wh[1]], 0, height)
    # A window that misses the image altogether still needs one pixel to repeat.
    x1[0], y1[0] = min(x1[0], width - 1), min(y1[0], height - 1)
    x1[1], y1[1] = max(x1[1], x1[0] + 1), max(y1[1], y1[0] + 1)
    inner = image[y1[0] : y1[1], x1[0] : x1[1]]
    if inner.shape[:2] == size_wh[::-1] and x1[0] == left and y1[0] == top:
        return inner
    rows, columns = np.arange(top, top + size_wh[1]), np.arange(left, left + size_wh[0])
    window = inner[np.clip(rows - y1[0], 0, len(inner) - 1)]
    window = window[:, np.clip(columns - x1[0], 0, inner.shape[1] - 1)]
    if fill is not None:
        window[(rows < 0) | (rows >= height)] = fill
        window[:, (columns < 0) | (columns >= width)] = fill
    result: NDArray[Pixel] = window
    return result


def crop_box(rgb: Image, box_xyxy: NDArray[np.float64], extent: float, size: int) -> Image:
    """Return the (size, size, 3) crop whose side is `extent` times the box's longer side, with the same centre."""
    x1, y1, x2, y2 = (float(v) for v in box_xyxy)
    side = max(1, round(max(x2 - x1, y2 - y1) * extent))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    return resize(cut(rgb, left, top, (side, side), fill=None), (size, size))
