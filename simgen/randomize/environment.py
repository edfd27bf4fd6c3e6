"""Light from all around: which kind, and the ranges of each kind's numbers."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.random import Generator
from pydantic import Field, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from simgen.environments import temperature_rgb
from simgen.environments.image import check_panorama
from simgen.errors import AssetError
from simgen.randomize.base import SECTION, Color, linear, section_of, vec3
from simgen.randomize.distributions import UPRIGHT_RAD, Constant, Dome, LogUniform, Number, Uniform
from simgen.randomize.quantities import Amount, Height, Kelvin, Ratio, Share, Turn, Within
from simgen.scene import EnvironmentSpec, Plain, SceneSpec, Vec3

Weight = Annotated[float, Field(ge=0)]


class EnvironmentRange:
    """A random environment of one kind. A subclass gives `sample`, and a field `weight`: how often it is drawn."""

    weight: float

    def sample(self, rng: Generator) -> Plain:
        """Return a section of `simgen.environments.ENVIRONMENTS`."""
        raise TypeError(f"{type(self).__name__} cannot be sampled")


@dataclass(frozen=True, config=SECTION)
class UniformRange(EnvironmentRange):
    """The same light from everywhere."""

    weight: Weight = 1.0
    color: Color = Color(saturation=Uniform(0, 0.15), value=Constant(1))

    def sample(self, rng: Generator) -> Plain:
        return {"kind": "uniform", "color": linear(self.color, rng)}


@dataclass(frozen=True, config=SECTION)
class SkyRange(EnvironmentRange):
    """Daylight; see `simgen.environments.sky.Sky`. The environment's yaw turns the sun, too."""

    weight: Weight = 1.0
    sun_elevation_rad: Annotated[Number, Within(0, UPRIGHT_RAD)] = Dome(0.1, 1.4)
    turbidity: Annotated[Number, Within(2, 10)] = Uniform(2, 8)
    overcast: Share = Uniform(0, 1)
    sun_share: Annotated[Number, Within(0, 0.99)] = Constant(0)
    ground: Share = Uniform(0.1, 0.4)

    def sample(self, rng: Generator) -> Plain:
        ground = round(float(np.clip(self.ground.sample(rng), 0, 1)), 4)
        return {
            "kind": "sky",
            "sun_elevation_rad": round(float(np.clip(self.sun_elevation_rad.sample(rng), 0, np.pi / 2)), 4),
            "turbidity": round(float(np.clip(self.turbidity.sample(rng), 2, 10)), 3),
            "overcast": round(float(np.clip(self.overcast.sample(rng), 0, 1)), 4),
            "sun_share": round(float(np.clip(self.sun_share.sample(rng), 0, 0.99)), 4),
            "ground": (ground, ground, ground),
        }


@dataclass(frozen=True, config=SECTION)
class StudioRange(EnvironmentRange):
    """A room with soft boxes or windows; see `simgen.environments.studio`.

    Attributes:
        boxes: how many.
        width_rad: of a box as seen from the scene.
        aspect: its height over its width.
        brightness: of a box over the walls.
        temperature_k: colour of a box.
        room: colour of the walls.
    """

    weight: Weight = 1.0
    boxes: Annotated[Number, Within(0, 50, whole=True)] = Uniform(1, 4)
    elevation_rad: Height = Dome(0.1, np.pi / 2)
    azimuth_rad: Turn = Uniform(-np.pi, np.pi)
    width_rad: Annotated[Number, Within(0.01, 2.8)] = Uniform(0.2, 1.4)
    aspect: Ratio = Uniform(0.3, 1.5)
    brightness: Annotated[Number, Within(0, 1e6)] = LogUniform(3, 60)
    temperature_k: Kelvin = Uniform(3000, 8000)
    room: Color = Color(saturation=Uniform(0, 0.15), value=Constant(1))
    ceiling: Annotated[Number, Within(0, 100)] = Uniform(0.5, 2.5)
    floor: Share = Uniform(0.1, 0.6)
    softness: Share = Uniform(0, 0.6)

    def sample(self, rng: Generator) -> Plain:
        floor = round(float(np.clip(self.floor.sample(rng), 0, 1)), 4)
        return {
            "kind": "studio",
            "boxes": tuple(self._box(rng) for _ in range(self.boxes.sample_int(rng))),
            "room": linear(self.room, rng),
            "ceiling": round(float(np.clip(self.ceiling.sample(rng), 0, 100)), 4),
            "floor": (floor, floor, floor),
            "softness": round(float(np.clip(self.softness.sample(rng), 0, 1)), 4),
        }

    def _box(self, rng: Generator) -> Plain:
        width = self.width_rad.sample(rng)
        size = np.clip([width, width * self.aspect.sample(rng)], 0.01, 2.8)
        return {
            "elevation_rad": round(float(np.clip(self.elevation_rad.sample(rng), -np.pi / 2, np.pi / 2)), 4),
            "azimuth_rad": round(self.azimuth_rad.sample(rng), 4),
            "size_rad": (round(float(size[0]), 4), round(float(size[1]), 4)),
            "color": _light_color(self.temperature_k.sample(rng)),
            "brightness": round(max(self.brightness.sample(rng), 0.0), 4),
        }


@dataclass(frozen=True, config=SECTION)
class ImageRange(EnvironmentRange):
    """Panorama files.

    Attributes:
        paths: relative to the configuration's folder; each is drawn equally often.
        height_px: the maps' height.
    """

    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    weight: Weight = 1.0
    height_px: Annotated[int, Field(ge=8, le=2048, multiple_of=2)] = 128

    @field_validator("paths")
    @classmethod
    def _readable(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.context is None:
            return names
        try:
            for name in names:
                check_panorama(Path(info.context) / name)
        except AssetError as error:
            raise ValueError(str(error)) from None
        return names

    def sample(self, rng: Generator) -> Plain:
        return {"kind": "image", "path": str(rng.choice(list(self.paths))), "height_px": self.height_px}


ENVIRONMENT_RANGES: dict[str, type[Any]] = {
    "uniform": UniformRange,
    "sky": SkyRange,
    "studio": StudioRange,
    "image": ImageRange,
}
AnyRange = Annotated[EnvironmentRange, section_of(ENVIRONMENT_RANGES)]


@dataclass(frozen=True, config=SECTION)
class EnvironmentLight:
    """Light from all around; the simple renderers do not see it.

    Attributes:
        kinds: what it may be, each a section with its kind, its weight and its ranges.
        intensity: lux on an open horizontal surface; null keeps the values of panorama files.
        yaw_rad: turn about the vertical.
    """

    kinds: Annotated[tuple[AnyRange, ...], Field(min_length=1)] = (StudioRange(),)
    intensity: Amount | None = LogUniform(150, 1500)
    yaw_rad: Turn = Uniform(-np.pi, np.pi)

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        weights = np.array([kind.weight for kind in self.kinds])
        shares = weights / weights.sum() if weights.sum() > 0 else None
        section = self.kinds[int(rng.choice(len(self.kinds), p=shares))].sample(rng)
        lux = None if self.intensity is None else round(max(self.intensity.sample(rng), 0.0), 3)
        spec = EnvironmentSpec(section, lux, round(self.yaw_rad.sample(rng), 5))
        return dataclasses.replace(scene, environment=spec)


def _light_color(temperature_k: float) -> Vec3:
    """Return the colour of a black body with its brightest channel at 1."""
    rgb = temperature_rgb(temperature_k)
    return vec3(rgb / rgb.max(), 4)
