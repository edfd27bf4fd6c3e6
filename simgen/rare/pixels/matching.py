"""How sharp, how noisy and how bright a picture is, and a crop made to match it."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.rare.looks import LUMA, luma

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
_PROBE_PX = 1.0
_EDGES = 0.02
_FEWEST = 20
_MOST_GAIN = 2.0


def softened(image: Floats, sigma_px: float) -> Floats:
    """Return an image under a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def blur_px(light: Floats, where: Mask) -> float:
    """Return the standard deviation of the blur of a picture's edges in pixels, 0 where it shows none.

    A step blurred by s and again by s0 loses gradient by R = sqrt(1 + s0^2 / s^2), so s = s0 / sqrt(R^2 - 1): Zhuo and
    Sim 2011, "Defocus map estimation from a single image", equation 6. The median over the strongest gradients.

    Args:
        light: (H, W) luma, 0 to 255.
        where: (H, W) the pixels whose edges count.
    """
    slope, softer = _slope(light), _slope(softened(light, _PROBE_PX))
    places = where & (slope > 8)
    if places.sum() < _FEWEST:
        return 0.0
    places &= slope >= np.quantile(slope[places], 1 - max(_EDGES, _FEWEST / places.sum()))
    ratio = float(np.median(slope[places] / np.maximum(softer[places], 1e-3)))
    return float(np.clip(_PROBE_PX / np.sqrt(max(ratio**2 - 1, 1e-2)), 0, 4))


def noise_of(light: Floats, where: Mask) -> float:
    """Return the standard deviation of a picture's noise in grey levels.

    Immerkaer 1996, "Fast Noise Variance Estimation"; here by the median of the absolute response, which edges do not
    disturb.

    Args:
        light: (H, W) luma, 0 to 255.
        where: (H, W) the pixels to judge by.
    """
    if where.sum() < _FEWEST:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(light, cv2.CV_32F, kernel))[where]
    return float(np.median(response) / 0.6745 / 6)


def matched_blur(patch: Floats, wanted_px: float) -> Floats:
    """Return a premultiplied patch (h, w, 4), 0 to 1, blurred until its edges are as soft as wanted.

    A patch that is softer already stays as it is: sharpening would invent detail.
    """
    inside = patch[..., 3] > 0.99
    own = blur_px(255 * luma(patch[..., :3]), cv2.erode(inside.astype(np.uint8), np.ones((3, 3))).astype(bool))
    more = np.sqrt(max(wanted_px**2 - own**2, 0.0))
    return softened(patch, float(more)) if more > 0.2 else patch


def gain_of(wanted_light: float, own_light: float, strength: float) -> float:
    """Return the factor that takes colours from one light level to another, at most 2 either way."""
    ratio = max(wanted_light, 1e-3) / max(own_light, 1e-3)
    return float(np.clip(ratio, 1 / _MOST_GAIN, _MOST_GAIN) ** strength)


def grain(shape: tuple[int, int], wanted: float, rng: Generator) -> Floats:
    """Return (h, w, 3) noise of a picture, in parts of 1, for noise of `wanted` grey levels in its luma."""
    spread = wanted / 255 / float(np.sqrt((LUMA**2).sum()))
    return np.asarray(rng.standard_normal((*shape, 3)) * spread, np.float32)


def _slope(light: Floats) -> Floats:
    dx, dy = (cv2.Sobel(light, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(dx, dy), np.float32)
