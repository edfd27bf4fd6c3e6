"""Equirectangular maps: which direction a pixel stands for, how much of the sphere it covers, what it gives in lux.

Row 0 looks straight up (+z); columns run over the azimuth from -pi at the left edge to +pi at the right, from the
world's +x towards +y. A map is (H, 2H, 3) float32, linear rgb with Rec. 709 primaries in cd/m^2.
"""

from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.environments.color import luminance
from simgen.scene import STRICT

Map: TypeAlias = NDArray[np.float32]
Array: TypeAlias = NDArray[np.float64]
Reflectance: TypeAlias = tuple[
    Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]
]
MAX_HEIGHT_PX = 2048


@dataclass(frozen=True, config=STRICT)
class Environment:
    """Light from all around. A subclass gives `radiance`.

    Attributes:
        height_px: of the map, an even number; its width is twice that.
    """

    height_px: Annotated[int, Field(ge=8, le=MAX_HEIGHT_PX, multiple_of=2)] = 128

    def radiance(self, root: Path) -> Map:
        """Return the map (H, 2H, 3). `root` is the folder that relative file names start from."""
        raise TypeError(f"{type(self).__name__} gives no light")

    def version(self, root: Path) -> Hashable:
        """Return what else than the fields the map depends on."""
        return None


def angles(height: int) -> tuple[Array, Array]:
    """Return the zenith angles (H, 1) and azimuths (1, 2H) of the pixels' centres, radians."""
    zenith = (np.arange(height) + 0.5) / height * np.pi
    azimuth = ((np.arange(2 * height) + 0.5) / height - 1) * np.pi
    return zenith[:, None], azimuth[None]


@lru_cache(maxsize=4)
def directions(height: int) -> Array:
    """Return the unit vectors (H, 2H, 3), read-only, from the scene towards the pixels' centres."""
    zenith, azimuth = angles(height)
    across = np.sin(zenith)
    rays = np.stack(np.broadcast_arrays(across * np.cos(azimuth), across * np.sin(azimuth), np.cos(zenith)), -1)
    rays.flags.writeable = False
    return rays


def above_floor(sky: Array, floor: ArrayLike) -> Map:
    """Return the map (H, 2H, 3) of an upper half (H/2, 2H, 3) over a floor of one reflectance (3,), which it lights."""
    bounce = np.asarray(floor) * horizontal_lux(np.concatenate([sky, np.zeros_like(sky)])) / np.pi
    return np.concatenate([sky, np.broadcast_to(bounce, sky.shape)]).astype(np.float32)


def direction(elevation_rad: float, azimuth_rad: float) -> Array:
    """Return the unit vector (3,) of a height over the horizon and an azimuth."""
    flat = np.cos(elevation_rad)
    return np.array([flat * np.cos(azimuth_rad), flat * np.sin(azimuth_rad), np.sin(elevation_rad)])


def horizontal_lux(radiance: ArrayLike) -> float:
    """Return the illuminance of a horizontal surface that faces up: the cosine integral over the upper hemisphere.

    The cosine is integrated exactly over each pixel, so a map of radiance 1 everywhere gives pi.
    """
    pixels = np.asarray(radiance)
    half = len(pixels) // 2
    edges = np.arange(half + 1) / half * np.pi / 2
    row_weight = np.diff(np.sin(edges) ** 2) / 2 * np.pi / len(pixels)
    return float(row_weight @ luminance(pixels[:half].sum(1, dtype=float)))


def turned(radiance: Map, yaw_rad: float) -> Map:
    """Return the map turned about the vertical: what was at azimuth a is at a + yaw. Keeps the light's amount."""
    columns = yaw_rad / (2 * np.pi) * radiance.shape[1]
    whole = int(np.floor(columns))
    share = np.float32(columns - whole)
    moved = np.roll(radiance, whole, 1)
    return moved if share < 1e-6 else np.asarray((1 - share) * moved + share * np.roll(moved, 1, 1), np.float32)
