"""Augmentation. The only file that knows albumentations, so that it can be exchanged.

albumentations 2.0.8 is the last release under the MIT licence. Two of its traps are handled here: on import it asks
a server for news unless told not to, and `set_random_seed` gives *every* transform the same numbers, so that all
of them would be switched on together; one generator shared by all (`set_random_state`) keeps them independent.
"""

import os
import random  # noqa: TID251  (albumentations draws from both kinds of generator; both are seeded from ours)

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

from typing import TypeVar

import albumentations as A  # noqa: N812
import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Image = NDArray[np.uint8]
Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.float32])
Boxes = NDArray[np.float64]
Masks = NDArray[np.bool_]
Labels = NDArray[np.int16]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AugmentConfig:
    """Strengths; 0 switches a transform off. `p_...` are probabilities, the others half-widths about "no change".

    Attributes:
        rotate_deg: free rotation by up to this angle to both sides (180 for objects seen from above).
        shear_deg: shear along both axes.
        stretch: x and y are scaled apart by up to this share.
        translate: shift by up to this share of the crop (classification; detection crops are shifted already).
        flip: mirror left-right and up-down with probability 1/2 each. Never for digits or other chiral classes.
        brightness: share of the full range.
        contrast: share.
        gamma: exponent between 1/(1 + gamma) and 1 + gamma.
        hue: share of the colour circle.
        saturation: share.
        tint: each channel is scaled by up to this share.
        p_shuffle: swap the colour channels.
        p_grey: take the colour away.
        p_invert: invert the intensities.
        p_blur: Gaussian, motion or defocus blur.
        blur_px: the largest Gaussian sigma; kernels of the others go with it.
        p_sharpen: unsharp mask, as phones apply it to every picture.
        p_noise: Gaussian or colour sensor noise.
        noise: largest standard deviation, share of the full range.
        p_jpeg: JPEG compression.
        jpeg_quality: lowest quality.
        p_downscale: shrink to between half size and 0.9, and enlarge again.
        p_shadow: a polygon of shadow.
    """

    rotate_deg: float = Field(default=0.0, ge=0, le=180)
    shear_deg: float = Field(default=0.0, ge=0, le=45)
    stretch: float = Field(default=0.0, ge=0, lt=0.9)
    translate: float = Field(default=0.0, ge=0, le=0.5)
    flip: bool = False
    brightness: float = Field(default=0.25, ge=0, le=1)
    contrast: float = Field(default=0.3, ge=0, le=1)
    gamma: float = Field(default=0.4, ge=0, le=4)
    hue: float = Field(default=0.1, ge=0, le=0.5)
    saturation: float = Field(default=0.4, ge=0, le=1)
    tint: float = Field(default=0.1, ge=0, lt=1)
    p_shuffle: float = Field(default=0.03, ge=0, le=1)
    p_grey: float = Field(default=0.03, ge=0, le=1)
    p_invert: float = Field(default=0.0, ge=0, le=1)
    p_blur: float = Field(default=0.25, ge=0, le=1)
    blur_px: float = Field(default=1.5, gt=0, le=20)
    p_sharpen: float = Field(default=0.0, ge=0, le=1)
    p_noise: float = Field(default=0.3, ge=0, le=1)
    noise: float = Field(default=0.06, gt=0, le=1)
    p_jpeg: float = Field(default=0.3, ge=0, le=1)
    jpeg_quality: int = Field(default=40, ge=1, le=99)
    p_downscale: float = Field(default=0.15, ge=0, le=1)
    p_shadow: float = Field(default=0.15, ge=0, le=1)

    @property
    def turns(self) -> bool:
        """Whether the geometry changes so that a larger window is needed to fill the crop's corners."""
        return self.rotate_deg > 0 or self.shear_deg > 0 or self.stretch > 0


STILL = AugmentConfig(
    brightness=0.0,
    contrast=0.0,
    gamma=0.0,
    hue=0.0,
    saturation=0.0,
    tint=0.0,
    p_shuffle=0.0,
    p_grey=0.0,
    p_blur=0.0,
    p_noise=0.0,
    p_jpeg=0.0,
    p_downscale=0.0,
    p_shadow=0.0,
)
"""Nothing changes."""


