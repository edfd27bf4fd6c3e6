"""Cutting and resizing: how a box of an image becomes a crop of fixed size. Used alike to train and to predict."""

from collections.abc import Mapping
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from simgen.errors import CheckpointError

Image = NDArray[np.uint8]

Boxes = NDArray[np.float64]
Labels = NDArray[np.int16]
Pixel = TypeVar("Pixel", np.uint8, np.int16, np.float32)
PAD_GREY = 114
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class CropView:
    """How the classifier sees a box.

    Attributes:
        input_size: side of the crop in pixels.
        grey: one channel instead of three.
        margin: the crop's side is (1 + margin) times the box's longer side; negative cuts the rim off.
        standardize: give every crop mean 0 and variance 1, so that light and contrast do not matter.
    """

    input_size: int = Field(default=8, ge=4, le=256)
    grey: bool = True
    margin: float = Field(default=0.0, gt=-0.9, le=4.0)
    standardize: bool = True

    @property
    def channels(self) -> int:
        return 1 if self.grey else 3

    @classmethod
    def from_preprocess(cls, preprocess: Mapping[str, Any]) -> "CropView":
        """Read the view out of a model file's `preprocess`.

        Raises:
            CheckpointError: it holds no such view.
        """
        try:
            return cls(**preprocess["view"])
        except (KeyError, TypeError, ValueError):
            raise CheckpointError("model file: its preprocess settings do not describe a crop") from None

    def to_input(self, crops: Tensor) -> Tensor:
        """Turn (B, S, S, channels) uint8 crops into the module's input (B, channels, S, S) float32 around 0."""
        return self.seen(crops.permute(0, 3, 1, 2).float() / 255)

    def seen(self, x: Tensor) -> Tensor:
        """Turn pictures (B, channels, S, S) in [0, 1] into the module's input, centred as the settings say."""
        if not self.standardize:
            return (x - 0.5) / 0.25
        dims = (1, 2, 3)
        return (x - x.mean(dim=dims, keepdim=True)) / (x.std(dim=dims, keepdim=True, correction=0) + 0.02)


def resize(image: NDArray[Pixel], size_wh: tuple[int, int]) -> NDArray[Pixel]:
    """Resize an image; shrinking takes the mean over each new pixel's area, so that nothing aliases."""
    if (image.shape[1], image.shape[0]) == size_wh:
        return image
    shrinks = size_wh[0] < image.shape[1] or size_wh[1] < image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, size_wh, interpolation=interpolation)
    return np.asarray(resized, image.dtype).reshape(size_wh[1], size_wh[0], *image.shape[2:])


def resize_labels(labels: Labels, size_wh: tuple[int, int]) -> Labels:
    """Resize a map of numbers: every new pixel has the number at its centre."""
    return np.asarray(cv2.resize(labels, size_wh, interpolation=cv2.INTER_NEAREST_EXACT), np.int16)


def cut(
    image: NDArray[Pixel], left: int, top: int, size_wh: tuple[int, int], fill: int | None = PAD_GREY
) -> NDArray[Pixel]:
    """Cut a window that may reach over the image's border.

    Args:
        image: (H, W, C) uint8 or float32, or a map of numbers (H, W) int16.
        left: the window's left edge in pixels, may be negative.
        top: the window's top edge.
        size_wh: the window's size in pixels.
        fill: the grey outside the image, or None to repeat the border's pixels.
    """
    height, width = image.shape[:2]
    x1, y1 = np.clip([left, left + size_wh[0]], 0, width), np.clip([top, top + size_wh[1]], 0, height)
    # A window that misses the image altogether still needs one pixel to repeat.
    x1[0], y1[0] = min(x1[0], width - 1), min(y1[0], height - 1)
    x1[1], y1[1] = max(x1[1], x1[0] + 1), max(y1[1], y1[0] + 1)
    inner = image[y1[0] : y1[1], x1[0] : x1[1]]
    if inner.shape[:2] == size_wh[::-1] and x1[0] == left and y1[0] == top:
        return inner
    rows, columns = np.arange(top, top + size_wh[1]), np.arange(left, left + size_wh[0])
    window = inner[np.clip(rows - y1[0], 0, len(inner) - 1)]
    window = window[:, np.clip(columns - x1[0], 0, inner.shape[1] - 1)]
    if fill is not None:
        window[(rows < 0) | (rows >= height)] = fill
        window[:, (columns < 0) | (columns >= width)] = fill
    result: NDArray[Pixel] = window
    return result


def crop_boxes(rgb: Image, boxes_xyxy: Boxes, view: CropView) -> Image:
    """Return the (n, S, S, channels) uint8 square crops around (n, 4) boxes; the image's border is repeated."""
    crops = [crop_box(rgb, box, 1 + view.margin, view.input_size) for box in boxes_xyxy]
    stacked = np.stack(crops) if crops else np.zeros((0, view.input_size, view.input_size, 3), np.uint8)
    return to_grey(stacked) if view.grey else stacked


def crop_box(rgb: Image, box_xyxy: Boxes, extent: float, size: int) -> Image:
    """Return the (size, size, 3) crop whose side is `extent` times the box's longer side, with the same centre."""
    x1, y1, x2, y2 = (float(v) for v in box_xyxy)
    side = max(1, round(max(x2 - x1, y2 - y1) * extent))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    return resize(cut(rgb, left, top, (side, side), fill=None), (size, size))


def to_grey(rgb: Image) -> Image:
    """Return (..., 1) uint8 luma (ITU-R BT.601) of (..., 3)."""
    return np.asarray(np.rint(rgb @ np.array([0.299, 0.587, 0.114]))[..., None], np.uint8)
