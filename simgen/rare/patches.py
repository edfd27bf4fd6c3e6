"""Objects cut out of their pictures, and a description of them that needs no model."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.cutting import crop_box
from simgen.samples import Sample

Image = NDArray[np.uint8]
Rows = NDArray[np.float32]
_LIGHTNESS_PX, _COLOUR_PX = 16, 4


class Describe(Protocol):
    """Turns crops (n, S, S, 3) uint8 into rows (n, D) float32; near rows are alike."""

    def __call__(self, crops: Image, /) -> Rows:
        """Return a row a crop."""
        ...


@dataclass(frozen=True)
class Embedding:
    """How objects become rows of numbers.

    Attributes:
        describe: the description of crops.
        title: what it is, for people.
        side_px: of the crops.
        extent: the crop's side over the box's longer side.
    """

    describe: Describe
    title: str
    side_px: int = 64
    extent: float = 1.2


def crops_of(sample: Sample, places: list[int], side_px: int, extent: float) -> Image:
    """Return the (n, side_px, side_px, 3) crops of some of a sample's annotations."""
    found = [crop_box(sample.rgb, sample.annotations[place].box_xyxy, extent, side_px) for place in places]
    return np.stack(found) if found else np.zeros((0, side_px, side_px, 3), np.uint8)


def thumbnails(crops: Image) -> Rows:
    """Return (n, 288) float32: 16 x 16 values of L* and 4 x 4 of a* and b*, over 100, of crops (n, S, S, 3).

    The colours count twice: they are few.
    """
    rows = np.zeros((len(crops), _LIGHTNESS_PX**2 + 2 * _COLOUR_PX**2), np.float32)
    for row, rgb in zip(rows, crops, strict=True):
        lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32) / 100
        light = cv2.resize(lab[..., 0], (_LIGHTNESS_PX,) * 2, interpolation=cv2.INTER_AREA)
        colour = cv2.resize(lab[..., 1:], (_COLOUR_PX,) * 2, interpolation=cv2.INTER_AREA)
        row[: light.size], row[light.size :] = np.ravel(light), 2 * np.ravel(colour)
    return rows


THUMBNAILS = Embedding(thumbnails, "thumbnails of L*, a* and b*")
