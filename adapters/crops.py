"""How a classifier sees a box of an image. Used alike to train and to predict."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from simgen.cutting import crop_box
from simgen.errors import CheckpointError

Image = NDArray[np.uint8]

Boxes = NDArray[np.float64]
Labels = NDArray[np.int16]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class CropView:
    """How the classifier sees a box.

    Attributes:
        input_size: side of the crop in pixels.
        grey: one channel instead of three.
        margin: the crop's side is (1 + margin) times the box's longer side; negative cuts the rim off.
        standardize: give every crop mean 0 and variance 1, so that light and contrast do not matter.
        turned: what is said of a crop is the mean over its eight turned and mirrored views. Only for classes that look
            the same so, of a model that learnt them so.
    """

    input_size: int = Field(default=8, ge=4, le=256)
    grey: bool = True
    margin: float = Field(default=0.0, gt=-0.9, le=4.0)
    standardize: bool = True
    turned: bool = False

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

    def views(self, x: Tensor) -> list[Tensor]:
        """Return the views (B, channels, S, S) of inputs that predictions are averaged over: one, or eight."""
        if not self.turned:
            return [x]
        return [torch.rot90(side, quarters, (2, 3)) for side in (x, x.flip(3)) for quarters in range(4)]

    def to_input(self, crops: Tensor) -> Tensor:
        """Turn (B, S, S, channels) uint8 crops into the module's input (B, channels, S, S) float32 around 0."""
        return self.seen(crops.permute(0, 3, 1, 2).float() / 255)

    def seen(self, x: Tensor) -> Tensor:
        """Turn pictures (B, channels, S, S) in [0, 1] into the module's input, centred as the settings say."""
        if not self.standardize:
            return (x - 0.5) / 0.25
        dims = (1, 2, 3)
        return (x - x.mean(dim=dims, keepdim=True)) / (x.std(dim=dims, keepdim=True, correction=0) + 0.02)


def resize_labels(labels: Labels, size_wh: tuple[int, int]) -> Labels:
    """Resize a map of numbers: every new pixel has the number at its centre."""
    return np.asarray(cv2.resize(labels, size_wh, interpolation=cv2.INTER_NEAREST_EXACT), np.int16)


def crop_boxes(rgb: Image, boxes_xyxy: Boxes, view: CropView) -> Image:
    """Return the (n, S, S, channels) uint8 square crops around (n, 4) boxes; the image's border is repeated."""
    crops = [crop_box(rgb, box, 1 + view.margin, view.input_size) for box in boxes_xyxy]
    stacked = np.stack(crops) if crops else np.zeros((0, view.input_size, view.input_size, 3), np.uint8)
    return to_grey(stacked) if view.grey else stacked


def to_grey(rgb: Image) -> Image:
    """Return (..., 1) uint8 luma (ITU-R BT.601) of (..., 3)."""
    return np.asarray(np.rint(rgb @ np.array([0.299, 0.587, 0.114]))[..., None], np.uint8)
