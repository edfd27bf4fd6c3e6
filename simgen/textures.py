"""Procedural surfaces: each is a frozen dataclass of sampled numbers, and drawing it is a pure function.

Noise is value noise: random lattices enlarged with cubic interpolation and summed in octaves (Perlin 1985 gave the
octaves; the marble is his sine of a disturbed coordinate, the wood his rings).
"""

import io
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.errors import AssetError
from simgen.imagefile import header_size, is_whole
from simgen.registry import build
from simgen.rng import stream
from simgen.scene import STRICT, Plain, Rgb, Share

Colors: TypeAlias = Annotated[tuple[Rgb, ...], Field(min_length=1)]
Size: TypeAlias = tuple[int, int]
Field2D: TypeAlias = NDArray[np.float32]
Image: TypeAlias = NDArray[np.uint8]
MAX_TEXTURE_PX = 4096
_RAMP_STEPS = 1024
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, config=STRICT)
class Texture:
    """What all procedural textures have.

    Attributes:
        colors: one or more rgb colours, 0 to 255, that the pattern runs through.
        scale: number of features across the image.
        seed: of the pattern.
    """

    colors: Colors = ((128, 128, 128),)
    scale: Annotated[float, Field(gt=0, le=500)] = 4.0
    seed: int = 0

    def draw(self, size_wh: Size, root: Path) -> Image:
        """Return (H, W, 3) uint8."""
        pattern = self.pattern(size_wh)
        return _ramp(np.clip(pattern, 0, 1, out=pattern), self.colors)

    def pattern(self, size_wh: Size) -> Field2D:
        """Return (H, W) float32 in [0, 1], the place on the ramp of colours."""
        return np.zeros(size_wh[::-1], np.float32)


class Uni(Texture):
    """The first colour everywhere."""

    def draw(self, size_wh: Size, root: Path) -> Image:
        return _filled(size_wh, self.colors[0])


class Noise(Texture):
    """Clouds."""

    def pattern(self, size_wh: Size) -> Field2D:
        return _stretch(_noise(size_wh, self.scale, self.seed))


class Gradient(Texture):
    """A straight run through the colours in a random direction."""

    def pattern(self, size_wh: Size) -> Field2D:
        return _stretch(_ramp_along(size_wh, self.seed))


class Stripes(Texture):
    """Parallel soft-edged stripes in a random direction."""

    def pattern(self, size_wh: Size) -> Field2D:
        return _square_wave(_ramp_along(size_wh, self.seed) * self.scale)


class Checker(Texture):
    """A chess board in a random direction."""

    def pattern(self, size_wh: Size) -> Field2D:
        first = _square_wave(_ramp_along(size_wh, self.seed) * self.scale)
        second = _square_wave(_ramp_along(size_wh, self.seed, turn=np.pi / 2) * self.scale)
        return np.asarray(np.abs(first - second), np.float32)


class Marble(Texture):
    """Veins: a sine of a coordinate that noise has disturbed."""

    def pattern(self, size_wh: Size) -> Field2D:
        along = _ramp_along(size_wh, self.seed) * self.scale
        bent = along + 2.5 * _noise(size_wh, self.scale, self.seed)
        return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * bent), np.float32)


