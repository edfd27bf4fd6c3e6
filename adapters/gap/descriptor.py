"""A fixed description of a picture that needs no model and no download: colours, edge directions, frequency bands."""

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.cutting import resize

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
SIDE_PX = 128
_CELLS = 2
_DIRECTIONS = 8
_BINS = 8
_BANDS = 8
LENGTH = 3 * _BINS + _CELLS**2 * _DIRECTIONS + _BANDS


def describe(rgb: Image) -> Array:
    """Return the (`LENGTH`,) description of a picture (H, W, 3) uint8, resized to `SIDE_PX` pixels square.

    - 3 x 8 shares of the L*, a* and b* values;
    - 2 x 2 cells x 8 edge directions, weighted by the gradient, as shares of the picture's gradient
      (Dalal and Triggs 2005, "Histograms of oriented gradients", without the blocks);
    - log10 of the power in 8 bands of spatial frequency, 1 to 64 cycles a picture, each 3/4 of an octave wide.

    The square roots of the shares are taken, so that Euclidean distances of rows are Hellinger distances.
    """
    small = resize(rgb, (SIDE_PX, SIDE_PX))
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), float)
    return np.concatenate([np.sqrt(_colours(lab)), np.sqrt(_directions(lab[..., 0])), _bands(lab[..., 0])])


def _colours(lab: Array) -> Array:
    ranges = ((0, 100), (-60, 60), (-60, 60))
    counts = [
        np.histogram(np.clip(lab[..., channel], low, high), _BINS, (low, high))[0]
        for channel, (low, high) in enumerate(ranges)
    ]
    return np.concatenate(counts) / lab[..., 0].size


def _directions(lightness: Array) -> Array:
    across, down = (cv2.Sobel(lightness, cv2.CV_64F, *order) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down)
    direction = (np.arctan2(down, across) % np.pi / np.pi * _DIRECTIONS).astype(int) % _DIRECTIONS
    cell = np.arange(SIDE_PX) * _CELLS // SIDE_PX
    place = (cell[:, None] * _CELLS + cell[None]) * _DIRECTIONS + direction
    sums = np.bincount(place.ravel(), strength.ravel(), _CELLS**2 * _DIRECTIONS)
    return np.asarray(sums / max(float(sums.sum()), 1e-9), float)


def _bands(lightness: Array) -> Array:
    window = np.hanning(SIDE_PX)
    power = np.abs(np.fft.fft2((lightness - lightness.mean()) * window[:, None] * window[None])) ** 2
    cycles = np.fft.fftfreq(SIDE_PX, 1 / SIDE_PX)
    radius = np.hypot(cycles[:, None], cycles[None])
    edges = np.geomspace(1, SIDE_PX / 2, _BANDS + 1)
    band = np.digitize(radius, edges) - 1
    inside = (band >= 0) & (band < _BANDS)
    sums = np.bincount(band[inside], power[inside], _BANDS)
    return np.asarray(np.log10(sums / SIDE_PX**2 + 1e-3), float)
