"""Randomizers of what hangs in the air before the camera: a plate that an arm holds, and the clutter behind it.

Both place bodies in the camera's axes, so their sections come after the camera's.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from pydantic import field_validator
from pydantic.dataclasses import dataclass

from simgen.catalog.charuco import CharucoPlate
from simgen.errors import ConfigError
from simgen.geometry import look_at, pose_matrix, quat_about, quat_from_rotation, quat_multiply
from simgen.lens import camera_matrix
from simgen.randomize.base import SECTION, Color, Material, add_objects
from simgen.randomize.distributions import LogUniform, Number, Uniform
from simgen.randomize.quantities import Count, Extent, Length, Shift, Turn, Within
from simgen.registry import SectionError, validate
from simgen.scene import CameraSpec, MaterialSpec, ObjectSpec, Plain, SceneSpec

Array = NDArray[np.float64]
Lean = Annotated[Number, Within(0, 1.5)]
"""An angle from facing the camera, radians: at a quarter turn a plate is seen from its edge."""
_DRAWN = ("rim_m", "thickness_m", "ink")


@dataclass(frozen=True, config=SECTION)
class Arm:
    """A chain of links behind the plate, each bent away from the one before; fixed bodies without labels.

    Attributes:
        links: how many follow the flange.
        length_m: of a link.
        radius_m: of the flange.
        growth: every link is so many times as thick as the one before.
        bend_rad: between a link and the next.
        shift_m: of the flange from the plate's centre, along the plate.
        material: of all of it.
    """

    links: Count = Uniform(2, 4)
    length_m: Length = Uniform(0.08, 0.35)
    radius_m: Length = Uniform(0.025, 0.06)
    growth: Annotated[Number, Within(0.1, 2)] = Uniform(1.0, 1.5)
    bend_rad: Lean = Uniform(0, 0.8)
    shift_m: Shift = Uniform(-0.05, 0.05)
    material: Material = Material(color=Color(hue=Uniform(0.01, 0.08), saturation=Uniform(0.6, 1)))

    def bodies(self, plate: ObjectSpec, rng: Generator) -> list[ObjectSpec]:
        """Return the flange, links and joints behind a plate that is in its place."""
        material = self.material.sample(rng)
        pose = pose_matrix(plate.position_m, plate.quat_xyzw)
        shift = [self.shift_m.sample(rng), self.shift_m.sample(rng)]
        tip = pose[:3, 3] + pose[:3, :3] @ [*shift, plate.model["thickness_m"] / 2]
        along, radius = pose[:3, 2], self.radius_m.sample(rng)
        found: list[ObjectSpec] = []
        for number in range(1 + self.links.sample_int(rng)):
            # So long that no joint reaches through the plate.
            length = 2 * radius if number == 0 else self.length_m.sample(rng)
            name = "flange" if number == 0 else f"link_{number}"
            found.append(_link(name, material, (tip, along), (radius, length), rng))
            tip = tip + along * length
            radius *= self.growth.sample(rng)
            along = _bent(along, self.bend_rad.sample(rng), rng)
            found.append(_fixed(f"joint_{number}", {"kind": "sphere", "radius_m": round(radius, 5)}, material, tip))
        return found


@dataclass(frozen=True, config=SECTION)
class CarriedPlate:
    """A printed plate in the air, and the arm that carries it; see `simgen.catalog.charuco.CharucoPlate`.

    Attributes:
        board: fields of the plate that are the same in every scene.
        rim_m: width of the blank rim.
        thickness_m: of the plate.
        ink: colour of the print.
        paper: what it is printed on.
        distance_m: from the camera to the middle of the plate.
        place: where the middle is seen, along x and y each: 0 is the picture's middle, 1 its border.
        tilt_rad: of the plate's normal from the line of sight, to any side.
        roll_rad: turn of the print about its normal.
        arm: what holds it; null for a plate that hangs free.
    """

    board: Plain = dataclasses.field(default_factory=dict)
    rim_m: Extent = Uniform(0.006, 0.02)
    thickness_m: Length = Uniform(0.001, 0.008)
    ink: Color = Color(saturation=Uniform(0, 0.3), value=Uniform(0, 0.2))
    paper: Material = Material(color=Color(saturation=Uniform(0, 0.06), value=Uniform(0.8, 1)))
    distance_m: Length = LogUniform(0.3, 1.4)
    place: Annotated[Number, Within(-2, 2)] = Uniform(-0.6, 0.6)
    tilt_rad: Lean = Uniform(0, 1.0)
    roll_rad: Turn = Uniform(-np.pi, np.pi)
    arm: Arm | None = Arm()

    @field_validator("board")
    @classmethod
    def _printable(cls, section: Plain) -> Plain:
        for name in _DRAWN:
            if name in section:
                raise SectionError(f"{name}: expected beside the board, where it can be random, not in it")
        try:
            validate(CharucoPlate, section, "")
        except ConfigError as error:
            raise SectionError(str(error)) from None
        return section

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        rim, thickness = round(self.rim_m.sample(rng), 5), round(self.thickness_m.sample(rng), 5)
        drawn = dict(zip(_DRAWN, (rim, thickness, self.ink.sample(rng)), strict=True))
        model = validate(CharucoPlate, {**self.board, **drawn}, "board")
        plate = plate_at(model, self.paper.sample(rng), scene.camera, self._pose(scene.camera, model, rng))
        behind = [] if self.arm is None else self.arm.bodies(plate, rng)
        return add_objects(scene, [plate, *behind])

    def _pose(self, camera: CameraSpec, model: CharucoPlate, rng: Generator) -> Array:
        """Draw cam_T_board (4, 4): turned about its normal, then leant, then moved to where it is seen."""
        away, ray = self.distance_m.sample(rng), _sight(camera, (self.place.sample(rng), self.place.sample(rng)))
        side = rng.uniform(-np.pi, np.pi)
        lean = quat_about([np.cos(side), np.sin(side), 0], self.tilt_rad.sample(rng))
        turn = quat_multiply(_toward(ray), quat_multiply(lean, quat_about([0, 0, 1], self.roll_rad.sample(rng))))
        pose = pose_matrix(away * ray, turn)
        pose[:3, 3] -= pose[:3, :3] @ [*np.array(model.outline_m()) / 2, 0]
        return pose


@dataclass(frozen=True, config=SECTION)
class Backdrop:
    """Fixed bodies of all shapes that stand in the air behind what was put before the camera so far.

    Attributes:
        count: how many.
        distance_m: along the line of sight, from the camera.
        size: of a body over its distance.
        place: where its middle is seen; see `CarriedPlate`.
    """

    count: Count = Uniform(3, 12)
    distance_m: Length = LogUniform(1.8, 5)
    size: Annotated[Number, Within(1e-3, 10)] = LogUniform(0.05, 0.5)
    place: Annotated[Number, Within(-2, 2)] = Uniform(-1.1, 1.1)
    material: Material = Material()

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        return add_objects(scene, [self._body(scene.camera, k, rng) for k in range(self.count.sample_int(rng))])

    def _body(self, camera: CameraSpec, number: int, rng: Generator) -> ObjectSpec:
        away, ray = self.distance_m.sample(rng), _sight(camera, (self.place.sample(rng), self.place.sample(rng)))
        a, b, c = (round(float(v), 4) for v in away * self.size.sample(rng) * rng.uniform(0.15, 1.0, 3))
        models: list[Plain] = [
            {"kind": "box", "size_m": (a, b, c)},
            {"kind": "cylinder", "radius_m": a / 2, "height_m": b},
            {"kind": "capsule", "radius_m": a / 3, "height_m": b},
        ]
        turn = rng.normal(size=4)
        model = models[int(rng.integers(len(models)))]
        body = ObjectSpec(f"backdrop_{number:02d}", model, self.material.sample(rng))
        return _in_view(body, camera, pose_matrix(away * ray, turn))


def plate_at(model: CharucoPlate, paper: MaterialSpec, camera: CameraSpec, cam_T_board: ArrayLike) -> ObjectSpec:
    """Return a labelled plate that the camera sees with a given pose (4, 4) of its board."""
    fields = {"kind": "charuco_plate", **vars(model)}
    centred = np.asarray(cam_T_board, float) @ pose_matrix(model.center_m(Path()), (0, 0, 0, 1))
    return _in_view(ObjectSpec("plate", fields, paper, labelled=True), camera, centred)


def twin(model: CharucoPlate, camera: CameraSpec, cam_T_board: ArrayLike) -> SceneSpec:
    """Return the scene of a photograph: its camera, the plate at its pose on white paper, even light.

    Args:
        model: the plate that was photographed.
        camera: its size, focal lengths and principal point.
        cam_T_board: (4, 4), metres.
    """
    paper = MaterialSpec({"kind": "plain", "colors": ((235, 235, 235),)}, specular=0.0, roughness=1.0)
    backdrop = {"kind": "plain", "colors": ((110, 110, 110),)}
    return SceneSpec((plate_at(model, paper, camera, cam_T_board),), camera=camera, background=backdrop)


def _in_view(body: ObjectSpec, camera: CameraSpec, cam_T_centre: Array) -> ObjectSpec:
    """Return a body whose centre of mass has the pose (4, 4) in the camera's axes."""
    pose = np.linalg.inv(look_at(camera.eye_m, camera.target_m, camera.roll_rad)) @ cam_T_centre
    x, y, z = (float(v) for v in pose[:3, 3])
    qx, qy, qz, qw = (float(v) for v in quat_from_rotation(pose[:3, :3]))
    return dataclasses.replace(body, position_m=(x, y, z), quat_xyzw=(qx, qy, qz, qw))


