"""A flat tile with a handwritten digit on its top side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simgen.catalog.mesh import Mesh, box_mesh
from simgen.catalog.shape import Collider, Model, model
from simgen.scene import Rgb
from simgen.strokes import DigitStyle, draw_digits
from simgen.textures.base import filled


@model
class DigitTile(Model):
    """A square tile; its class is the digit.

    Attributes:
        digit: 0 to 9.
        style: how the digit is written.
        size_m: edge length of the tile.
        height_m: thickness of the tile.
        ink: rgb of the strokes, 0 to 255.
        margin: empty rim around the digit's box, as a share of the tile.
        texture_px: pixels of the texture's edge.
    """

    digit: Annotated[int, Field(ge=0, le=9)]
    style: DigitStyle
    size_m: Annotated[float, Field(gt=0)] = 0.03
    height_m: Annotated[float, Field(gt=0)] = 0.004
    ink: Rgb = (20, 20, 20)
    margin: Annotated[float, Field(ge=0, lt=0.5)] = 0.15
    texture_px: Annotated[int, Field(ge=16, le=512)] = 64

    pictures_at_once: ClassVar[int] = 64

    def mesh(self, root: Path) -> Mesh:
        return box_mesh((self.size_m, self.size_m, self.height_m), rim_uv=0.5 / self.texture_px)

    def collider(self, root: Path) -> Collider:
        return Collider("box", (self.size_m / 2, self.size_m / 2, self.height_m / 2))

    def texture_size_wh(self) -> tuple[int, int]:
        return self.texture_px, self.texture_px

    def paint(self, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return self.paint_all([self], [body])[0]

    @classmethod
    def paint_all(cls, models: Sequence[Self], bodies: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        size = models[0].texture_px
        margins = [model.margin for model in models]
        cover = draw_digits([model.digit for model in models], [model.style for model in models], size, margins)
        return list(_inked(np.stack(bodies), [model.ink for model in models], cover))

    def class_name(self, world_R_object: NDArray[np.float64]) -> str:
        return str(self.digit)


def _inked(bodies: NDArray[np.uint8], inks: Sequence[Rgb], cover: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return bodies (n, H, W, 3) in their `inks` where `cover` (n, H, W) is 255, and in a mixture where it is less."""
    count, height, width = cover.shape
    share = cv2.cvtColor(cover.reshape(-1, width), cv2.COLOR_GRAY2RGB)
    ink = filled((width, height), inks).reshape(share.shape)
    cv2.multiply(ink, share, dst=ink, scale=1 / 255)
    kept = cv2.bitwise_not(share, dst=share)
    cv2.multiply(bodies.reshape(share.shape), kept, dst=kept, scale=1 / 255)
    return np.asarray(cv2.add(kept, ink, dst=ink), np.uint8).reshape(count, height, width, 3)
