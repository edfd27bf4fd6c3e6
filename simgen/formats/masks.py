"""COCO's `segmentation`: polygons, plain and compressed run lengths (column-major).

The C code behind pycocotools trusts the size that a record claims, so records from elsewhere are checked first.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

from simgen.errors import DataError
from simgen.samples import Region


def encode(region: Region) -> dict[str, Any]:
    """Return the compressed run lengths of a region's (H, W) mask: {"size": [H, W], "counts": ascii}."""
    return encode_all([region])[0]


def encode_all(regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Return what `encode` gives of each region of one image.

    Only their parts of the image are looked at, and all together: most objects are small.
    """
    if not regions:
        return []
    width, height = regions[0].size_wh
    codes = rle.frPyObjects(
        [{"size": [height, width], "counts": runs} for runs in _run_lengths(regions)], height, width
    )
    return [{"size": [height, width], "counts": code["counts"].decode("ascii")} for code in codes]


def _run_lengths(regions: Sequence[Region]) -> Iterator[list[int]]:
    """Yield the lengths of the runs of background and object, column by column, background first."""
    width, height = regions[0].size_wh
    tall, wide = np.array([region.part.shape for region in regions]).T
    starts = np.concatenate([[0], np.cumsum(wide * (tall + 1))])
    down = np.zeros(starts[-1] + 1, np.bool_)  # the parts' columns, each with a row of background before it
    for region, (start, end) in zip(regions, pairwise(starts), strict=True):
        down[start:end].reshape(region.part.shape[1], -1)[:, 1:] = region.part.T
    turns = np.flatnonzero(down[1:] != down[:-1])
    owner = np.searchsorted(starts, turns, "right") - 1
    column, row = np.divmod(turns - starts[owner], tall[owner] + 1)
    left, top = np.array([region.corner_xy for region in regions]).T
    places = (left[owner] + column) * height + top[owner] + row
    firsts = np.searchsorted(owner, np.arange(len(regions) + 1))
    between, ends = np.diff(places).tolist(), places.tolist()
    for region, (first, last) in zip(regions, pairwise(firsts.tolist()), strict=True):
        if region.part.shape[0] == height:  # what goes on at the head of the next column is one run
            own = places[first:last]
            own = own[np.bincount(own)[own] == 1]
            runs = [end - start for start, end in pairwise([0, *own.tolist(), height * width])]
        elif first == last:
            runs = [height * width]
        else:
            runs = [ends[first], *between[first : last - 1], height * width - ends[last - 1]]
        yield runs[:-1] if len(runs) > 1 and not runs[-1] else runs


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
    return np.asarray(rle.iou(encode_all(first), encode_all(second), [0] * len(second)), np.float64)


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