def _sight(camera: CameraSpec, place: tuple[float, float]) -> Array:
    """Return the unit vector (3,) in the camera's axes towards a place of the picture, -1 to 1 along x and y."""
    width, height = camera.size_wh
    pixel = [(1 + place[0]) * width / 2 - 0.5, (1 + place[1]) * height / 2 - 0.5, 1.0]
    ray = np.linalg.solve(camera_matrix(camera), pixel)
    return np.asarray(ray / np.linalg.norm(ray))


def _toward(direction: Array) -> Array:
    """Return the quaternion that turns the z axis the short way to a unit vector that is not its opposite."""
    half = np.array([*np.cross([0, 0, 1], direction), 1 + direction[2]])
    return np.asarray(half / np.linalg.norm(half))


def _bent(along: Array, angle_rad: float, rng: Generator) -> Array:
    """Return a unit vector at an angle to another, to any side."""
    across = np.cross(along, rng.normal(size=3))
    return np.asarray(np.cos(angle_rad) * along + np.sin(angle_rad) * across / np.linalg.norm(across))


def _link(
    name: str, material: MaterialSpec, axis: tuple[Array, Array], size: tuple[float, float], rng: Generator
) -> ObjectSpec:
    """Return a cylinder or a box from a point along a direction; `size` is its radius and length."""
    (tip, along), (radius, length) = axis, size
    model: Plain = {"kind": "cylinder", "radius_m": round(radius, 5), "height_m": round(length, 5)}
    if rng.uniform() < 0.4:
        model = {"kind": "box", "size_m": (round(1.7 * radius, 5), round(1.7 * radius, 5), round(length, 5))}
    return _fixed(name, model, material, tip + along * length / 2, _toward_any(along))


def _toward_any(direction: Array) -> Array:
    """As `_toward`, for a body that is the same upside down: the opposite of z will do."""
    return _toward(direction if direction[2] >= 0 else -direction)


def _fixed(
    name: str, model: Plain, material: MaterialSpec, place: Array, quat_xyzw: ArrayLike = (0, 0, 0, 1)
) -> ObjectSpec:
    x, y, z = (round(float(v), 6) for v in place)
    qx, qy, qz, qw = (round(float(v), 6) for v in np.asarray(quat_xyzw, float))
    return ObjectSpec(name, model, material, (x, y, z), (qx, qy, qz, qw))
