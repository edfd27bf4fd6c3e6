"""What can be said of a picture and its boxes in one number each. Pure.

Sharpness and noise are taken at the picture's own pixels, because that is where `sensor.blur_px` and `sensor.noise` act
and what a detector sees.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Plane = NDArray[np.float32]
Image = NDArray[np.uint8]
_LEAST = 1e-9
# Immerkaer 1996, equation 1: the difference of two Laplacians, blind to planes. The root of its squares' sum is 6.
_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MASK_NORM = 6.0
_FLAT_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Planes:
    """A picture's planes, computed once for all statistics.

    Attributes:
        luma: (H, W) float32, ITU-R BT.601, 0 to 1.
        a: (H, W) float32, CIE a*: negative is green, positive is red.
        b: (H, W) float32, CIE b*: negative is blue, positive is yellow.
    """

    luma: Plane
    a: Plane
    b: Plane

    @classmethod
    def of(cls, rgb: Image) -> "Planes":
        """Return the planes of (H, W, 3) uint8."""
        unit = rgb.astype(np.float32) / 255
        _, a, b = cv2.split(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB))
        luma = cv2.cvtColor(unit, cv2.COLOR_RGB2GRAY)
        return cls(*(np.asarray(plane, np.float32) for plane in (luma, a, b)))


def brightness(planes: Planes) -> float:
    """Return the mean luma, 0 to 1."""
    return float(planes.luma.mean())


def contrast(planes: Planes) -> float:
    """Return the standard deviation of the luma (Peli 1990, "Contrast in complex images": RMS contrast)."""
    return float(planes.luma.std())


def chroma(planes: Planes) -> float:
    """Return the mean distance from grey in CIE L*a*b*, sqrt(a*^2 + b*^2)."""
    return float(np.hypot(planes.a, planes.b).mean())


def green_red(planes: Planes) -> float:
    """Return the mean a*: negative is green, positive is red."""
    return float(planes.a.mean())


def blue_yellow(planes: Planes) -> float:
    """Return the mean b*: negative is blue, positive is yellow."""
    return float(planes.b.mean())


def sharpness(planes: Planes) -> float:
    """Return log10 of the variance of the Laplacian of the luma in grey levels.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy"; here after a Gaussian of 1 pixel
    (Marr and Hildreth 1980), without which it measures noise more than edges.
    """
    smooth = cv2.GaussianBlur(planes.luma * 255, (0, 0), 1.0)
    laplacian = cv2.Laplacian(smooth, cv2.CV_32F)
    return float(np.log10(max(float(laplacian.var()), _LEAST)))


def noise(planes: Planes) -> float:
    """Return the standard deviation of the luma's noise in grey levels, from the flatter half of the pixels.

        sigma = sqrt(pi / 2) / 6 mean |luma * mask|

    Sources: Immerkaer 1996, "Fast noise variance estimation", equation 2; leaving out edges by their gradient as in Tai
    and Yang 2008, "A fast method for image noise estimation". The mask is even and the gradient odd, so that choosing
    small gradients does not choose small noise.
    """
    grey = planes.luma * 255
    filtered = np.abs(cv2.filter2D(grey, cv2.CV_32F, _NOISE_MASK))[1:-1, 1:-1]
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order)[1:-1, 1:-1] for order in ((1, 0), (0, 1)))
    if not filtered.size:
        return 0.0
    gradient = np.hypot(across, down)
    flat = filtered[gradient <= np.quantile(gradient, _FLAT_SHARE)]
    return float(np.sqrt(np.pi / 2) / _MASK_NORM * flat.mean())


def box_size(boxes_xyxy: Array, size_wh: tuple[int, int]) -> Array:
    """Return the (k,) square roots of the share of the picture that each of (k, 4) boxes covers."""
    return np.asarray(np.sqrt(_sides(boxes_xyxy).prod(axis=1) / np.prod(size_wh)), float)


def box_aspect(boxes_xyxy: Array, _size_wh: tuple[int, int]) -> Array:
    """Return the (k,) ratios of each of (k, 4) boxes' longer side to its shorter one, from 1."""
    sides = np.maximum(_sides(boxes_xyxy), _LEAST)
    return np.asarray(sides.max(axis=1) / sides.min(axis=1), float)


def _sides(boxes_xyxy: Array) -> Array:
    return np.asarray(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], float)


IMAGE_STATISTICS: dict[str, Callable[[Planes], float]] = {
    "brightness": brightness,
    "contrast": contrast,
    "chroma": chroma,
    "green_red": green_red,
    "blue_yellow": blue_yellow,
    "sharpness": sharpness,
    "noise": noise,
}
BOX_STATISTICS: dict[str, Callable[[Array, tuple[int, int]], Array]] = {"box_size": box_size, "box_aspect": box_aspect}
COUNT = "objects"
"""The name of the statistic "objects a picture"."""
