"""What the camera does to a rendered frame: exposure, white balance, lost resolution, blur, vignette, noise, JPEG.

No step moves a pixel, so labels stay as they are.
"""

from dataclasses import replace

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
        image *= _falloff(image.shape[:2], sensor.vignette)[..., None]
    if sensor.noise:
        shape = image.shape
        image += np.float32(sensor.noise) * stream(sensor.seed, 0, "noise").standard_normal(shape, np.float32)
    rgb = cv2.convertScaleAbs(np.maximum(image, 0))
    return replace(frame, rgb=_compress(np.asarray(rgb, np.uint8), sensor.jpeg_quality))


def _tone(rgb: NDArray[np.uint8], sensor: SensorSpec) -> NDArray[np.float32]:
    grey = np.arange(256, dtype=np.float32) / 255
    table = [255 * np.clip(grey**sensor.gamma * sensor.exposure * w, 0, 1) for w in sensor.white_balance]
    curves = np.stack(table, -1).astype(np.float32)
    return np.stack([curves[:, c][rgb[..., c]] for c in range(3)], -1)


def _soften(image: NDArray[np.float32], sensor: SensorSpec) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    if sensor.resolution < 1:
        small = (max(1, round(width * sensor.resolution)), max(1, round(height * sensor.resolution)))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.float32)
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if sensor.blur_px > 0.05:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sensor.blur_px), np.float32)
    return image


def _falloff(shape: tuple[int, ...], strength: float) -> NDArray[np.float32]:
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape[:2])
    return np.asarray(1 - strength * (x[None] ** 2 + y[:, None] ** 2) / 2, np.float32)


def _compress(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    if quality >= 100:
        return rgb
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
