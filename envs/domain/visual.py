"""What is seen, as numbers: the parts of a SceneSpec that vary, to floats and back.

Light and sensor are sampled by the generator's randomizers and written out as numbers. What has no fixed number of
numbers (surfaces, backgrounds, lamps, environments) is one of a pool: its number is a parameter, -1 is the nominal one,
and the member of that number is a pure function of (randomization, number).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from numpy.random import Generator

from simgen.envs.domain.parameters import Parameter, Values
from simgen.envs.domain.randomization import Randomization
from simgen.envs.domain.vocabulary import CAMERA
from simgen.geometry import look_at
from simgen.rng import stream
from simgen.scene import CameraSpec, LightSpec, MaterialSpec, SceneSpec, SensorSpec, Vec3
from simgen.world import World

NOMINAL_DRAW = -1.0
POOLED = ("lamps", "environment", "background")
_TURN = 2 * math.pi
_SURFACE = "material."
_NEAR_VERTICAL = math.sin(math.radians(10))


def light_values(light: LightSpec) -> Values:
    """Return a light's numbers; `light_of` is the way back."""
    x, y, z = light.direction
    return {
        "light.elevation_rad": math.atan2(z, math.hypot(x, y)),
        "light.azimuth_rad": math.atan2(y, x),
        **dict(zip(("light.red", "light.green", "light.blue"), light.color, strict=True)),
        "light.ambient": light.ambient,
        "light.diffuse": light.diffuse,
        "light.specular": light.specular,
        "light.shadow": float(light.shadow),
    }


def light_of(values: Values) -> LightSpec:
    """Return the light of its numbers."""
    up, around = values["light.elevation_rad"], values["light.azimuth_rad"]
    direction = (math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up))
    color = (values["light.red"], values["light.green"], values["light.blue"])
    strengths = (values["light.ambient"], values["light.diffuse"], values["light.specular"])
    return LightSpec(direction, color, *strengths, shadow=values["light.shadow"] >= 0.5)


def sensor_values(sensor: SensorSpec) -> Values:
    """Return a sensor's numbers; `sensor_of` is the way back."""
    numbers = ("exposure", "gamma", "resolution", "blur_px", "noise", "vignette", "jpeg_quality", "seed")
    found = {f"sensor.{name}": float(getattr(sensor, name)) for name in numbers}
    return found | {"sensor.red": sensor.white_balance[0], "sensor.blue": sensor.white_balance[2]}


def sensor_of(values: Values, frame: int) -> SensorSpec:
    """Return the sensor of its numbers; `frame` makes each picture's noise its own."""
    return SensorSpec(
        exposure=values["sensor.exposure"],
        white_balance=(values["sensor.red"], 1.0, values["sensor.blue"]),
        gamma=values["sensor.gamma"],
        resolution=values["sensor.resolution"],
        blur_px=values["sensor.blur_px"],
        noise=values["sensor.noise"],
        vignette=values["sensor.vignette"],
        jpeg_quality=int(values["sensor.jpeg_quality"]),
        seed=(int(values["sensor.seed"]) + 7919 * frame) % 2**31,
    )


def camera_of(camera: CameraSpec, values: Values) -> CameraSpec:
    """Return a camera moved, turned and zoomed as the numbers say; all cameras move alike, in the world's axes."""
    if not _camera_moves(values):
        return camera
    shift, aim = (_vector(values, f"camera.{name}") for name in ("shift", "aim"))
    zoom = values["camera.zoom"]
    eye, target = _sum(camera.eye_m, shift), _sum(camera.target_m, aim)
    return replace(
        camera,
        eye_m=eye,
        target_m=target,
        roll_rad=_kept_roll(camera, eye, target) + values["camera.roll_rad"],
        focal_px=(camera.focal_px[0] * zoom, camera.focal_px[1] * zoom),
    )


def _kept_roll(camera: CameraSpec, eye_m: Vec3, target_m: Vec3) -> float:
    """Return the roll of a moved camera: its own, but near the vertical the one that turns its picture least.

    `look_at` keeps the picture's x axis horizontal, and there the least move would turn it by any angle.
    """
    before = _looking(camera.eye_m, camera.target_m, camera.roll_rad)
    if math.hypot(before[2, 0], before[2, 1]) > _NEAR_VERTICAL or eye_m == target_m:
        return camera.roll_rad
    level, (right, _, forward) = look_at(eye_m, target_m)[:3, :3], before[:3, :3]
    # The smallest rotation that takes one line of sight to the other (Rodrigues), of the x axis.
    right = right - (right @ level[2]) / (1 + forward @ level[2]) * (forward + level[2])
    return math.atan2(right @ level[1], right @ level[0])


_looking = lru_cache(maxsize=64)(look_at)
"""Of cameras where they stand in every episode."""


def _camera_moves(values: Values) -> bool:
    return any(values[f"camera.{name}"] != (1.0 if name == "zoom" else 0.0) for name in CAMERA)


def _vector(values: Values, name: str) -> Vec3:
    return values[f"{name}_x_m"], values[f"{name}_y_m"], values[f"{name}_z_m"]


