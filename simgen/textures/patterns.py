"""The procedural kinds: frozen dataclasses of sampled numbers, whose drawing is a pure function.

Noise is value noise: random lattices enlarged with cubic interpolation and summed in octaves (Perlin 1985 gave the
octaves; the marble is his sine of a disturbed coordinate, the wood his rings).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.random import Generator

from simgen.rng import stream
from simgen.textures.base import Fields, Image, Images, Size, Texture, filled, ramps
from simgen.textures.fields import along, axes, noise, square_wave, stretched


class Uni(Texture):
    """The first colour everywhere."""

    @classmethod
    def draw_all(cls, textures: Sequence[Self], size_wh: Size, root: Path) -> Images:
        return filled(size_wh, [texture.colors[0] for texture in textures])


class Noise(Texture):
    """Clouds."""

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        return stretched(noise(size_wh, [t.scale for t in textures], [t.seed for t in textures]))


class Gradient(Texture):
    """A straight run through the colours in a random direction."""

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        return stretched(along(size_wh, [t.seed for t in textures]))


class Stripes(Texture):
    """Parallel soft-edged stripes in a random direction."""

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        return square_wave(along(size_wh, [t.seed for t in textures]) * _scales(textures))


class Checker(Texture):
    """A chess board in a random direction."""

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        seeds, scales = [t.seed for t in textures], _scales(textures)
        first, second = (square_wave(along(size_wh, seeds, turn) * scales) for turn in (0, np.pi / 2))
        return np.asarray(np.abs(first - second), np.float32)


class Marble(Texture):
    """Veins: a sine of a coordinate that noise has disturbed."""

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        seeds = [t.seed for t in textures]
        bent = along(size_wh, seeds) * _scales(textures) + 2.5 * noise(size_wh, [t.scale for t in textures], seeds)
        return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * bent), np.float32)


class Wood(Texture):
    """Rings around a distant axis, with fine grain."""

    @classmethod
    def patterns(cls, textures: Sequence[Self], size_wh: Size) -> Fields:
        return np.stack([texture._rings(size_wh) for texture in textures])

    def _rings(self, size_wh: Size) -> Fields:
        rng = stream(self.seed, 0, "texture.wood")
        x, y = axes(size_wh)
        away = rng.uniform(0.6, 2.0, 2).tolist()  # plain floats leave the arrays in 32 bits
        ring = np.hypot(x + away[0], 0.25 * (y + away[1])) * self.scale * 2
        ring = ring + 0.6 * noise(size_wh, [3], [self.seed])[0]
        grain = noise((size_wh[0], max(2, size_wh[1] // 16)), [40], [self.seed + 1])[0]
        grain = np.asarray(cv2.resize(grain, size_wh, interpolation=cv2.INTER_LINEAR), np.float32)
        return np.asarray(np.clip(0.8 * (ring % 1.0) + 0.2 * grain, 0, 1), np.float32)


class Speckle(Texture):
    """A plain ground with dots of the other colours."""

    @classmethod
    def draw_all(cls, textures: Sequence[Self], size_wh: Size, root: Path) -> Images:
        images = filled(size_wh, [texture.colors[0] for texture in textures])
        for image, texture in zip(images, textures, strict=True):
            texture._dot(image, stream(texture.seed, 0, "texture.speckle"))
        return images

    def _dot(self, image: Image, rng: Generator) -> None:
        size_wh = (image.shape[1], image.shape[0])
        dots = self.colors[1:] or self.colors
        count = int(6 * self.scale**2)
        places = rng.uniform(0, 1, (count, 2)) * size_wh
        radii = rng.uniform(0.05, 0.25, count) * max(size_wh) / self.scale
        for (x, y), radius, which in zip(places, radii, rng.integers(len(dots), size=count), strict=True):
            center = (int(x * 16), int(y * 16))
            cv2.circle(image, center, max(8, int(radius * 16)), dots[which], -1, cv2.LINE_AA, 4)


class Dust(Texture):
    """Faint clouds of the first two colours with `scale` specks, darker or brighter, a few pixels wide."""

    @classmethod
    def draw_all(cls, textures: Sequence[Self], size_wh: Size, root: Path) -> Images:
        clouds = stretched(noise(size_wh, [6.0] * len(textures), [texture.seed for texture in textures]))
        images = ramps(clouds, [texture.colors[:2] for texture in textures])
        for image, texture in zip(images, textures, strict=True):
            texture._strew(image, stream(texture.seed, 0, "texture.dust"))
        return images

    def _strew(self, image: Image, rng: Generator) -> None:
        size_wh = (image.shape[1], image.shape[0])
        for _ in range(round(self.scale)):
            center = tuple(int(v) for v in rng.uniform(0, 16, 2) * size_wh)
            radius = int(16 * rng.uniform(0.3, 1.2))
            ground = image[min(center[1] // 16, size_wh[1] - 1), min(center[0] // 16, size_wh[0] - 1)]
            color = [int(v) for v in np.clip(ground * rng.choice([0.3, 0.6, 1.3]), 0, 255)]
            cv2.circle(image, (center[0], center[1]), radius, color, -1, cv2.LINE_AA, 4)


def _scales(textures: Sequence[Texture]) -> Fields:
    return np.array([texture.scale for texture in textures], np.float32)[:, None, None]
