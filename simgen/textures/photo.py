"""Pieces of image files as surfaces."""

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from pydantic.dataclasses import dataclass

from simgen.errors import AssetError
from simgen.imagefile import decoded, header_size, is_whole
from simgen.scene import STRICT, Share
from simgen.textures.base import Image, Images, Size

MAX_TEXTURE_PX = 4096
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, config=STRICT)
class Photo:
    """A piece of an image file.

    Attributes:
        path: the file, relative to the configuration's folder.
        crop: x, y, width, height as shares of the image.
    """

    path: str
    crop: tuple[Share, Share, Share, Share] = (0.0, 0.0, 1.0, 1.0)

    @classmethod
    def draw_all(cls, textures: Sequence[Self], size_wh: Size, root: Path) -> Images:
        return np.stack([texture._piece(size_wh, root) for texture in textures])

    def _piece(self, size_wh: Size, root: Path) -> Image:
        image = read_image(root / self.path)
        height, width = image.shape[:2]
        x, y, w, h = self.crop
        left, top = int(x * width), int(y * height)
        piece = image[top : max(top + 1, int((y + h) * height)), left : max(left + 1, int((x + w) * width))]
        return np.asarray(cv2.resize(piece, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, config=STRICT)
class NormalMap(Photo):
    """A tangent-space normal map: red, green, blue = right, up in the picture, out of the surface (as in glTF 2.0)."""


def find_images(names: Sequence[str], root: Path) -> tuple[str, ...]:
    """Return the image files of a list of files and folders (all images in them, by name), each readable.

    Raises:
        AssetError: a name is missing, unreadable, or a folder without images.
    """
    found: list[str] = []
    for name in names:
        inside = sorted(f.name for f in (root / name).glob("*") if f.suffix.lower() in IMAGE_SUFFIXES)
        if (root / name).is_dir() and not inside:
            raise AssetError(f'texture "{root / name}": expected a folder with images, got one without')
        found += [f"{name}/{file}" for file in inside] or [name]
    for file in found:
        read_image(root / file)
    return tuple(found)


@lru_cache(maxsize=16)
def read_image(path: Path) -> Image:
    """Return an image file as (H, W, 3) uint8 rgb. Raises `AssetError` if it is missing or unreadable."""
    if not path.is_file():
        raise AssetError(f'texture "{path}": there is no such file')
    data = path.read_bytes()
    if not is_whole(data):
        raise AssetError(f'texture "{path}": expected a whole image file, got a truncated one')
    _refuse_large(header_size(io.BytesIO(data)), path)  # before it is decoded
    pixels = decoded(data, cv2.IMREAD_COLOR)
    if pixels is None:
        raise AssetError(f'texture "{path}": expected a readable image, got a file that cannot be decoded')
    _refuse_large((pixels.shape[1], pixels.shape[0]), path)
    image = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
    image.flags.writeable = False
    return image


def _refuse_large(size_wh: Size | None, path: Path) -> None:
    if size_wh is not None and max(size_wh) > MAX_TEXTURE_PX:
        raise AssetError(f'texture "{path}": expected at most {MAX_TEXTURE_PX} pixels a side, got {max(size_wh)}')
