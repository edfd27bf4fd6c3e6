"""Observation modes: pictures of the cameras, and vectors that an environment knows of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simgen.errors import ConfigError, did_you_mean
from simgen.render import Frame

Observation: TypeAlias = dict[str, NDArray[Any]]
DEPTH_RANGE_M = (0.0, 2.55)
"""What a depth of 0 and of 255 stands for: one grey level is a centimetre."""
FARTHEST_M = 100.0


class Observed(Protocol):
    """What an environment gives to its observation modes."""

    def vectors(self) -> Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return the limits, (n,) low and (n,) high, of each vector that it knows of itself."""
        ...

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return one of those vectors now."""
        ...

    def frame(self, camera: str) -> Frame:
        """Return what a camera sees now."""
        ...


@dataclass(frozen=True)
class ImageMode:
    """A picture.

    Attributes:
        channels: of the picture, which is (H, W, channels).
        read: takes it from a frame.
        dtype: of the pixels.
        high: the largest number.
    """

    channels: int
    read: Callable[[Frame], NDArray[Any]]
    dtype: type[Any] = np.uint8
    high: float = 255


def depth_levels(frame: Frame) -> NDArray[np.uint8]:
    """Return (H, W, 1) depth in levels of `DEPTH_RANGE_M`; 255 where nothing was hit."""
    low, high = DEPTH_RANGE_M
    levels = np.rint((frame.depth_m - np.float32(low)) * np.float32(255 / (high - low)))
    levels = np.where(frame.instances > 0, np.clip(levels, 0, 255), 255)
    return np.asarray(levels[..., None], np.uint8)


def _rgbd(frame: Frame) -> NDArray[np.uint8]:
    return np.concatenate([frame.rgb, depth_levels(frame)], -1)


def _segmentation(frame: Frame) -> NDArray[np.uint8]:
    return np.asarray(np.minimum(frame.instances, 255)[..., None], np.uint8)


def _depth_m(frame: Frame) -> NDArray[np.float32]:
    return np.asarray(np.minimum(frame.depth_m, FARTHEST_M)[..., None], np.float32)


IMAGES: dict[str, ImageMode] = {
    "rgb": ImageMode(3, lambda frame: frame.rgb),
    "rgbd": ImageMode(4, _rgbd),
    "depth": ImageMode(1, depth_levels),
    "depth_m": ImageMode(1, _depth_m, np.float32, FARTHEST_M),
    "segmentation": ImageMode(1, _segmentation),
}


class Observer:
    """Reads what was asked for: one array under "observation", or several under their names.

    Pictures of several cameras are called "<mode>_<camera>".
    """

    def __init__(self, env: Observed, modes: Any, cameras: tuple[str, ...], size_wh: tuple[int, int]) -> None:
        """Check the modes. Raises `ConfigError`."""
        self._env, self._limits = env, dict(env.vectors())
        self._size_wh = size_wh
        names = (modes,) if isinstance(modes, str) else tuple(modes)
        for name in names:
            if name not in (*IMAGES, *self._limits):
                known = (*IMAGES, *self._limits)
                raise ConfigError(f'obs: unknown mode "{name}"{did_you_mean(str(name), known)}')
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"obs: expected each mode once and at least one, got {list(names)}")
        self._parts: list[tuple[str, str, str | None]] = []
        for name in names:
            if name not in IMAGES:
                self._parts.append((name, name, None))
            else:
                many = len(cameras) > 1
                self._parts += [(f"{name}_{camera}" if many else name, name, camera) for camera in cameras]
        if len(self._parts) == 1:
            self._parts = [("observation", *self._parts[0][1:])]

    def boxes(self) -> dict[str, spaces.Box]:
        """Return the space of each array."""
        return {key: self._space(mode) for key, mode, _ in self._parts}

    def _space(self, mode: str) -> spaces.Box:
        if mode in IMAGES:
            image, (width, height) = IMAGES[mode], self._size_wh
            return spaces.Box(0, image.high, (height, width, image.channels), image.dtype)
        low, high = self._limits[mode]
        return spaces.Box(low, high, dtype=np.float32)

    def read(self) -> Observation:
        """Return the arrays now, each with memory of its own."""
        frames: dict[str, Frame] = {}
        found: Observation = {}
        for key, mode, camera in self._parts:
            if camera is None:
                low, high = self._limits[mode]
                found[key] = np.minimum(np.maximum(self._env.vector(mode), low), high)
                continue
            if camera not in frames:
                frames[camera] = self._env.frame(camera)
            found[key] = np.array(IMAGES[mode].read(frames[camera]))
        return found
