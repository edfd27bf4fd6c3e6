"""What a texture is, and the two ways from its numbers to pixels that most kinds take."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Self, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.scene import STRICT, Rgb

Colors: TypeAlias = Annotated[tuple[Rgb, ...], Field(min_length=1)]
Size: TypeAlias = tuple[int, int]
Fields: TypeAlias = NDArray[np.float32]
Image: TypeAlias = NDArray[np.uint8]
Images: TypeAlias = NDArray[np.uint8]
_RAMP_STEPS = 1024


@dataclass(frozen=True, config=STRICT)
class Texture:
    """What all procedural textures have.

    Attributes:
        colors: one or more rgb colours, 0 to 255, that the pattern runs through.
        scale: number of features across the image.
        seed: of the pattern, >= 0.
    """

    colors: Colors = ((128, 128, 128),)
    scale: Annotated[float, Field(gt=0, le=500)] = 4.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    @classmethod
    def draw_all(cls, textures: Sequence[Self], size_wh: Size, root: Path) -> Images:
        """Return pictures (n, H, W, 3) uint8 of n textures of this kind: small ones are faster together.

        Args:
            textures: what to draw.
            size_wh: width and height of all.
            root: where relative file names start.
        """
        return ramps(cls.patterns(textures, size_wh), [texture.colors for texture in textures])

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        """Return (n, H, W) float32 in [0, 1]: where on its ramp of colours each pixel is."""
        raise TypeError(f"{cls.__name__} runs through no colours")


def ramps(patterns: Fields, palettes: Sequence[Colors]) -> Images:
    """Return the colours (n, H, W, 3) at places (n, H, W) in [0, 1] of n ramps, by tables: far faster than blending.

    An entry is four bytes, one number to numpy, which looks up three bytes at three times the cost.
    """
    count, height, width = patterns.shape
    tables = np.zeros((count, _RAMP_STEPS, 4), np.uint8)
    for table, palette in zip(tables, palettes, strict=True):
        table[:, :3] = _ramp_weights(len(palette)) @ np.asarray(palette, np.float64) + 0.5
    steps = np.multiply(patterns, np.float32(_RAMP_STEPS - 1))
    steps += np.float32(0.5)
    places = steps.astype(np.intp)
    places += _RAMP_STEPS * np.arange(count)[:, None, None]
    found = tables.view(np.uint32).ravel().take(places)
    pixels = cv2.cvtColor(found.view(np.uint8).reshape(count * height, width, 4), cv2.COLOR_RGBA2RGB)
    return np.asarray(pixels, np.uint8).reshape(count, height, width, 3)


def filled(size_wh: Size, colors: Sequence[Rgb]) -> Images:
    """Return a picture of each colour; a row at once is twenty times as fast as a pixel at once."""
    images = np.empty((len(colors), size_wh[1], size_wh[0], 3), np.uint8)
    images[:, :1] = np.array(colors, np.uint8)[:, None, None]
    images[:, 1:] = images[:, :1]
    return images


@cache
def _ramp_weights(count: int) -> NDArray[np.float64]:
    """Return the share (steps, count) of each of a ramp's colours in each entry of its table."""
    place = np.linspace(0, count - 1, _RAMP_STEPS)
    return np.stack([np.interp(place, np.arange(count), unit) for unit in np.eye(count)], 1)
