"""How much objects cover each other: intersection over union of boxes and of masks."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def iou_pairs(first: Array, second: Array) -> Array:
    """Return the (n, m) overlaps of (n, 4) and (m, 4) boxes xyxy."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))
