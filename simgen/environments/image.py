"""Light from a panorama: an equirectangular image file."""

import re
import struct
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from simgen.environments.base import Environment, Map
from simgen.environments.color import linear_from_srgb
from simgen.errors import AssetError
from simgen.imagefile import decoded, is_whole
from simgen.scene import STRICT

MAX_PIXELS = 2**26
MAX_BYTES = 2**29
_PNG, _JPEG, _EXR = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\x76\x2f\x31\x01"
_HDR = re.compile(rb"\n\s*[-+]Y\s+(\d+)\s+[-+]X\s+(\d+)\s*\n")


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ImageFile(Environment):
    """A panorama: .hdr, .png, .jpg, and .exr where OpenCV was built with it. Its middle column looks along +x.

    8-bit and 16-bit files are taken as sRGB and made linear. The file is seen from inside, so what stands left of the
    middle lies to the left of someone who looks along +x.

    Attributes:
        path: relative to the configuration's folder.
    """

    path: str

    def radiance(self, root: Path) -> Map:
        """Return the map (H, 2H, 3). Raises `AssetError` for a file that cannot be used."""
        size = (2 * self.height_px, self.height_px)
        pixels = read_panorama(root / self.path)[:, ::-1]  # azimuth runs to the left of someone who looks at it
        way = cv2.INTER_AREA if size[1] < len(pixels) else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=way), np.float32)

    def version(self, root: Path) -> Hashable:
        return _version(root / self.path)


def check_panorama(path: Path) -> None:
    """Raise `AssetError` unless a file can be read and has light above; it is decoded once until it changes."""
    _readable(path, _version(path))


@lru_cache(maxsize=256)
def _readable(path: Path, _: Hashable) -> None:
    above = read_panorama(path)
    if not above[: len(above) // 2].any():
        raise AssetError(f'environment "{path}": expected light from above, got a panorama that is dark there')


def _version(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def read_panorama(path: Path) -> Map:
    """Return an equirectangular image file as linear rgb (H, 2H, 3) float32, not negative.

    Raises:
        AssetError: missing, truncated, too large, of another shape, or with values that are no numbers.
    """
    where = f'environment "{path}"'
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AssetError(f"{where}: expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
        data = path.read_bytes()
    except OSError as error:
        raise AssetError(f"{where}: cannot be read: {error.strerror}") from None
    _refuse_large(data, where)
    pixels = decoded(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR) if is_whole(data) else None
    if pixels is None:
        hint = "; this OpenCV reads no .exr, convert it to .hdr" if data.startswith(_EXR) else ""
        raise AssetError(
            f"{where}: expected a whole .hdr, .exr, .png or .jpg file, got one that cannot be decoded{hint}"
        )
    height, width = pixels.shape[:2]
    if abs(width - 2 * height) > 0.02 * width:
        raise AssetError(f"{where}: expected a panorama twice as wide as high, got {width} x {height} pixels")
    linear = _linear(pixels)
    if not np.isfinite(linear).all():
        raise AssetError(f"{where}: expected finite radiances, got infinite ones or none")
    return np.maximum(linear[..., ::-1], 0)


def _refuse_large(data: bytes, where: str) -> None:
    """Refuse more than `MAX_PIXELS` pixels before they are decoded at full size."""
    size: tuple[int, int] | None = None
    if data.startswith(_PNG) and len(data) >= 24:
        size = struct.unpack(">II", data[16:24])
    elif data.startswith(b"#?"):
        found = _HDR.search(data[:4096])
        size = None if found is None else (int(found[2]), int(found[1]))
    elif data.startswith(_JPEG):
        small = decoded(data, cv2.IMREAD_REDUCED_COLOR_8)
        size = None if small is None else (8 * small.shape[1], 8 * small.shape[0])
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise AssetError(f"{where}: expected at most {MAX_PIXELS} pixels, got {size[0]} x {size[1]}")


def _linear(pixels: NDArray[np.generic]) -> Map:
    """Return sRGB integers as linear shares of white; floats are linear already."""
    if pixels.dtype not in (np.uint8, np.uint16):
        return pixels.astype(np.float32)
    return linear_from_srgb(pixels.astype(np.float64) / (255 if pixels.dtype == np.uint8 else 65535)).astype(np.float32)
