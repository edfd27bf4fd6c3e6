"""Lamps in physical units, for renderers that know them."""

import dataclasses
from typing import Annotated, Literal

import numpy as np
from numpy.random import Generator
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.environments.base import direction
from simgen.randomize.base import SECTION, Color, linear, vec3
from simgen.randomize.distributions import HALF_TURN_RAD, Constant, Dome, LogUniform, Number, Uniform
from simgen.randomize.quantities import Amount, Count, Height, Kelvin, Length, Ratio, Share, Shift, Turn, Within
from simgen.scene import LampSpec, SceneSpec


@dataclass(frozen=True, config=SECTION)
class LampGroup:
    """Lamps of one kind on a dome around the origin; see `simgen.scene.LampSpec` for what the numbers mean.

    Attributes:
        kind: directional, point, spot, or area.
        count: how many.
        intensity: lux at the origin for "directional", lumens for the others.
        temperature_k: colour of the black body.
        color: a filter on top; at its full value it takes nothing away.
        elevation_rad: where a lamp stands on the dome: its height over the horizon.
        azimuth_rad: where it stands, from the world's +x towards +y.
        distance_m: radius of the dome.
        aim_m: how far the point that it shines at lies from the origin, along x and y each.
        size_m: width of an area, diameter of the others: larger lamps cast softer shadows.
        aspect: height of an area over its width.
        angle_rad: angular diameter of "directional".
        cone_rad: full cone of "spot".
        shadow_probability: of casting a shadow.
    """

    kind: Literal["directional", "point", "spot", "area"] = "area"
    count: Count = Constant(1)
    intensity: Amount = LogUniform(200, 2000)
    temperature_k: Kelvin = Uniform(3000, 7000)
    color: Color = Color(saturation=Constant(0), value=Constant(1))
    elevation_rad: Height = Dome(0.4, np.pi / 2)
    azimuth_rad: Turn = Uniform(-np.pi, np.pi)
    distance_m: Annotated[Number, Within(1e-3, 1000)] = Uniform(0.8, 2.0)
    aim_m: Shift = Uniform(-0.05, 0.05)
    size_m: Length = LogUniform(0.05, 0.8)
    aspect: Ratio = Uniform(0.4, 1.0)
    angle_rad: Annotated[Number, Within(0, 3.1)] = LogUniform(0.01, 0.3)
    cone_rad: Annotated[Number, Within(0.01, 2 * HALF_TURN_RAD)] = Uniform(0.5, 1.2)
    softness: Share = Uniform(0.1, 0.6)
    roll_rad: Turn = Uniform(-np.pi, np.pi)
    shadow_probability: Share = Constant(1)

    def sample(self, rng: Generator) -> list[LampSpec]:
        """Return the lamps of one scene."""
        return [self._lamp(rng) for _ in range(self.count.sample_int(rng))]

    def _lamp(self, rng: Generator) -> LampSpec:
        toward = direction(self.elevation_rad.sample(rng), self.azimuth_rad.sample(rng))
        place = toward * max(self.distance_m.sample(rng), 1e-3)
        aim = np.array([self.aim_m.sample(rng), self.aim_m.sample(rng), 0.0])
        shine = -toward if self.kind == "directional" else (aim - place) / np.linalg.norm(aim - place)
        width = max(self.size_m.sample(rng), 1e-4)
        angle = self.angle_rad if self.kind == "directional" else self.cone_rad
        return LampSpec(
            kind=self.kind,
            intensity=round(max(self.intensity.sample(rng), 0.0), 3),
            temperature_k=round(self.temperature_k.sample(rng), 1),
            color=linear(self.color, rng),
            position_m=vec3(place),
            direction=vec3(shine),
            size_m=(round(width, 5), round(width * max(self.aspect.sample(rng), 1e-3), 5)),
            angle_rad=round(angle.sample(rng), 5),
            softness=round(float(np.clip(self.softness.sample(rng), 0, 1)), 4),
            roll_rad=round(self.roll_rad.sample(rng), 5),
            shadow=bool(rng.uniform() < self.shadow_probability.sample(rng)),
        )


@dataclass(frozen=True, config=SECTION)
class Lamps:
    """Groups of lamps; the simple renderers, which know one light only, do not see them.

    Attributes:
        groups: what there is.
        limit: no scene has more lamps than this.
    """

    groups: Annotated[tuple[LampGroup, ...], Field(min_length=1)] = (LampGroup(),)
    limit: Annotated[int, Field(ge=0, le=16)] = 8

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        lamps = [lamp for group in self.groups for lamp in group.sample(rng)]
        return dataclasses.replace(scene, lamps=(*scene.lamps, *lamps)[: self.limit])


def lux_at_origin(scene: SceneSpec) -> float | None:
    """Return what falls on a horizontal surface at the origin, nothing in the way; None where that is not known.

    Lamps count as points at their places, with their colours' filters left out.
    """
    if scene.environment is None and not scene.lamps:
        return None
    if scene.environment is not None and scene.environment.intensity is None:
        return None
    around = scene.environment.intensity if scene.environment is not None else 0.0
    return (around or 0.0) + sum(_lux_of(lamp) for lamp in scene.lamps)


def _lux_of(lamp: LampSpec) -> float:
    shine = np.array(lamp.direction) / max(float(np.linalg.norm(lamp.direction)), 1e-9)
    if lamp.kind == "directional":
        return lamp.intensity * max(-float(shine[2]), 0.0)
    place = np.array(lamp.position_m)
    away = max(float(np.linalg.norm(place)), 1e-3)
    along = float(-place @ shine) / away
    candela = lamp.intensity / (4 * np.pi)
    if lamp.kind == "area":
        candela = lamp.intensity / np.pi * max(along, 0.0)
    elif lamp.kind == "spot":
        lit = along > np.cos(lamp.angle_rad / 2)
        candela = lamp.intensity / (2 * np.pi * max(1 - np.cos(lamp.angle_rad / 2), 1e-6)) if lit else 0.0
    return float(candela * max(place[2], 0.0) / away**3)
