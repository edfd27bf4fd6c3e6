"""Randomizers that give the movable objects of a scene their places and velocities."""

import dataclasses
from typing import Annotated

import numpy as np
from numpy.random import Generator
from pydantic.dataclasses import dataclass

from simgen.randomize.base import SECTION, vec3
from simgen.randomize.distributions import Constant, Number, Uniform
from simgen.randomize.quantities import Extent, Share, Shift, Turn, Within
from simgen.scene import ObjectSpec, SceneSpec, objects_of

REACH_M = 0.03
"""Spacing that keeps bodies apart before they fall; larger bodies start higher."""


@dataclass(frozen=True, config=SECTION)
class Drop:
    """Lets every body with a mass fall from a random place with a random turn and spin.

    Attributes:
        spread_m: standard deviation of the places around the centre.
        limit_m: no place lies farther from the origin than this, along x or y.
        center_m: of the places, along x and y each.
        height_m: where the lowest layer starts.
    """

    spread_m: Extent = Uniform(0.03, 0.12)
    limit_m: Extent = Constant(0.2)
    center_m: Shift = Uniform(-0.05, 0.05)
    height_m: Extent = Uniform(0.02, 0.06)
    speed_m_s: Annotated[Number, Within(0, 100)] = Uniform(0, 0.3)
    spin_rad_s: Annotated[Number, Within(0, 1000)] = Uniform(0, 25)
    friction: Annotated[Number, Within(0, 10)] = Uniform(0.3, 0.8)
    restitution: Share = Uniform(0, 0.3)

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        spread, limit, height = (d.sample(rng) for d in (self.spread_m, self.limit_m, self.height_m))
        center = np.array([self.center_m.sample(rng), self.center_m.sample(rng)])
        taken: list[tuple[float, float, int]] = []
        placed = []
        for body in scene.objects:
            if body.mass_kg <= 0:
                placed.append(body)
                continue
            x, y = np.clip(center + rng.normal(0, spread, 2), -limit, limit)
            level = 1 + max((n for a, b, n in taken if np.hypot(a - x, b - y) < REACH_M), default=-1)
            taken.append((float(x), float(y), level))
            placed.append(self._thrown(body, (float(x), float(y), height + level * REACH_M), rng))
        return dataclasses.replace(scene, objects=tuple(placed))

    def _thrown(self, body: ObjectSpec, place: tuple[float, float, float], rng: Generator) -> ObjectSpec:
        turn = rng.normal(size=4)
        x, y, z, w = (round(float(v), 6) for v in turn / np.linalg.norm(turn))
        direction, axis = rng.normal(size=3) * (1, 1, 0.3), rng.normal(size=3)
        speed, spin = self.speed_m_s.sample(rng), self.spin_rad_s.sample(rng)
        return dataclasses.replace(
            body,
            position_m=vec3(place),
            quat_xyzw=(x, y, z, w),
            linear_velocity_m_s=vec3(direction / np.linalg.norm(direction) * speed),
            angular_velocity_rad_s=vec3(axis / np.linalg.norm(axis) * spin),
            friction=round(self.friction.sample(rng), 4),
            restitution=round(self.restitution.sample(rng), 4),
        )


@dataclass(frozen=True, config=SECTION)
class Grid:
    """Lays the labelled objects flat in a square grid around the origin, each with its own jitter; nothing falls.

    Attributes:
        pitch_m: distance of neighbours.
        jitter_m: largest shift along x and y.
        yaw_rad: turn about the vertical.
        lift_m: height of the objects' centres over the table.
    """

    pitch_m: Extent = Constant(0.036)
    jitter_m: Shift = Uniform(-0.002, 0.002)
    yaw_rad: Turn = Uniform(-0.1, 0.1)
    lift_m: Shift = Constant(0.002)

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        count = sum(body.labelled for body in scene.objects)
        side = int(np.ceil(np.sqrt(max(count, 1))))
        cells = np.array([np.arange(count) % side, np.arange(count) // side]) - (side - 1) / 2
        shifts = [self.jitter_m.samples(rng, count), self.jitter_m.samples(rng, count)]
        x, y = self.pitch_m.sample(rng) * cells + shifts
        turns, lifts = np.array(self.yaw_rad.samples(rng, count)) / 2, self.lift_m.samples(rng, count)
        places = np.stack([x, -y, lifts], 1).round(6).tolist()
        quats = np.stack([0 * turns, 0 * turns, np.sin(turns), np.cos(turns)], 1).round(6).tolist()
        spots = zip(places, quats, strict=True)
        rows = [{**vars(body), **(_spot(*next(spots)) if body.labelled else {})} for body in scene.objects]
        return dataclasses.replace(scene, objects=tuple(objects_of(rows)))


def _spot(position_m: list[float], quat_xyzw: list[float]) -> dict[str, list[float]]:
    return {"position_m": position_m, "quat_xyzw": quat_xyzw}
