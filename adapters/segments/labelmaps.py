"""The labels of an image's pixels, painted from the masks of its objects: whose each pixel is, and of what class.

A map of classes holds the class numbers 0 ... C - 1, then C for background, and `IGNORED` where nothing is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.crops import Labels
from simgen.adapters.metrics.segmentation import IGNORED
from simgen.errors import DataError
from simgen.samples import Annotation, Region

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord

Classes = NDArray[np.uint8]


def objects_of(record: "ImageRecord") -> tuple[Annotation, ...]:
    """Return the record's annotations, each with its mask; an object to ignore may have its box for it.

    Raises:
        DataError: an object that counts has no mask, or a mask cannot be decoded.
    """
    return tuple(_with_region(annotation, record) for annotation in record.annotated())


def object_numbers(objects: Sequence[Annotation], size_wh: tuple[int, int]) -> Labels:
    """Return the map (H, W) int16 of objects: k + 1 where object k is, else 0; the smaller of two has the pixel."""
    numbers = np.zeros(size_wh[::-1], np.int16)
    for k in sorted(range(len(objects)), key=lambda k: -np.count_nonzero(_region(objects[k]).part)):
        region = _region(objects[k])
        (x, y), (height, width) = region.corner_xy, region.part.shape
        numbers[y : y + height, x : x + width][region.part] = k + 1
    return numbers


def class_numbers(objects: Iterable[Annotation], labels: Mapping[str, int], min_visible: float = 0.0) -> Classes:
    """Return the (n + 1,) labels of the numbers in a map of n objects, so that `result[map]` is the map of classes.

    Args:
        objects: whose numbers they are.
        labels: class numbers by name.
        min_visible: objects less visible than this are ignored, as are those that are marked so.
    """
    hidden = [(a, a.ignore or a.visible_fraction < min_visible) for a in objects]
    return np.array([len(labels), *(IGNORED if h else labels[a.class_name] for a, h in hidden)], np.uint8)


def class_map(record: "ImageRecord", labels: Mapping[str, int], min_visible: float = 0.0) -> Classes:
    """Return the map (H, W) of an image's classes; see `class_numbers`. Raises `DataError` as `objects_of` does."""
    objects = objects_of(record)
    return class_numbers(objects, labels, min_visible)[object_numbers(objects, record.size_wh)]


def _with_region(annotation: Annotation, record: "ImageRecord") -> Annotation:
    if annotation.region is not None:
        return annotation
    if not annotation.ignore:
        raise DataError(f'image "{record.path}": expected a mask of every object, got one without')
    return _boxed(annotation, record.size_wh)


def _boxed(annotation: Annotation, size_wh: tuple[int, int]) -> Annotation:
    left, top, right, bottom = (round(float(v)) for v in annotation.box_xyxy)
    (left, right), (top, bottom) = np.clip([left, right], 0, size_wh[0]), np.clip([top, bottom], 0, size_wh[1])
    return replace(annotation, region=Region(np.ones((bottom - top, right - left), bool), (left, top), size_wh))


def _region(annotation: Annotation) -> Region:
    if annotation.region is None:
        raise TypeError("expected objects with masks; see objects_of")
    return annotation.region
