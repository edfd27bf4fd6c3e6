"""Which objects of a picture are near each other, by their boxes and by their masks."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.samples import Annotation, Region, Sample

REACH_PX = 2
"""Masks that are at most so far apart touch: rims are rounded, and pixels are counted whole."""


def neighbours(sample: Sample, place: int) -> float:
    """Return how many other labelled objects are nearer, box to box, than half of the object's own size."""
    boxes = np.array([annotation.box_xyxy for annotation in sample.annotations])
    own = boxes[place]
    gaps = np.maximum(np.maximum(boxes[:, :2] - own[2:], own[:2] - boxes[:, 2:]), 0)
    near = np.hypot(gaps[:, 0], gaps[:, 1]) <= 0.5 * np.sqrt(np.prod(own[2:] - own[:2]))
    return float(near.sum() - 1)


def touching(sample: Sample, place: int) -> float | None:
    """Return how many other labelled objects an object's mask touches, None where it has no mask."""
    found = _touched(sample.annotations)
    return None if found is None else float(found[place].sum())


def touching_same_class(sample: Sample, place: int) -> float | None:
    """Return how many of those are of its own class."""
    found = _touched(sample.annotations)
    if found is None:
        return None
    own = sample.annotations[place].class_name
    same = np.array([annotation.class_name == own for annotation in sample.annotations])
    return float((found[place] & same).sum())


@lru_cache(maxsize=4)
def _touched(annotations: tuple[Annotation, ...]) -> NDArray[np.bool_] | None:
    """Return which masks touch, (n, n) with an empty diagonal; None where one of them is missing."""
    regions = [annotation.region for annotation in annotations]
    if any(region is None for region in regions):
        return None
    numbers = np.zeros(regions[0].size_wh[::-1] if regions and regions[0] else (1, 1), np.int32)
    parts = [tight(region) for region in regions if region is not None]
    for number, (part, (x, y)) in enumerate(parts, 1):
        window = numbers[y : y + part.shape[0], x : x + part.shape[1]]
        window[part] = number
    met = np.zeros((len(parts), len(parts)), bool)
    for own, (part, (x, y)) in enumerate(parts):
        grown = np.asarray(cv2.dilate(np.pad(part, REACH_PX).astype(np.uint8), _disc()), bool)
        top, left = max(y - REACH_PX, 0), max(x - REACH_PX, 0)
        window = numbers[top : y + part.shape[0] + REACH_PX, left : x + part.shape[1] + REACH_PX]
        grown = grown[top - y + REACH_PX :, left - x + REACH_PX :][: window.shape[0], : window.shape[1]]
        others = np.unique(window[grown])
        met[own, others[others > 0] - 1] = True
    np.fill_diagonal(met, False)
    return met | met.T


def tight(region: Region) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Return the smallest part (h, w) of a region that holds its pixels, and that part's corner x, y in the image."""
    x, y, width, height = cv2.boundingRect(region.part.astype(np.uint8))
    corner = (region.corner_xy[0] + x, region.corner_xy[1] + y)
    return region.part[y : y + height, x : x + width], corner


def _disc() -> NDArray[np.uint8]:
    side = 2 * REACH_PX + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
