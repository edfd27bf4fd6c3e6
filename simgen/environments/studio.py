"""Indoor light: soft boxes (or windows) in a room whose floor reflects them."""

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.environments.base import Environment, Map, Reflectance, above_floor, direction, directions
from simgen.scene import STRICT

Angle = Annotated[float, Field(gt=0, le=2.8)]


@dataclass(frozen=True, config=STRICT)
class Uniform(Environment):
    """The same light from everywhere.

    Attributes:
        color: linear rgb.
    """

    color: Reflectance = (1.0, 1.0, 1.0)

    def radiance(self, root: Path) -> Map:
        """Return `color` everywhere (H, 2H, 3)."""
        return np.broadcast_to(np.array(self.color, np.float32), (self.height_px, 2 * self.height_px, 3)).copy()


@dataclass(frozen=True, config=STRICT)
class SoftBox:
    """A luminous rectangle that faces the scene.

    Attributes:
        elevation_rad: of its middle over the horizon.
        azimuth_rad: of its middle, from the world's +x towards +y.
        size_rad: width and height as seen from the scene.
        color: linear rgb.
        brightness: over that of the room's walls.
    """

    elevation_rad: Annotated[float, Field(ge=-np.pi / 2, le=np.pi / 2)] = 1.0
    azimuth_rad: float = 0.0
    size_rad: tuple[Angle, Angle] = (0.8, 0.6)
    color: Reflectance = (1.0, 1.0, 1.0)
    brightness: Annotated[float, Field(ge=0, le=1e6)] = 20.0

    def coverage(self, height: int, softness: float) -> NDArray[np.float64]:
        """Return the share (H/2, 2H) of each pixel over the horizon that it fills.

        It fades over `softness` of its half size.
        """
        normal = direction(self.elevation_rad, self.azimuth_rad)
        right = np.array([-np.sin(self.azimuth_rad), np.cos(self.azimuth_rad), 0.0])
        ray = directions(height)[: height // 2]
        ahead = ray @ normal
        inside = np.ones_like(ahead)
        for axis, size in zip((right, np.cross(normal, right)), self.size_rad, strict=True):
            half = np.tan(size / 2)
            place = np.abs(ray @ axis) / np.maximum(ahead, 1e-6)
            edge = max(softness * half, 2 * np.pi / height)  # at least two pixels, against stairs
            inside *= np.clip((half - place) / edge + 0.5, 0, 1)
        return np.where(ahead > 1e-3, inside, 0.0)


@dataclass(frozen=True, config=STRICT)
class Studio(Environment):
    """A room with soft boxes; its floor gives back what falls on it, and hides what is below the horizon.

    Attributes:
        boxes: the lights.
        room: linear rgb of the walls, the unit of the boxes' brightness.
        ceiling: brightness at the zenith over that of the walls.
        floor: reflectance of the floor.
        softness: share of a box's half size over which its edge fades.
    """

    boxes: tuple[SoftBox, ...] = (SoftBox(),)
    room: Reflectance = (1.0, 1.0, 1.0)
    ceiling: Annotated[float, Field(ge=0, le=100)] = 1.0
    floor: Reflectance = (0.4, 0.4, 0.4)
    softness: Annotated[float, Field(ge=0, le=1)] = 0.2

    def radiance(self, root: Path) -> Map:
        """Return the map (H, 2H, 3); walls of white have radiance 1."""
        above = directions(self.height_px)[: self.height_px // 2, :, 2:]
        light = np.array(self.room) * (1 + (self.ceiling - 1) * above)
        for box in self.boxes:
            share = box.coverage(self.height_px, self.softness)[..., None]
            light += share * (box.brightness * np.array(box.color) - light)
        return above_floor(light, self.floor)
