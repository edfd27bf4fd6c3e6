"""Training crops of a COCO set. Item k is a pure function of (seed, k), whichever process loads it.

So a run that was interrupted goes on with the very items it would have seen, and workers need no seeds of their own.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from simgen.adapters.augment import Augment
from simgen.adapters.crops import Boxes, Image, to_grey
from simgen.adapters.settings import BoxHabit, TrainConfig
from simgen.cutting import crop_box, cut, resize
from simgen.errors import DataError
from simgen.rng import stream

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DIAGONAL = 1.4143
UNLABELLED = -1
"""The label of an object whose class is not known."""


@dataclass(frozen=True, eq=False)
class DetectItem:
    """One crop: image (3, S, S) uint8, boxes (n, 4) float32 pixel edges, labels (n,) long, ignored boxes (m, 4)."""

    image: Tensor
    boxes: Tensor
    labels: Tensor
    ignored: Tensor


class ImageCache:
    """Images of records, kept encoded (a decoded one is ten times as large) up to a bound, least recently used out."""

    def __init__(self, most_mb: int) -> None:
        self._most_bytes = most_mb * 2**20
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def rgb(self, record: "ImageRecord") -> Image:
        """Return the (H, W, 3) uint8 image.

        Raises:
            DataError: it cannot be decoded.
        """
        name = str(record.path)
        if name not in self._held:
            image = record.rgb()  # checks the file, too
            self._keep(name, record.path.read_bytes())
            return image
        self._held.move_to_end(name)
        bgr = cv2.imdecode(np.frombuffer(self._held[name], np.uint8), cv2.IMREAD_COLOR)
        if bgr is None:
            return record.rgb()
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def _keep(self, name: str, encoded: bytes) -> None:
        self._held[name] = encoded
        self._bytes += len(encoded)
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._held.popitem(last=False)[1])


def apply_habit(boxes_xyxy: Boxes, habit: BoxHabit) -> Boxes:
    """Return the (n, 4) boxes as people would have drawn them around the tight (n, 4) ones; not clipped."""
    boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4)
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    if habit.square:
        side = np.repeat(side.max(axis=1, keepdims=True), 2, axis=1)
    half = side * habit.slack / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def record_boxes(record: "ImageRecord", habit: BoxHabit) -> Boxes:
    """Return the record's (n, 4) boxes with the habit applied, in the order of its annotations."""
    return apply_habit(np.array([a.box_xyxy for a in record.annotations], float), habit)


def drawn(record: "ImageRecord", habit: BoxHabit) -> "ImageRecord":
    """Return the record as people would have labelled it: its boxes, and which objects are to be ignored."""
    annotations = [
        replace(a, box_xyxy=box, ignore=a.ignore or a.visible_fraction < habit.min_visible)
        for a, box in zip(record.annotations, record_boxes(record, habit), strict=True)
    ]
    return replace(record, annotations=tuple(annotations))


