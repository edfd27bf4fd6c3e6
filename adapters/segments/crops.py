"""Training crops with the class and the object of every pixel. Item k is a pure function of (seed, k)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.utils.data import Dataset

from simgen.adapters.crops import Image, Labels, resize_labels
from simgen.adapters.data import ImageCrops, planes
from simgen.adapters.metrics.segmentation import IGNORED
from simgen.adapters.segments.labelmaps import class_numbers, object_numbers, objects_of
from simgen.cutting import cut, resize
from simgen.rng import stream
from simgen.samples import Annotation


@dataclass(frozen=True, eq=False)
class SegmentItem:
    """One crop.

    Attributes:
        image: (3, S, S) uint8.
        classes: (S, S) uint8, C for background, `IGNORED` where nothing may be learnt.
        objects: (S, S) int16, 1 ... n for the objects that are learnt, else 0.
    """

    image: Tensor
    classes: Tensor
    objects: Tensor


class SegmentCrops(ImageCrops, Dataset[SegmentItem]):
    """Crops with masks. An object that is hardly visible, cut off or small is ignored, as `crop` and `box` say."""

    def __getitem__(self, k: int) -> SegmentItem:
        """Return item k. Raises `DataError` where an object has no mask."""
        if not 0 <= k < self._length:
            raise IndexError(k)
        rng = stream(self._config.seed, k, "crop")
        record = self._dataset.records[self._order[k]]
        (left, top, side), out = self._window(record, rng), (self._patch_side, self._patch_side)
        objects = objects_of(record)
        whole = object_numbers(objects, record.size_wh)
        patch = resize(cut(self._images.rgb(record), left, top, (side, side)), out)
        numbers = resize_labels(cut(whole, left, top, (side, side), fill=0), out)
        patch, numbers = self._augment.labelled(patch, numbers, rng)
        middle = self._middle
        crop, numbers = self._augment.photometric(patch[middle, middle], rng), numbers[middle, middle]
        sizes = np.bincount(whole.ravel(), minlength=len(objects) + 1)[1:] * np.float64(self._patch_side / side) ** 2
        return self._item(crop, numbers, objects, sizes)

    def _item(
        self, image: Image, numbers: Labels, objects: tuple[Annotation, ...], sizes: NDArray[np.float64]
    ) -> SegmentItem:
        crop = self._config.crop
        classes = class_numbers(objects, self._labels, self._config.box.min_visible)
        seen = np.bincount(numbers.ravel(), minlength=len(objects) + 1)[1:]
        cut_off, small = seen < crop.keep_fraction * sizes, _short_sides(numbers, len(objects)) < crop.min_side
        classes[1:][cut_off | small] = IGNORED
        learn = (seen > 0) & (classes[1:] != IGNORED)
        renumbered = np.concatenate([[0], np.where(learn, np.cumsum(learn), 0)]).astype(np.int16)
        return SegmentItem(planes(image), torch.from_numpy(classes[numbers]), torch.from_numpy(renumbered[numbers]))


def _short_sides(numbers: Labels, n: int) -> NDArray[np.float64]:
    """Return the shorter side (n,) of each object's tight box, 0 for one that is not there."""
    places = ndimage.find_objects(numbers, max_label=n)
    return np.array([0.0 if p is None else min(s.stop - s.start for s in p) for p in places]).reshape(n)
