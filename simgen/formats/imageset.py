"""`ImageSet`: a labelled image set in memory without its pixels, whatever format it was read from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError
from simgen.formats import masks
from simgen.imagefile import decode
from simgen.samples import Annotation, Region, Sample
from simgen.scene import Plain


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One image of a set: its file and what is known without opening it.

    Attributes:
        path: the image file.
        image_id: COCO's id.
        size_wh: in pixels.
        annotations: without masks.
        camera_matrix: (3, 3) or None.
        lens: the distortion as a section of `simgen.lens.LENSES`, or None.
        masks: COCO's segmentation of each annotation, None where there is none.
        wholes: the same of each whole object (amodal); or empty, where the set has none.
        parts: the parts of the set that it belongs to, e.g. "train" or "val", where the set has such.
    """

    path: Path
    image_id: int
    size_wh: tuple[int, int]
    annotations: tuple[Annotation, ...]
    camera_matrix: NDArray[np.float64] | None = None
    masks: tuple[Any, ...] = ()
    lens: Plain | None = None
    wholes: tuple[Any, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells the record's content from that of others: the file's name."""
        return self.path.name

    def rgb(self) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8. Raises `DataError` if the file is damaged or of another size."""
        return decode(self.path, self.size_wh)

    def annotated(self) -> tuple[Annotation, ...]:
        """Return the annotations with their masks. Raises `DataError` for a mask that cannot be decoded."""
        rows = zip(self.annotations, self.masks, self.wholes or [None] * len(self.masks), strict=True)
        return tuple(replace(a, region=_region(mask, self), whole=_region(whole, self)) for a, mask, whole in rows)

    def verify(self) -> None:
        """Raise `DataError` if the content is damaged."""
        self.rgb()


class ImageSet(Sequence[Sample]):
    """A labelled image set.

    Attributes:
        root: the folder.
        classes: the class names in their order.
        records: one for each image, in the order of the file names.
    """

    def __init__(self, root: Path, classes: tuple[str, ...], records: tuple[ImageRecord, ...]) -> None:
        self.root, self.classes, self.records = root, classes, records

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._sample(self.records[index])

    def _sample(self, record: ImageRecord) -> Sample:
        return Sample(
            index=record.image_id - 1,
            rgb=record.rgb(),
            annotations=record.annotated(),
            camera_matrix=record.camera_matrix,
            lens=record.lens,
        )

    def subset(self, indices: Iterable[int]) -> Self:
        """Return the set of some of the images."""
        return type(self)(self.root, self.classes, tuple(self.records[i] for i in indices))

    def verify(self) -> None:
        """Decode every image. Raises `DataError` for the first that is damaged."""
        for record in self.records:
            record.verify()


def _region(segmentation: Any, record: ImageRecord) -> Region | None:
    if segmentation is None:
        return None
    try:
        return Region.of(masks.decode(segmentation, record.size_wh))
    except DataError as error:
        raise DataError(f'labels of image "{record.path.name}": {error}') from None
