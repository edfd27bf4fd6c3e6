"""COCO's `segmentation`: polygons, plain and compressed run lengths (column-major).

The C code behind pycocotools trusts the size that a record claims, so records from elsewhere are checked first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

from simgen.errors import DataError
from simgen.samples import Region


def encode(region: Region) -> dict[str, Any]:
    """Return the compressed run lengths of a region's (H, W) mask: {"size": [H, W], "counts": ascii}.

    Only its part of the image is looked at: most objects are small.
    """
    (width, height), (left, top), (tall, wide) = region.size_wh, region.corner_xy, region.part.shape
    down = np.zeros(wide * (tall + 1) + 1, np.bool_)  # the part's columns, each with a row of background before it
    down[:-1].reshape(wide, tall + 1)[:, 1:] = region.part.T
    column, row = np.divmod(np.flatnonzero(down[1:] != down[:-1]), tall + 1)
    turns = (left + column) * height + top + row
    if tall == height:  # what ends at the foot of a column and goes on at the head of the next is one run
        turns = turns[np.bincount(turns)[turns] == 1]
    ends = np.array([0, *turns.tolist(), height * width])
    runs = (ends[1:] - ends[:-1]).tolist()
    if len(runs) > 1 and not runs[-1]:
        runs.pop()
    code = rle.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    return {"size": [height, width], "counts": code["counts"].decode("ascii")}


def is_sound(segmentation: Any, size_wh: tuple[int, int]) -> bool:
    """Whether a record may be decoded for an image of this size."""
    if isinstance(segmentation, list):
        return all(_is_polygon(part, max(size_wh)) for part in segmentation)
    if not isinstance(segmentation, dict) or segmentation.get("size") != [size_wh[1], size_wh[0]]:
        return False
    counts = segmentation.get("counts")
    if isinstance(counts, list):
        return _fill(counts, size_wh)
    return isinstance(counts, str) and counts.isascii()


def decode(segmentation: Any, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the (H, W) mask of a sound record. Raises `DataError` if its run lengths do not fill the image."""
    width, height = size_wh
    if isinstance(segmentation, list):
        return np.array(rle.decode(rle.merge(rle.frPyObjects(segmentation, height, width))), bool)
    counts = segmentation["counts"]
    runs = counts if isinstance(counts, list) else _runs(counts)
    if not _fill(runs, size_wh):
        raise DataError(f"expected run lengths that fill {width} x {height} pixels, got others")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def overlaps(first: Sequence[Region], second: Sequence[Region]) -> NDArray[np.float64]:
    """Return the (n, m) intersection over union of the masks of regions of one image."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    codes = [[encode(region) for region in regions] for regions in (first, second)]
    return np.asarray(rle.iou(*codes, [0] * len(second)), np.float64)


def _runs(counts: str) -> list[int]:
    """Return the run lengths: 5 bits a character, signed, from the third on as the difference to the last but one.

    Source: rleFrString of pycocotools (which leaves memory unset where the runs do not fill the image).
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts.encode("ascii"):
        code = character - 48
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= (1 << shift) if code & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def _fill(runs: list[Any], size_wh: tuple[int, int]) -> bool:
    return all(type(v) is int and v >= 0 for v in runs) and sum(runs) == size_wh[0] * size_wh[1]


def _is_polygon(part: Any, side: int) -> bool:
    """Three corners or more, none far outside: rasterising costs time and memory by the outline's length."""
    if not isinstance(part, list) or len(part) < 6 or len(part) % 2:
        return False
    return all(isinstance(v, int | float) and abs(v) <= 2 * side for v in part)
