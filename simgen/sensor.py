"""What the camera does to a rendered frame: exposure, white balance, lost resolution, blur, vignette, noise, JPEG.

No step moves a pixel, so labels stay as they are.
"""

from dataclasses import replace
from functools import cache, lru_cache
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.render import Frame
from simgen.rng import stream
from simgen.scene import SensorSpec


def expose(frame: Frame, sensor: SensorSpec) -> Frame:
    """Return the frame as the sensor sees it; ids and depth are unchanged."""
    image = _tone(frame.rgb, sensor)
    image = _soften(image, sensor)
    if sensor.vignette:
        height, width = image.shape[:2]
        image = np.multiply(image, 1 - np.float32(sensor.vignette) * _falloff(height, width), out=image)
    noise = _noise(image.shape, sensor.seed) if sensor.noise else image
    rgb = cv2.addWeighted(image, 1, noise, sensor.noise, 0, dtype=cv2.CV_8U)  # rounds, and keeps to 0 to 255
    return replace(frame, rgb=_compress(np.asarray(rgb, np.uint8), sensor.jpeg_quality))


_GREYS = np.arange(256, dtype=np.float32)[:, None] / 255


@cache
def _quantiles() -> NDArray[np.float32]:
    """Return the normal distribution's quantiles at the middles of 256 equal shares, with a variance of 1."""
    normal = NormalDist()
    upper = np.array([normal.inv_cdf((k + 0.5) / 256) for k in range(128, 256)])
    values = np.concatenate([-upper[::-1], upper])
    table: NDArray[np.float32] = (values / values.std()).astype(np.float32)
    table.flags.writeable = False
    return table


def _noise(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Return normal noise that ends at +-2.9: a random byte a number, looked up, a tenth of a sampler's time."""
    count = int(np.prod(shape))
    bits = stream(seed, 0, "noise").bit_generator.random_raw(-(-count // 8))
    return np.asarray(cv2.LUT(bits.astype("<u8", copy=False).view(np.uint8)[:count].reshape(shape), _quantiles()))


def _tone(rgb: NDArray[np.uint8], sensor: SensorSpec) -> NDArray[np.float32]:
    # One table for all three is twice as fast.
    factors = sensor.white_balance[:1] if len(set(sensor.white_balance)) == 1 else sensor.white_balance
    exposed = _GREYS**sensor.gamma * sensor.exposure
    table = 255 * np.minimum(exposed * np.array(factors, np.float32), 1)
    return np.asarray(cv2.LUT(rgb, table[None]), np.float32)


def _soften(image: NDArray[np.float32], sensor: SensorSpec) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    if sensor.resolution < 1:
        small = (max(1, round(width * sensor.resolution)), max(1, round(height * sensor.resolution)))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.float32)
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if sensor.blur_px > 0.05:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sensor.blur_px), np.float32)
    return image


@lru_cache(maxsize=4)
def _falloff(height: int, width: int) -> NDArray[np.float32]:
    """Return half of each place's squared distance from the middle (H, W, 3), where the edges are 1 from it."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in (height, width))
    falloff: NDArray[np.float32] = np.repeat((x[None] ** 2 + y[:, None] ** 2)[..., None] / 2, 3, -1)
    falloff.flags.writeable = False
    return falloff


def _compress(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    if quality >= 100:
        return rgb
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