class Wood(Texture):
    """Rings around a distant axis, with fine grain."""

    def pattern(self, size_wh: Size) -> Field2D:
        rng = stream(self.seed, 0, "texture.wood")
        x, y = _axes(size_wh)
        away = rng.uniform(0.6, 2.0, 2).tolist()  # plain floats leave the arrays in 32 bits
        ring = np.hypot(x + away[0], 0.25 * (y + away[1])) * self.scale * 2
        ring = ring + 0.6 * _noise(size_wh, 3, self.seed)
        grain = _noise((size_wh[0], max(2, size_wh[1] // 16)), 40, self.seed + 1)
        grain = np.asarray(cv2.resize(grain, size_wh, interpolation=cv2.INTER_LINEAR), np.float32)
        return np.asarray(0.8 * (ring % 1.0) + 0.2 * grain, np.float32)


class Speckle(Texture):
    """A plain ground with dots of the other colours."""

    def draw(self, size_wh: Size, root: Path) -> Image:
        rng = stream(self.seed, 0, "texture.speckle")
        image = _filled(size_wh, self.colors[0])
        dots = self.colors[1:] or self.colors
        count = int(6 * self.scale**2)
        places = rng.uniform(0, 1, (count, 2)) * size_wh
        radii = rng.uniform(0.05, 0.25, count) * max(size_wh) / self.scale
        for (x, y), radius, which in zip(places, radii, rng.integers(len(dots), size=count), strict=True):
            center = (int(x * 16), int(y * 16))
            cv2.circle(image, center, max(8, int(radius * 16)), dots[which], -1, cv2.LINE_AA, 4)
        return image


class Dust(Texture):
    """Faint clouds of the first two colours with `scale` specks, darker or brighter, a few pixels wide."""

    def draw(self, size_wh: Size, root: Path) -> Image:
        image = _ramp(_stretch(_noise(size_wh, 6.0, self.seed)), self.colors[:2])
        rng = stream(self.seed, 0, "texture.dust")
        for _ in range(round(self.scale)):
            center = tuple(int(v) for v in rng.uniform(0, 16, 2) * size_wh)
            radius = int(16 * rng.uniform(0.3, 1.2))
            ground = image[min(center[1] // 16, size_wh[1] - 1), min(center[0] // 16, size_wh[0] - 1)]
            color = [int(v) for v in np.clip(ground * rng.choice([0.3, 0.6, 1.3]), 0, 255)]
            cv2.circle(image, (center[0], center[1]), radius, color, -1, cv2.LINE_AA, 4)
        return image


@dataclass(frozen=True, config=STRICT)
class Photo:
    """A piece of an image file.

    Attributes:
        path: the file, relative to the configuration's folder.
        crop: x, y, width, height as shares of the image.
    """

    path: str
    crop: tuple[Share, Share, Share, Share] = (0.0, 0.0, 1.0, 1.0)

    def draw(self, size_wh: Size, root: Path) -> Image:
        image = read_image(root / self.path)
        height, width = image.shape[:2]
        x, y, w, h = self.crop
        left, top = int(x * width), int(y * height)
        piece = image[top : max(top + 1, int((y + h) * height)), left : max(left + 1, int((x + w) * width))]
        return np.asarray(cv2.resize(piece, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


TEXTURES: dict[str, type[Texture] | type[Photo]] = {
    "plain": Uni,
    "noise": Noise,
    "gradient": Gradient,
    "stripes": Stripes,
    "checker": Checker,
    "marble": Marble,
    "wood": Wood,
    "speckle": Speckle,
    "dust": Dust,
    "photo": Photo,
}


def draw_texture(spec: Plain, size_wh: Size, root: Path) -> Image:
    """Return the (H, W, 3) uint8 image of a texture section. `root` is where relative file names start."""
    texture = build(TEXTURES, spec, "texture")
    return texture.draw(size_wh, root)


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
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if decoded is None:
        raise AssetError(f'texture "{path}": expected a readable image, got a file that cannot be decoded')
    _refuse_large((decoded.shape[1], decoded.shape[0]), path)
    image = np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
    image.flags.writeable = False
    return image


def _refuse_large(size_wh: Size | None, path: Path) -> None:
    if size_wh is not None and max(size_wh) > MAX_TEXTURE_PX:
        raise AssetError(f'texture "{path}": expected at most {MAX_TEXTURE_PX} pixels a side, got {max(size_wh)}')


def _ramp(t: Field2D, colors: Colors) -> Image:
    """Return the colours at the places (H, W) in [0, 1] of a ramp, through a table: far faster than blending.

    An entry is four bytes, one number to numpy, which looks up three bytes at three times the cost.
    """
    table = np.zeros((_RAMP_STEPS, 4), np.uint8)
    table[:, :3] = _ramp_weights(len(colors)) @ np.asarray(colors, np.float64) + 0.5
    steps = np.multiply(t, np.float32(_RAMP_STEPS - 1))
    steps += np.float32(0.5)
    found = table.view(np.uint32)[:, 0].take(steps.astype(np.uint16))
    return np.asarray(cv2.cvtColor(found.view(np.uint8).reshape(*t.shape, 4), cv2.COLOR_RGBA2RGB), np.uint8)


@cache
def _ramp_weights(count: int) -> NDArray[np.float64]:
    """Return the share (steps, count) of each of a ramp's colours in each entry of its table."""
    place = np.linspace(0, count - 1, _RAMP_STEPS)
    return np.stack([np.interp(place, np.arange(count), unit) for unit in np.eye(count)], 1)


def _filled(size_wh: Size, color: Rgb) -> Image:
    """Return a picture of one colour; a row at once is twenty times as fast as a pixel at once."""
    image = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
    image[:1] = color
    image[1:] = image[:1]
    return image


def _axes(size_wh: Size) -> tuple[Field2D, Field2D]:
    longest = max(size_wh)
    x = np.asarray(np.arange(size_wh[0]) / longest, np.float32)
    y = np.asarray(np.arange(size_wh[1]) / longest, np.float32)
    return x[None], y[:, None]


def _ramp_along(size_wh: Size, seed: int, turn: float = 0.0) -> Field2D:
    angle = stream(seed, 0, "texture.direction").uniform(0, 2 * np.pi) + turn
    x, y = _axes(size_wh)
    return np.asarray(float(np.cos(angle)) * x + float(np.sin(angle)) * y, np.float32)


def _square_wave(t: Field2D) -> Field2D:
    return np.asarray(np.clip(0.5 + 4 * np.sin(2 * np.pi * t), 0, 1), np.float32)


def _stretch(t: Field2D) -> Field2D:
    low, high = float(t.min()), float(t.max())
    stretched = np.subtract(t, np.float32(low))
    stretched *= np.float32(1 / max(high - low, 1e-6))
    return stretched


def _noise(size_wh: Size, scale: float, seed: int, octaves: int = 4) -> Field2D:
    """Return (H, W) float32 value noise around 0 with `scale` features across."""
    rng = stream(seed, 0, "texture.noise")
    total, layer = np.zeros(size_wh[::-1], np.float32), np.empty(size_wh[::-1], np.float32)
    longest = max(size_wh)
    for octave in range(octaves):
        cells = [max(2, min(s, round(scale * 2**octave * s / longest) + 1)) for s in size_wh]
        lattice = rng.standard_normal((cells[1], cells[0]), np.float32)
        lattice *= np.float32(0.5**octave * 0.25)
        total += cv2.resize(lattice, size_wh, dst=layer, interpolation=cv2.INTER_CUBIC)
    return total
