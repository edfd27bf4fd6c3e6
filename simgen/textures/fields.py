"""Numbers over pictures that patterns are made of: (n, H, W) float32, a field for each of n seeds."""

from collections.abc import Sequence

import cv2
import numpy as np

from simgen.rng import stream, uniforms
from simgen.textures.base import Fields, Size

_SPREAD = 0.25 * 12**0.5
"""Width of the first octave's numbers: their standard deviation is 1/4."""


def axes(size_wh: Size) -> tuple[Fields, Fields]:
    """Return x (1, W) and y (H, 1) of the pixels, over the longer side."""
    longest = max(size_wh)
    x = np.asarray(np.arange(size_wh[0]) / longest, np.float32)
    y = np.asarray(np.arange(size_wh[1]) / longest, np.float32)
    return x[None], y[:, None]


def along(size_wh: Size, seeds: Sequence[int], turn: float = 0.0) -> Fields:
    """Return the pixels' places along a random direction, turned by `turn` radians, over the longer side."""
    angles = 2 * np.pi * uniforms(seeds, 1)[:, :, None] + turn
    x, y = axes(size_wh)
    return np.asarray(np.cos(angles).astype(np.float32) * x + np.sin(angles).astype(np.float32) * y, np.float32)


def noise(size_wh: Size, scales: Sequence[float], seeds: Sequence[int], octaves: int = 4) -> Fields:
    """Return value noise around 0 with `scales` features across."""
    total, layer = np.zeros((len(seeds), *size_wh[::-1]), np.float32), np.empty(size_wh[::-1], np.float32)
    longest = max(size_wh)
    for field, scale, seed in zip(total, scales, seeds, strict=True):
        shapes = [
            [max(2, min(s, round(scale * 2**octave * s / longest) + 1)) for s in reversed(size_wh)]
            for octave in range(octaves)
        ]
        numbers = stream(seed, 0, "texture.noise").random(sum(tall * wide for tall, wide in shapes), np.float32)
        numbers -= np.float32(0.5)
        for octave, (tall, wide) in enumerate(shapes):
            lattice, numbers = numbers[: tall * wide].reshape(tall, wide), numbers[tall * wide :]
            lattice *= np.float32(0.5**octave * _SPREAD)
            field += cv2.resize(lattice, size_wh, dst=layer, interpolation=cv2.INTER_CUBIC)
    return total


def stretched(fields: Fields) -> Fields:
    """Return each field from 0 at its lowest to 1 at its highest."""
    low, high = fields.min((1, 2), keepdims=True), fields.max((1, 2), keepdims=True)
    result = np.subtract(fields, low)
    result *= 1 / np.maximum(high - low, np.float32(1e-6))
    return np.asarray(np.minimum(result, 1, out=result), np.float32)


def square_wave(fields: Fields) -> Fields:
    """Return a soft-edged wave between 0 and 1 of period 1."""
    return np.asarray(np.clip(0.5 + 4 * np.sin(2 * np.pi * fields), 0, 1), np.float32)
