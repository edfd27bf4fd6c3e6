"""Objects cut out of pictures: RGBA crops of one size with their class, attributes and scale.

Alpha is the mask of the visible pixels. Colours are straight (not multiplied by alpha), taken from inside the mask
alone and bled outwards, so that nothing of the background reaches a crop, not even through the pixels of its rim, which
the camera's blur has mixed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.errors import DataError
from simgen.formats.imageset import ImageSet
from simgen.imagefile import alpha_of
from simgen.rare.looks import mean_luma
from simgen.rare.pixels.cut import cut_rgba
from simgen.rare.pixels.upright import rectangle
from simgen.samples import Annotation, Region, Sample
from simgen.scene import STRICT

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
ATTRIBUTES = ("visible_fraction", "size_px", "light")
"""What every crop is described by: the share of the object that is seen, the longer side of its box in pixels, and the
mean luma of the picture around it, 0 to 1 (see `light_of`)."""


@config_dataclass(frozen=True, config=STRICT)
class CropView:
    """Which objects are cut out, and how.

    Attributes:
        size: side of the crops in pixels.
        margin: the crop's side is (1 + margin) times the box's longer side.
        min_side_px: objects whose box is smaller are left out.
        min_visible_fraction: so are those that are more hidden.
        truncated: whether objects that reach over the picture's border are taken.
        upright: whether crops are turned upright (`simgen.rare.pixels.upright`): for objects that are seen from above
            and may lie at any angle.
    """

    size: int = Field(default=64, ge=16, le=256)
    margin: float = Field(default=0.125, ge=0.0, le=2.0)
    min_side_px: float = Field(default=16.0, ge=1.0)
    min_visible_fraction: float = Field(default=0.3, ge=0.0, le=1.0)
    truncated: bool = False
    upright: bool = False


@dataclass(frozen=True, eq=False)
class Crops:
    """N object crops.

    Attributes:
        classes: the class names.
        rgba: (N, S, S, 4) uint8, straight colours.
        labels: (N,) int64, numbers of classes.
        attributes: (N, A) float64.
        names: the A attributes' names.
        side_px: (N,) float64, the side of the square that was cut, in pixels of its picture.
        side_m: (N,) float64, the same in metres at the object's depth, NaN where that is not known.
        sources: N texts, where each is from.
        upright: whether they were turned upright, and may be turned as one likes when they are placed.
    """

    classes: tuple[str, ...]
    rgba: Pixels
    labels: NDArray[np.int64]
    attributes: Floats
    names: tuple[str, ...]
    side_px: Floats
    side_m: Floats
    sources: tuple[str, ...]
    upright: bool = False

    def __len__(self) -> int:
        return len(self.rgba)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Self:
        """Return some of the crops, in the order of their indices."""
        rows = np.asarray(indices, np.int64)
        return replace(
            self,
            rgba=self.rgba[rows],
            labels=self.labels[rows],
            attributes=self.attributes[rows],
            side_px=self.side_px[rows],
            side_m=self.side_m[rows],
            sources=tuple(self.sources[row] for row in rows),
        )

    @staticmethod
    def joined(parts: "Sequence[Crops]") -> "Crops":
        """Return the crops of one part or more, of the same classes, attributes and size, in their order."""
        return replace(
            parts[0],
            rgba=np.concatenate([part.rgba for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            attributes=np.concatenate([part.attributes for part in parts]),
            side_px=np.concatenate([part.side_px for part in parts]),
            side_m=np.concatenate([part.side_m for part in parts]),
            sources=tuple(source for part in parts for source in part.sources),
        )

    def split(self, share: float, rng: Generator) -> tuple[Self, Self]:
        """Return most crops and, from other pictures, about a share of them: crops of one picture stay together."""
        pictures = np.array([source.partition("#")[0] for source in self.sources])
        names = rng.permutation(np.unique(pictures))
        apart = np.isin(pictures, names[: round(share * len(names))])
        return self.take(np.flatnonzero(~apart)), self.take(np.flatnonzero(apart))

    def attribute(self, name: str) -> Floats:
        """Return the (N,) values of one attribute."""
        return np.asarray(self.attributes[:, self.names.index(name)])


def crops_of(data: ImageSet, view: CropView = CropView()) -> Crops:
    """Return the crops of all objects that the view takes, in the order of the set.

    Masks are those of the set's labels; where it has none, the alpha channel of its PNG files.

    Raises:
        DataError: the set has no masks at all, or no object is large and visible enough; a damaged picture.
    """
    cuts = [cut for k in range(len(data)) for cut in _cuts(data[k], data, k, view)]
    if not cuts:
        raise DataError(_reason(data, view))
    return Crops(
        data.classes,
        np.stack([cut.rgba for cut in cuts]),
        np.array([cut.label for cut in cuts], np.int64),
        np.array([cut.attributes for cut in cuts], np.float64),
        ATTRIBUTES,
        np.array([cut.side_px for cut in cuts], np.float64),
        np.array([cut.side_m for cut in cuts], np.float64),
        tuple(cut.source for cut in cuts),
        view.upright,
    )


def light_of(rgb: Pixels) -> float:
    """Return the light level of an (H, W, 3) picture: its mean luma (ITU-R BT.601), 0 to 1."""
    return mean_luma(rgb) / 255


@dataclass(frozen=True, eq=False)
class _Cut:
    rgba: Pixels
    label: int
    attributes: tuple[float, float, float]
    side_px: float
    side_m: float
    source: str


def _cuts(sample: Sample, data: ImageSet, number: int, view: CropView) -> Iterator[_Cut]:
    record = data.records[number]
    light = light_of(sample.rgb)
    for order, annotation in enumerate(_masked(sample, data, number)):
        if annotation.mask is None or not _taken(annotation, view):
            continue
        x1, y1, x2, y2 = annotation.box_xyxy
        (x, y), longer, turn = ((x1 + x2) / 2, (y1 + y2) / 2), max(annotation.size_wh), 0.0
        if view.upright:
            (x, y), longer, turn = rectangle(annotation.mask)
            x, y = x + 0.5, y + 0.5
        side = max(2, round(longer * (1 + view.margin)))
        window = (round(x - side / 2), round(y - side / 2), side)
        yield _Cut(
            cut_rgba(sample.rgb, annotation.mask, window, view.size, turn),
            data.classes.index(annotation.class_name),
            (annotation.visible_fraction, longer, light),
            float(side),
            side * _metres_a_pixel(sample, annotation),
            f"{record.key}#{order}",
        )


def _masked(sample: Sample, data: ImageSet, number: int) -> tuple[Annotation, ...]:
    """Return the annotations with masks: a single object without one has that of its file's alpha channel."""
    annotations = sample.annotations
    if len(annotations) != 1 or annotations[0].region is not None:
        return annotations
    alpha = alpha_of(data.records[number].path)
    if alpha is None or alpha.shape != sample.rgb.shape[:2] or not (alpha > 127).any():
        return annotations
    region = Region.of(alpha > 127).cut()
    return (replace(annotations[0], region=region, box_xyxy=region.box_xyxy()),)