def _sum(a: Vec3, b: Vec3) -> Vec3:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@dataclass(frozen=True)
class SceneLooks:
    """The nominal scene, and how values change what is seen of it.

    Attributes:
        scene: nominal.
        robot: whether there is a robot to tint.
    """

    scene: SceneSpec
    robot: bool

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters."""
        for name, value in light_values(self.scene.light).items():
            low, high = (-_TURN, _TURN) if name.endswith("_rad") else (0.0, 1.0)
            yield Parameter(name, value, low, high, whole=name == "light.shadow")
        for name in CAMERA:
            zoom, turn = name == "zoom", name == "roll_rad"
            low, high = (0.1, 10.0) if zoom else (-_TURN, _TURN) if turn else (-5.0, 5.0)
            yield Parameter(f"camera.{name}", float(zoom), low, high)
        for name, value in sensor_values(self.scene.sensor).items():
            yield Parameter(name, value, *_SENSOR_LIMITS[name], whole=name in ("sensor.jpeg_quality", "sensor.seed"))
        for name in (*POOLED, *self._bodies()):
            yield Parameter(f"{name}.draw", NOMINAL_DRAW, NOMINAL_DRAW, 999.0, whole=True)
        for name in ("red", "green", "blue") if self.robot else ():
            yield Parameter(f"robot.{name}", 1.0, 0.0, 1.0)

    def _bodies(self) -> list[str]:
        return [spec.name for spec in self.scene.objects]

    def varying(self, randomization: Randomization) -> tuple[str, ...]:
        """Return the names of the streams that `sample` draws from."""
        bodies = [f"{_SURFACE}{body}" for body in self._bodies() if randomization.material_of(body) is not None]
        return (*randomization.scene, *bodies)

    def sample(self, randomization: Randomization, rngs: Mapping[str, Generator]) -> Values:
        """Return what the generator's randomizers make of an episode, for the parameters that they vary.

        Args:
            randomization: whose randomizers.
            rngs: the episode's streams of the names in `varying`.
        """
        found: Values = {}
        for name, rng in rngs.items():
            if name == "light":
                found |= light_values(randomization.scene[name].sample(rng))
            elif name == "sensor":
                found |= sensor_values(randomization.scene[name].sample(rng))
            else:
                found[f"{name.removeprefix(_SURFACE)}.draw"] = float(rng.integers(randomization.pool))
        return found

    def scene_of(self, randomization: Randomization, values: Values) -> SceneSpec:
        """Return the scene with the light, lamps, environment and background of the values."""
        draws = tuple(int(values[f"{name}.draw"]) for name in POOLED)
        return replace(_surroundings(_Key(self.scene), _Key(randomization), draws), light=light_of(values))

    def paint(self, world: World, randomization: Randomization, values: Values) -> None:
        """Give the bodies that are seen and the robot of a world the surfaces of the values, where they have others."""
        for order, spec in enumerate(self.scene.objects):
            if order in world.left_out:
                continue
            material = self._material(randomization, spec.name, spec.material, int(values[f"{spec.name}.draw"]))
            if material is not world.bodies[order].spec.material:
                world.repaint(order, material)
        for robot in world.robots:
            world.tint_robot(robot, (values["robot.red"], values["robot.green"], values["robot.blue"]))

    def _material(self, randomization: Randomization, body: str, nominal: MaterialSpec, draw: int) -> MaterialSpec:
        section = randomization.material_of(body)
        if draw < 0 or section is None:
            return nominal
        return _pooled(_Key(section), randomization.pool_seed, draw, body)


class _Key:
    """An object as a key of a cache: the same object is the same key, and stays alive in it."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.of is self.of


@lru_cache(maxsize=256)
def _surroundings(scene: _Key, randomization: _Key, draws: tuple[int, ...]) -> SceneSpec:
    """Return the scene with members of the pools."""
    found: SceneSpec = scene.of
    for name, draw in zip(POOLED, draws, strict=True):
        if draw >= 0 and name in randomization.of.scene:
            rng = stream(randomization.of.pool_seed, draw, f"pool.{name}")
            found = randomization.of.scene[name](found, rng)
    return found


@lru_cache(maxsize=4096)
def _pooled(key: _Key, seed: int, draw: int, body: str) -> MaterialSpec:
    sampled: MaterialSpec = key.of.sample(stream(seed, draw, f"pool.material.{body}"))
    return sampled


_SENSOR_LIMITS = {
    "sensor.exposure": (0.0, 100.0),
    "sensor.gamma": (0.05, 20.0),
    "sensor.resolution": (0.01, 1.0),
    "sensor.blur_px": (0.0, 100.0),
    "sensor.noise": (0.0, 255.0),
    "sensor.vignette": (0.0, 1.0),
    "sensor.jpeg_quality": (1.0, 100.0),
    "sensor.seed": (0.0, float(2**31 - 1)),
    "sensor.red": (0.0, 100.0),
    "sensor.blue": (0.0, 100.0),
}