class Augment:
    """Change images and move their boxes along; each call is a pure function of its arguments and the generator.

    Args:
        config: the strengths.
        fill: the grey that a rotation brings in from outside the image.
    """

    def __init__(self, config: AugmentConfig, fill: int = 114) -> None:
        self.config = config
        geometry = _geometric(config, fill)
        points = A.KeypointParams("xy", remove_invisible=False) if geometry else None
        self._geometry = A.Compose(geometry, keypoint_params=points)
        self._still = not geometry
        self._photometry = A.Compose(_photometric(config))
        # Without points to move along, and in one go: for small crops the bookkeeping is what costs.
        self._whole = A.Compose([*_geometric(config, fill), *_photometric(config)], is_check_shapes=False)

    def geometric(
        self, rgb: Pixels, boxes_xyxy: Boxes, rng: Generator, masks: Masks | None = None
    ) -> tuple[Pixels, Boxes]:
        """Rotate, shear, stretch, shift and mirror about the image's centre.

        Args:
            rgb: (H, W, C) uint8, or float32 for planes that are no colours.
            boxes_xyxy: (n, 4), pixel edges.
            rng: draws the parameters.
            masks: (n, H, W) of the objects; given, the new boxes are tight about the moved masks.

        Returns:
            The image, same size, and the (n, 4) boxes, not clipped. Without masks a box becomes that of the moved
            ellipse it holds: a square box keeps its side under any rotation. A mask that has left the image gives
            an empty box.
        """
        if self._still:
            return rgb, np.array(boxes_xyxy, float).reshape(-1, 4)
        _seed(self._geometry, rng)
        # Keypoints are pixel centres, boxes are pixel edges: half a pixel apart.
        frames = _frames(boxes_xyxy) - 0.5
        extra = {} if masks is None else {"masks": [mask.astype(np.uint8) for mask in masks]}
        moved = self._geometry(image=rgb, keypoints=frames.reshape(-1, 2), **extra)
        if masks is not None and len(masks):
            boxes = np.array([_tight(mask) for mask in moved["masks"]])
        else:
            boxes = _boxes_of_frames(np.asarray(moved["keypoints"], float).reshape(-1, 3, 2) + 0.5)
        return np.asarray(moved["image"], rgb.dtype), boxes

    def labelled(self, rgb: Image, labels: Labels, rng: Generator) -> tuple[Image, Labels]:
        """As `geometric`, of an (H, W, 3) image and the map (H, W) of its pixels' numbers; 0 comes in from outside."""
        if self._still:
            return rgb, labels
        _seed(self._geometry, rng)
        moved = self._geometry(image=rgb, mask=labels, keypoints=np.zeros((0, 2)))
        return np.asarray(moved["image"], np.uint8), np.asarray(moved["mask"], np.int16)

    def image(self, rgb: Image, rng: Generator) -> Image:
        """Change geometry and intensities of an (H, W, 3) image whose label is one class."""
        _seed(self._whole, rng)
        return np.asarray(self._whole(image=rgb)["image"], np.uint8)

    def photometric(self, rgb: Image, rng: Generator) -> Image:
        """Change the intensities of an (H, W, 3) image; what is where stays."""
        _seed(self._photometry, rng)
        return np.asarray(self._photometry(image=np.ascontiguousarray(rgb))["image"], np.uint8)


def _seed(pipeline: A.Compose, rng: Generator) -> None:
    pipeline.set_random_state(rng, random.Random(int(rng.integers(2**32))))


def _geometric(config: AugmentConfig, fill: int) -> list[A.BasicTransform]:
    flips = [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)] if config.flip else []
    if not (config.turns or config.translate):
        return flips
    stretch = (1 - config.stretch, 1 + config.stretch)
    affine = A.Affine(
        rotate=(-config.rotate_deg, config.rotate_deg),
        shear={"x": (-config.shear_deg, config.shear_deg), "y": (-config.shear_deg, config.shear_deg)},
        scale={"x": stretch, "y": stretch},
        translate_percent=(-config.translate, config.translate),
        interpolation=cv2.INTER_LINEAR,
        fill=fill,
        p=1.0,
    )
    return [*flips, affine]


def _photometric(config: AugmentConfig) -> list[A.BasicTransform]:
    c, blur = config, config.blur_px
    kernel = max(3, 2 * round(2 * blur) + 1)
    tint = round(255 * c.tint / 2)
    gamma = (round(100 / (1 + c.gamma)), round(100 * (1 + c.gamma)))
    transforms = [
        (c.p_shadow, A.RandomShadow((0, 0, 1, 1), (1, 1), 5, (0.25, 0.6), p=c.p_shadow)),
        (c.hue + c.saturation, A.HueSaturationValue(180 * c.hue, 255 * c.saturation / 2, 0, p=0.6)),
        (c.tint, A.RGBShift(tint, tint, tint, p=0.5)),
        (c.p_shuffle, A.ChannelShuffle(p=c.p_shuffle)),
        (c.p_grey, A.ToGray(p=c.p_grey)),
        (c.p_invert, A.InvertImg(p=c.p_invert)),
        (c.brightness + c.contrast, A.RandomBrightnessContrast(c.brightness, c.contrast, p=0.8)),
        (c.gamma, A.RandomGamma(gamma, p=0.4)),
        (
            c.p_blur,
            A.OneOf(
                [
                    A.GaussianBlur(0, (0.2, blur), p=1.0),
                    A.MotionBlur((3, kernel), p=0.5),
                    A.Defocus((1, max(1, round(blur))), (0.1, 0.3), p=0.5),
                ],
                p=c.p_blur,
            ),
        ),
        (
            c.p_downscale,
            A.Downscale((0.5, 0.9), {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}, p=c.p_downscale),
        ),
        (c.p_sharpen, A.UnsharpMask((3, 5), (0.6, 1.2), (0.2, 0.8), 0, p=c.p_sharpen)),
        (c.p_noise, A.GaussNoise((0.01 * c.noise, c.noise), p=c.p_noise)),
        (c.p_jpeg, A.ImageCompression("jpeg", (c.jpeg_quality, 95), p=c.p_jpeg)),
    ]
    return [transform for strength, transform in transforms if strength > 0]


def _frames(boxes_xyxy: Boxes) -> Boxes:
    """Return the (n, 3, 2) points of each box: centre, middle of the right side, middle of the bottom side."""
    boxes = np.asarray(boxes_xyxy, float).reshape(-1, 4)
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    return np.stack([centre, centre + half * [1, 0], centre + half * [0, 1]], axis=1)


def _boxes_of_frames(frames: Boxes) -> Boxes:
    """Return the (n, 4) boxes of the ellipses spanned by (n, 3, 2) moved frames: half-widths sqrt(ax^2 + bx^2)."""
    centre = frames[:, 0]
    half = np.hypot(frames[:, 1] - centre, frames[:, 2] - centre)
    return np.concatenate([centre - half, centre + half], axis=1)


def _tight(mask: NDArray[np.uint8]) -> Boxes:
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return np.zeros(4)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