def _taken(annotation: Annotation, view: CropView) -> bool:
    return (
        not annotation.ignore
        and max(annotation.size_wh) >= view.min_side_px
        and annotation.visible_fraction >= view.min_visible_fraction
        and (view.truncated or not annotation.truncated)
        and annotation.region is not None
        and bool(annotation.region.part.any())
    )


def _metres_a_pixel(sample: Sample, annotation: Annotation) -> float:
    """Return the length that a pixel shows at the object's depth, NaN where the depth or the camera is not known."""
    if sample.camera_matrix is None:
        return float("nan")
    depth = float("nan")
    if annotation.cam_T_object is not None:
        depth = float(annotation.cam_T_object[2, 3])
    elif sample.depth_m is not None and annotation.mask is not None:
        seen = sample.depth_m[annotation.mask & (sample.depth_m > 0)]
        depth = float(np.median(seen)) if len(seen) else depth
    return depth / float(sample.camera_matrix[0, 0])


def _reason(data: ImageSet, view: CropView) -> str:
    where = f'image set "{data.root}"'
    objects = sum(len(record.annotations) for record in data.records)
    if any(mask is not None for record in data.records for mask in record.masks):
        return (
            f"{where}: expected objects of at least {view.min_side_px:g} pixels that are at least "
            f"{view.min_visible_fraction:.0%} visible, found none among {objects}"
        )
    return (
        f"{where}: expected masks (COCO's segmentation, or PNG files with an alpha channel) to cut its objects out "
        f"by, found none for {objects} objects"
    )