class Shuffled:
    """Goes through n things in a new order every round; position k is a pure function of (seed, k)."""

    def __init__(self, n: int, seed: int) -> None:
        self._n = n
        self._order = lru_cache(maxsize=2)(lambda round_: stream(seed, round_, "order").permutation(n))

    def __getitem__(self, k: int) -> int:
        return int(self._order(k // self._n)[k % self._n])


class ImageCrops:
    """What crops at about full resolution around random objects share: which image, which window, how it changes.

    Args:
        dataset: the images to train on.
        config: its `crop`, `box`, `augment` and `seed` are used.
        length: how many items.

    Raises:
        DataError: no images.
    """

    def __init__(self, dataset: "ImageSet", config: TrainConfig, length: int) -> None:
        if not len(dataset):
            raise DataError(f"{dataset.root}: expected images to train on, but there are none")
        self._dataset, self._config, self._length = dataset, config, length
        self._labels = {name: label for label, name in enumerate(dataset.classes)}
        self._order = Shuffled(len(dataset), config.seed)
        self._images = ImageCache(config.crop.cache_mb)
        self._augment = Augment(config.augment)

    def __len__(self) -> int:
        return self._length

    @property
    def rounds(self) -> int:
        """How many items go once through the images."""
        return len(self._dataset)

    @property
    def _patch_side(self) -> int:
        """Side in crop pixels of what is cut: more than the crop where the geometry changes."""
        size = self._config.crop.crop_size
        # The same parity as the crop, so that the crop's middle is the patch's.
        return size + 2 * int(np.ceil(size * (DIAGONAL - 1) / 2)) if self._config.augment.turns else size

    @property
    def _middle(self) -> slice:
        """The crop's rows, and its columns, in the patch."""
        inset = (self._patch_side - self._config.crop.crop_size) // 2
        return slice(inset, inset + self._config.crop.crop_size)

    def _window(self, record: "ImageRecord", rng: Generator) -> tuple[int, int, int]:
        """Draw (left, top, side) in the picture's pixels: around an object or anywhere, inside where it fits."""
        crop = self._config.crop
        low, high = np.log(crop.scale)
        side = crop.crop_size / np.exp(rng.uniform(low, high))
        size_wh = np.array(record.size_wh, float)
        boxes = record_boxes(record, self._config.box)
        centre = rng.uniform(size=2) * size_wh
        if len(boxes) and rng.uniform() >= crop.background:
            box = boxes[rng.integers(len(boxes))]
            centre = (box[:2] + box[2:]) / 2 + rng.uniform(-0.4, 0.4, size=2) * side
        inside = np.minimum(size_wh, side) / 2
        centre = np.clip(centre, inside, size_wh - inside)
        grown = max(2, round(side * (DIAGONAL if self._config.augment.turns else 1.0)))
        left, top = np.rint(centre - grown / 2).astype(int)
        return int(left), int(top), grown


class DetectCrops(ImageCrops, Dataset[DetectItem]):
    """Crops with boxes."""

    def __getitem__(self, k: int) -> DetectItem:
        if not 0 <= k < self._length:
            raise IndexError(k)
        rng = stream(self._config.seed, k, "crop")
        crop, boxes = self._framed(k, rng)
        return self._item(self._augment.photometric(crop, rng), boxes, self._dataset.records[self._order[k]])

    def views(self, k: int) -> tuple[Tensor, Tensor]:
        """Return item k's image (3, S, S) uint8 without and with photometric augmentation, in the same frame."""
        rng = stream(self._config.seed, k, "crop")
        crop, _ = self._framed(k, rng)
        return planes(crop), planes(self._augment.photometric(crop, rng))

    def _framed(self, k: int, rng: Generator) -> tuple[Image, Boxes]:
        """Return item k's crop (S, S, 3) after the geometric augmentation, and its boxes (n, 4), not clipped."""
        index = self._order[k]
        window = self._window(self._dataset.records[index], rng)
        patch, boxes, masks = self._zoom(index, window)
        patch, boxes = self._augment.geometric(patch, boxes, rng, masks)
        if masks is not None:
            boxes = apply_habit(boxes, self._config.box)
        middle = self._middle
        return patch[middle, middle], boxes - middle.start

    def _zoom(self, index: int, window: tuple[int, int, int]) -> tuple[Image, Boxes, NDArray[np.bool_] | None]:
        """Cut the window and resize it to crop pixels; returns the patch, its boxes and, if asked for, its masks."""
        (left, top, side), out = window, self._patch_side
        record, masks = self._dataset.records[index], None
        if self._config.box.from_masks:
            rgb, masks = self._with_masks(index, window, out)
        else:
            rgb = self._images.rgb(record)
        boxes = (record_boxes(record, self._config.box) - [left, top, left, top]) * (out / side)
        return resize(cut(rgb, left, top, (side, side)), (out, out)), boxes, masks

    def _with_masks(self, index: int, window: tuple[int, int, int], out: int) -> tuple[Image, NDArray[np.bool_]]:
        sample = self._dataset[index]
        left, top, side = window
        masks = np.zeros((len(sample.annotations), out, out), bool)
        for mask, annotation in zip(masks, sample.annotations, strict=True):
            if annotation.mask is None:
                name = self._dataset.records[index].path.name
                raise DataError(f"{name}: box.from_masks needs a mask of every object, but one has none")
            grey = annotation.mask[..., None].astype(np.uint8) * 255
            mask[:] = resize(cut(grey, left, top, (side, side), fill=0), (out, out))[..., 0] > 127
        return sample.rgb, masks

    def _item(self, image: Image, boxes: Boxes, record: "ImageRecord") -> DetectItem:
        crop = self._config.crop
        labels = np.array([self._labels[a.class_name] for a in record.annotations], np.int64)
        hidden = np.array(
            [a.ignore or a.visible_fraction < self._config.box.min_visible for a in record.annotations], bool
        )
        clipped, share = clip_boxes(boxes, crop.crop_size)
        small = (clipped[:, 2:] - clipped[:, :2]).min(axis=1, initial=np.inf) < crop.min_side
        learn = (share >= crop.keep_fraction) & ~hidden & ~small
        ignore = (share > 0) & ~learn
        return DetectItem(
            planes(image),
            torch.from_numpy(clipped[learn].astype(np.float32)),
            torch.from_numpy(labels[learn]),
            torch.from_numpy(clipped[ignore].astype(np.float32)),
        )


def planes(image: Image) -> Tensor:
    """Return an image (H, W, C) as a tensor (C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def clip_boxes(boxes_xyxy: Boxes, size: int) -> tuple[Boxes, NDArray[np.float64]]:
    """Clip (n, 4) boxes to a square crop; returns them and the (n,) share of each box's area that lies in it."""
    boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4)
    clipped = boxes.clip(0, size)
    areas = [(b[:, 2:] - b[:, :2]).clip(0).prod(axis=1) for b in (clipped, boxes)]
    return clipped, areas[0] / np.maximum(areas[1], 1e-9)


class ClassifyCrops(Dataset[tuple[Tensor, int]]):
    """Crops around every annotation: items (S, S, channels) uint8 and the label.

    The surroundings of each box are cut out once, small, and kept: 27 kB each for inputs from 24 pixels on, 3 kB for 8.

    Args:
        dataset: the images to train on.
        config: its `view`, `box`, `augment` and `seed` are used.
        length: how many items.

    Raises:
        DataError: no annotations.
    """

    _EXTENT = 1.5

    def __init__(self, dataset: "ImageSet", config: TrainConfig, length: int) -> None:
        self._config, self._length = config, length
        self._augment = Augment(config.augment)
        self._patches, self._labels = self._cut_all(dataset)
        if not len(self._labels):
            raise DataError(f"{dataset.root}: expected annotated objects to train on, but there are none")
        self._order = Shuffled(len(self._labels), config.seed)

    def _cut_all(self, dataset: "ImageSet") -> tuple[Image, Sequence[int]]:
        view = self._config.view
        self._side = min(96, 4 * view.input_size)
        labels = {name: label for label, name in enumerate(dataset.classes)}
        patches: list[Image] = []
        chosen: list[int] = []
        for record in dataset.records:
            rgb = record.rgb() if record.annotations else None
            for box, annotation in zip(record_boxes(record, self._config.box), record.annotations, strict=True):
                hidden = annotation.ignore or annotation.visible_fraction < self._config.box.min_visible
                if rgb is not None and not hidden:
                    patches.append(crop_box(rgb, box, self._EXTENT * (1 + view.margin), self._side))
                    chosen.append(labels.get(annotation.class_name, UNLABELLED))
        return np.stack(patches) if patches else np.zeros((0, 1, 1, 3), np.uint8), chosen

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        if not 0 <= k < self._length:
            raise IndexError(k)
        index = self._order[k]
        return self._seen(self._augmented(k)), self._labels[index]

    def views(self, k: int) -> tuple[Tensor, Tensor]:
        """Return item k's crop (S, S, channels) uint8 as evaluation sees it, and augmented."""
        return self._seen(self._patches[self._order[k]]), self._seen(self._augmented(k))

    @property
    def rounds(self) -> int:
        """How many items go once through the objects."""
        return len(self._labels)

    def _augmented(self, k: int) -> Image:
        return self._augment.image(self._patches[self._order[k]], stream(self._config.seed, k, "crop"))

    def _seen(self, patch: Image) -> Tensor:
        inner = round(self._side / self._EXTENT)
        inset = (self._side - inner) // 2
        size = self._config.view.input_size
        crop = resize(patch[inset : inset + inner, inset : inset + inner], (size, size))
        return torch.from_numpy(to_grey(crop) if self._config.view.grey else crop)
