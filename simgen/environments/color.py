"""Colours of light: the black body, and sRGB."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
RGB_FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""Linear rgb with Rec. 709 primaries from CIE XYZ (IEC 61966-2-1)."""
WHITE_K = 6500.0


def luminance(rgb: ArrayLike) -> Array:
    """Return the luminance (...) of linear rgb (..., 3) with Rec. 709 primaries."""
    return np.asarray(np.asarray(rgb, float) @ (0.2126, 0.7152, 0.0722))


def linear_from_srgb(values: ArrayLike) -> Array:
    """Return linear shares of sRGB values in [0, 1] (IEC 61966-2-1)."""
    v = np.asarray(values, float)
    return np.asarray(np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4))


def srgb_from_linear(shares: ArrayLike) -> Array:
    """Return sRGB values in [0, 1] of linear shares (IEC 61966-2-1)."""
    v = np.asarray(shares, float)
    return np.asarray(np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055))


def rgb_from_xyy(x: Array, y: Array, light: ArrayLike) -> Array:
    """Return linear rgb (..., 3) of chromaticities and luminances (...).

    Colours outside the gamut are clipped and keep their luminance.
    """
    share = np.stack([x / y, np.ones_like(y), (1 - x - y) / y], -1)
    rgb = np.maximum(share @ RGB_FROM_XYZ.T, 0)
    return np.asarray(rgb * (np.maximum(light, 0) / np.maximum(luminance(rgb), 1e-6))[..., None])


def temperature_rgb(temperature_k: float) -> Array:
    """Return the linear rgb (3,) of a black body, luminance 1, with 6500 K as white (1, 1, 1).

    The chromaticities are the cubic splines of Kim et al. (US patent 7024034, 2006), good from 1,667 to 25,000 K;
    temperatures beyond that count as the nearest of these.
    """
    rgb = _planck(temperature_k) / _planck(WHITE_K)
    return np.asarray(rgb / luminance(rgb))


@lru_cache(maxsize=64)
def _planck(temperature_k: float) -> Array:
    t = float(np.clip(temperature_k, 1667, 25_000))
    inverse = 1000 / t
    powers = np.array([inverse**3, inverse**2, inverse, 1])
    low = (-0.2661239, -0.2343589, 0.8776956, 0.179910)
    high = (-3.0258469, 2.1070379, 0.2226347, 0.240390)
    x = powers @ (low if t < 4000 else high)
    curves = (
        (2222, (-1.1063814, -1.34811020, 2.18555832, -0.20219683)),
        (4000, (-0.9549476, -1.37418593, 2.09137015, -0.16748867)),
        (np.inf, (3.0817580, -5.87338670, 3.75112997, -0.37001483)),
    )
    y = np.array([x**3, x**2, x, 1]) @ next(curve for end, curve in curves if t < end)
    return rgb_from_xyy(np.asarray(x), np.asarray(y), 1.0)
