"""Unlabelled target images: all that a method of adaptation gets to see of them.

Their labels end here. What leaves this file are pictures in two views; the records that they are cut from have lost
their class names (and, where finding the objects is the task, their boxes) before the first picture is cut.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from simgen.formats.imageset import ImageRecord, ImageSet

Batch = dict[str, Tensor]
Views = tuple[Tensor, Tensor]


class Target(NamedTuple):
    """A batch of target pictures, each in two views of the same frame; what `Task.inputs` takes, without labels.

    Attributes:
        weak: as evaluation sees them.
        strong: augmented as the source is.
    """

    weak: Batch
    strong: Batch


class Viewed(Protocol):
    """Training crops that have two views each; `rounds` items go once through the set."""

    @property
    def rounds(self) -> int: ...

    def views(self, k: int, /) -> Views: ...


class Unlabelled(Dataset[Views]):
    """The views of training crops, and nothing else.

    Args:
        crops: of a set that went through `without_labels`.
        key: the name of the picture in a task's batch.
    """

    def __init__(self, crops: Viewed, key: str) -> None:
        self._crops, self._key = crops, key

    @property
    def rounds(self) -> int:
        """How many items go once through the set."""
        return self._crops.rounds

    def __getitem__(self, k: int) -> Views:
        return self._crops.views(k)

    def batch(self, first: int, size: int) -> Target:
        """Return items first to first + size - 1."""
        weak, strong = zip(*(self[k] for k in range(first, first + size)), strict=True)
        return Target({self._key: torch.stack(weak)}, {self._key: torch.stack(strong)})

    def once(self, size: int) -> Iterator[Target]:
        """Go once through the set, in batches of up to `size`."""
        for first in range(0, self.rounds, size):
            yield self.batch(first, min(size, self.rounds - first))


def without_labels(dataset: ImageSet, boxes: bool) -> ImageSet:
    """Return the set without class names, masks, keypoints and poses; `boxes`: whether the boxes may stay."""
    return ImageSet(dataset.root, dataset.classes, tuple(_stripped(r, boxes) for r in dataset.records))


def _stripped(record: ImageRecord, boxes: bool) -> ImageRecord:
    kept = [type(a)(class_name="", box_xyxy=a.box_xyxy, ignore=a.ignore) for a in record.annotations if boxes]
    return replace(record, annotations=tuple(kept), masks=(None,) * len(kept))
