"""How light a picture and an object in it are."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.samples import Sample

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""


def luma(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Return the luma (...) of pixels (..., 3), in their units."""
    return np.asarray(rgb @ LUMA, np.float32)


def mean_luma(rgb: NDArray[np.uint8]) -> float:
    """Return the mean luma, 0 to 255, of an (H, W, 3) picture."""
    return float(np.dot(cv2.mean(rgb)[:3], LUMA))


def image_luma(sample: Sample) -> float:
    """Return the mean luma of the whole picture."""
    return mean_luma(sample.rgb)


def object_luma(sample: Sample, place: int) -> float | None:
    """Return the mean luma of an object's pixels: of its mask, or of its box where it has none."""
    annotation = sample.annotations[place]
    if annotation.region is not None:
        part, (x, y) = annotation.region.part, annotation.region.corner_xy
        pixels = sample.rgb[y : y + part.shape[0], x : x + part.shape[1]][part]
    else:
        x1, y1, x2, y2 = (round(float(edge)) for edge in annotation.box_xyxy)
        pixels = sample.rgb[y1:y2, x1:x2].reshape(-1, 3)
    return float(luma(pixels).mean()) if len(pixels) else None
