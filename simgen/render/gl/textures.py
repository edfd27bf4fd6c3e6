"""Surface textures on the device, kept least recently used last and bounded in bytes.

A material's base colour and its roughness share one RGBA texture, so that a surface costs one fetch. A height map is
stored as its slopes, which a bilinear fetch interpolates smoothly where differences of fetched heights would not.
"""

from collections import OrderedDict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.errors import AssetError
from simgen.render.items import Item

BUDGET = 32 << 20
"""Bytes that stay between frames; a frame that needs more gets them while it is drawn."""
BUMP_SHARE = 0.03
"""Height of a full bump over the size of a texture's tile."""
_FLATTEST = 0.1
"""Normals that lie flatter than this in their map are taken to be this steep."""
Grey = NDArray[np.float32]


class Textures:
    """A cache of textures by (what it is for, the item's key)."""

    def __init__(self, gl: Any, max_px: int) -> None:
        self.gl, self.max_px, self.bytes = gl, max_px, 0
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._spare: list[Any] = []

    def surface(self, item: Item) -> Any:
        """Return the RGBA texture: base colour (sRGB), and the pattern of the roughness in alpha."""
        return self._kept_or("surface", item, _surface_image)

    def slopes(self, item: Item) -> Any:
        """Return the RG float texture of the height's slopes along u and v, or None where the surface is flat."""
        if item.material.bump_texture is None or not item.material.bump:
            return None
        return self._kept_or("slopes", item, _slope_image)

    def _kept_or(self, kind: str, item: Item, draw: Any) -> Any:
        key = (kind, item.texture_key)
        if key not in self._kept:
            image = draw(item)
            if max(image.shape[:2]) > self.max_px:
                raise AssetError(
                    f'texture of "{item.name}": expected at most {self.max_px} pixels a side, '
                    f"got {max(image.shape[:2])}"
                )
            self._kept[key] = self._upload(image)
            self.bytes += _size(self._kept[key])
        self._kept.move_to_end(key)
        return self._kept[key]

    def _upload(self, image: NDArray[Any]) -> Any:
        height, width, channels = image.shape
        dtype = "f1" if image.dtype == np.uint8 else "f4"
        kind = (width, height), channels, dtype
        texture = next((spare for spare in self._spare if (spare.size, spare.components, spare.dtype) == kind), None)
        if texture is None:
            texture = self.gl.texture(*kind[:2], np.ascontiguousarray(image), dtype=dtype, alignment=1)
        else:
            self._spare.remove(texture)
            texture.write(np.ascontiguousarray(image), alignment=1)
        texture.build_mipmaps()
        # Between two sizes the nearer one: blending them costs a sixth of the whole pass.
        texture.filter = self.gl.LINEAR_MIPMAP_NEAREST, self.gl.LINEAR
        return texture

    def trim(self) -> None:
        """Give up what was not used for longest until the budget holds; called between frames.

        The next frames' textures of the same size overwrite it: freeing and allocating in turns leaves holes in the
        memory. What no frame wanted since the last time is freed.
        """
        if self.bytes <= BUDGET:
            return
        self._release_spare()
        while self.bytes > BUDGET and self._kept:
            _, texture = self._kept.popitem(last=False)
            self.bytes -= _size(texture)
            self._spare.append(texture)

    def _release_spare(self) -> None:
        while self._spare:
            self._spare.pop().release()

    def release(self) -> None:
        """Free everything."""
        self._release_spare()
        while self._kept:
            self._kept.popitem()[1].release()
        self.bytes = 0


def _size(texture: Any) -> int:
    """Return the bytes of a texture and its smaller copies."""
    width, height = texture.size
    return int(width * height * texture.components * (1 if texture.dtype == "f1" else 4) * 4 // 3)


def _surface_image(item: Item) -> NDArray[np.uint8]:
    image = cv2.cvtColor(item.picture(), cv2.COLOR_RGB2RGBA)
    section = item.material.roughness_texture
    pattern = _grey(item.detail(section), image.shape) if section is not None else np.full(image.shape[:2], 127.5)
    image[..., 3] = np.round(pattern).astype(np.uint8)
    return np.asarray(image, np.uint8)


def _slope_image(item: Item) -> Grey:
    """Return (H, W, 2) float32: change of the height (0 to 1) over the whole of u and of v."""
    section = item.material.bump_texture
    assert section is not None
    image = item.detail(section)
    if section["kind"] == "normal_map":
        return _slopes_of_normals(image)
    height = _grey(image, image.shape) / np.float32(255)
    along_u = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=image.shape[1] / 8, borderType=cv2.BORDER_REFLECT_101)
    along_v = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=image.shape[0] / 8, borderType=cv2.BORDER_REFLECT_101)
    return np.stack([along_u, along_v], -1)


def _slopes_of_normals(image: NDArray[np.uint8]) -> Grey:
    """Return the slopes of the surface whose normals these are: rows go down, a map's green goes up."""
    x, y, z = np.moveaxis(image * np.float32(2 / 255) - 1, -1, 0)
    steep = BUMP_SHARE * np.maximum(z, np.float32(_FLATTEST))
    return np.stack([-x / steep, y / steep], -1)


def _grey(image: NDArray[np.uint8], shape: tuple[int, ...]) -> Grey:
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
    if grey.shape != shape[:2]:
        grey = np.asarray(cv2.resize(grey, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)
    return grey
