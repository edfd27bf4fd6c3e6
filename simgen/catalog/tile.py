"""A flat tile with a handwritten digit on its top side."""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simgen.catalog.mesh import Mesh, box_mesh
from simgen.catalog.shape import Collider, Model, model
from simgen.scene import Rgb
from simgen.strokes import DigitStyle, draw_digit


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
    texture_px: Annotated[int, Field(ge=16, le=512)] = 96

    def mesh(self, root: Path) -> Mesh:
        return box_mesh((self.size_m, self.size_m, self.height_m), rim_uv=0.5 / self.texture_px)

    def collider(self, root: Path) -> Collider:
        return Collider("box", (self.size_m / 2, self.size_m / 2, self.height_m / 2))

    def texture_size_wh(self) -> tuple[int, int]:
        return self.texture_px, self.texture_px

    def paint(self, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
        border = round(self.margin * self.texture_px)
        inner = slice(border, self.texture_px - border)
        cover = draw_digit(self.digit, self.style, inner.stop - inner.start)
        image, keep = body.copy(), 1 - cover
        for channel, ink in enumerate(self.ink):
            plane = cv2.multiply(body[inner, inner, channel], keep, dtype=cv2.CV_32F)
            image[inner, inner, channel] = cv2.scaleAdd(cover, float(ink), plane) + np.float32(0.5)
        return image

    def class_name(self, world_R_object: NDArray[np.float64]) -> str:
        return str(self.digit)
