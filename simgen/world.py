"""`World`: a SceneSpec in PyBullet. It spawns the bodies, lets them fall and settle, and knows their poses.

Each world has a client of its own that is closed with it, so nothing that happened before can change a sample, and
nothing that PyBullet keeps (textures, shapes) outlives it.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.bullet import collector_paused, p
from simgen.catalog import Collider, Mesh, Model, build_model
from simgen.errors import AssetError
from simgen.geometry import pose_matrix
from simgen.picturefile import PictureFile, bmp
from simgen.scene import STRICT, ObjectSpec, Quat, SceneSpec, Vec3
from simgen.stopwatch import Stopwatch
from simgen.textures import draw_textures

Picture: TypeAlias = NDArray[np.uint8]


@config_dataclass(frozen=True, config=STRICT)
class Physics:
    """How long and how finely a scene is simulated.

    Attributes:
        step_s: time step.
        limit_s: time after which a scene that still moves counts as unsettled.
        speed_m_s: below this (and `spin_rad_s`) every body is at rest.
    """

    step_s: Annotated[float, Field(gt=0, le=0.1)] = 1 / 240
    limit_s: Annotated[float, Field(gt=0, le=600)] = 2.5
    speed_m_s: Annotated[float, Field(gt=0)] = 0.01
    spin_rad_s: Annotated[float, Field(gt=0)] = 0.5


@dataclass(frozen=True, eq=False)
class Body:
    """A spawned object: its data, model and surface, its PyBullet id, its centre of mass in its own frame."""

    spec: ObjectSpec
    model: Model
    mesh: Mesh
    id: int
    center_m: Vec3 = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Robot:
    """A body of many links that was loaded from a file: its name and file, its PyBullet id."""

    name: str
    path: Path
    id: int


class World:
    """A scene in PyBullet; use it as a context manager.

    Attributes:
        scene: what was spawned.
        root: the folder that the scene's file names start from.
        visuals: whether PyBullet's own renderers can draw it.
        client: PyBullet's client id.
        bodies: in the order of the scene's objects.
        robots: what `load_robot` added, in order.
    """

    def __init__(
        self,
        scene: SceneSpec,
        root: Path,
        physics: Physics = Physics(),
        visuals: bool = True,
        watch: Stopwatch | None = None,
    ) -> None:
        """Spawn the scene.

        Args:
            scene: what to spawn.
            root: the folder that the scene's file names start from.
            physics: how it is simulated.
            visuals: whether PyBullet gets surfaces and textures, too. Only its own renderers need them, and they are
                a good part of the time that spawning takes.
            watch: takes the seconds spent on "build" (models, meshes, surfaces) and "spawn" (PyBullet's own calls).

        Raises:
            AssetError: a mesh or texture is missing or unreadable.
        """
        self.scene, self.root, self.physics, self.visuals = scene, root, physics, visuals
        self._watch = watch or Stopwatch()
        models = [build_model(spec.model) for spec in scene.objects]
        plans = [_Plan.of(spec, model, root) for spec, model in zip(scene.objects, models, strict=True)]
        pictures = [_plain_or_whole(image) for image in painted_all(scene.objects, models, root)] if visuals else []
        self._watch.lap("build")
        self.client = p.connect(p.DIRECT)
        self.robots: list[Robot] = []
        try:
            p.setPhysicsEngineParameter(
                deterministicOverlappingPairs=1,
                fixedTimeStep=physics.step_s,
                enableFileCaching=0,
                physicsClientId=self.client,
            )
            p.setGravity(0, 0, -scene.gravity_m_s2, physicsClientId=self.client)
            shapes = self._visual_shapes(plans) if visuals else [-1] * len(plans)
            self.bodies = [self._spawn(plan, shape) for plan, shape in zip(plans, shapes, strict=True)]
            self._watch.lap("spawn")
            if visuals:
                self._paint(pictures)
        except BaseException:
            self.close()
            raise

    def _spawn(self, plan: "_Plan", visual: int) -> Body:
        spec, client = plan.spec, self.client
        shape = p.createCollisionShape(**plan.collision, physicsClientId=client)
        body = p.createMultiBody(spec.mass_kg, shape, visual, spec.position_m, spec.quat_xyzw, physicsClientId=client)
        p.changeDynamics(
            body,
            -1,
            lateralFriction=spec.friction,
            restitution=spec.restitution,
            rollingFriction=1e-5,
            spinningFriction=1e-5,
            physicsClientId=client,
        )
        p.resetBaseVelocity(body, spec.linear_velocity_m_s, spec.angular_velocity_rad_s, physicsClientId=client)
        return Body(spec, plan.model, plan.mesh, body, plan.center_m)

    def _visual_shapes(self, plans: Sequence["_Plan"]) -> list[int]:
        """Return PyBullet's shape of each mesh; bodies of the same mesh share it, and have textures of their own."""
        shapes: dict[tuple[int, Vec3], int] = {}
        for plan in plans:
            key = (id(plan.mesh), plan.center_m)
            if key not in shapes:
                self._watch.lap("spawn")
                with collector_paused():
                    surface = _visual_arguments(plan.mesh, plan.center_m)
                    self._watch.lap("build")
                    shapes[key] = p.createVisualShape(p.GEOM_MESH, **surface, physicsClientId=self.client)
                    del surface
        return [shapes[id(plan.mesh), plan.center_m] for plan in plans]

    def _paint(self, pictures: Sequence[Picture]) -> None:
        """Put a picture on each body; equal ones, as on the walls of a tray, are one texture."""
        textures: dict[bytes, int] = {}
        with closing(PictureFile()) as file:
            for body, picture in zip(self.bodies, pictures, strict=True):
                data = bmp(picture)
                if data not in textures:
                    file.write(data)
                    self._watch.lap("build")
                    textures[data] = p.loadTexture(file.name, physicsClientId=self.client)
                gloss = [body.spec.material.specular] * 3
                p.changeVisualShape(
                    body.id,
                    -1,
                    textureUniqueId=textures[data],
                    specularColor=gloss,
                    physicsClientId=self.client,
                )
                self._watch.lap("spawn")

    def load_robot(
        self,
        path: Path,
        position_m: Vec3 = (0.0, 0.0, 0.0),
        quat_xyzw: Quat = (0.0, 0.0, 0.0, 1.0),
        fixed: bool = True,
    ) -> Robot:
        """Load a URDF file and return the robot; `fixed` holds its base where it is.

        Its instance number in a frame follows the bodies' and earlier robots', its parts are its links (1 is the base).

        Raises:
            AssetError: the file is missing or PyBullet cannot read it.
        """
        if not path.is_file():
            raise AssetError(f'robot "{path}": there is no such file')
        try:
            body = p.loadURDF(str(path), position_m, quat_xyzw, useFixedBase=int(fixed), physicsClientId=self.client)
        except p.error as error:
            raise AssetError(f'robot "{path}": expected a URDF file that PyBullet can load, got {error}') from None
        robot = Robot(path.stem, path, int(body))
        self.robots.append(robot)
        return robot

    def settle(self) -> bool:
        """Simulate until every movable body rests. Returns whether that came before `physics.limit_s`."""
        moving = [body.id for body in self.bodies if body.spec.mass_kg > 0]
        if not moving:
            return True
        quiet = 0
        for step in range(1, round(self.physics.limit_s / self.physics.step_s) + 1):
            p.stepSimulation(physicsClientId=self.client)
            if step % 12 == 0:
                quiet = quiet + 1 if all(self._at_rest(body) for body in moving) else 0
                if quiet == 3:
                    return True
        return False

    def _at_rest(self, body: int) -> bool:
        position, _ = p.getBasePositionAndOrientation(body, physicsClientId=self.client)
        if position[2] < -0.5:
            return True  # fell off the table and keeps falling, out of sight
        linear, angular = p.getBaseVelocity(body, physicsClientId=self.client)
        slow = max(map(abs, linear)) < self.physics.speed_m_s
        return bool(slow and max(map(abs, angular)) < self.physics.spin_rad_s)

    def poses(self) -> list[NDArray[np.float64]]:
        """Return world_T_object (4, 4) of each body."""
        return [self._pose(body) for body in self.bodies]

    def _pose(self, body: Body) -> NDArray[np.float64]:
        pose = pose_matrix(*p.getBasePositionAndOrientation(body.id, physicsClientId=self.client))
        if any(body.center_m):
            pose[:3, 3] -= pose[:3, :3] @ np.array(body.center_m)
        return pose

    def close(self) -> None:
        """Disconnect from PyBullet; may be called again."""
        if self.client >= 0:
            p.disconnect(physicsClientId=self.client)
            self.client = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, eq=False)
class _Plan:
    """All that PyBullet is told of a body: what it looks like, and what stands for it in the physics."""

    spec: ObjectSpec
    model: Model
    mesh: Mesh
    center_m: Vec3
    collision: dict[str, Any]

    @staticmethod
    def of(spec: ObjectSpec, model: Model, root: Path) -> "_Plan":
        return _Plan(spec, model, model.mesh(root), model.center_m(root), _collision_arguments(model.collider(root)))


def painted(spec: ObjectSpec, model: Model, root: Path) -> Picture:
    """Return an object's base colour (H, W, 3) uint8: its material's texture with the model's own marks on it."""
    return next(painted_all([spec], [model], root))


def painted_all(specs: Sequence[ObjectSpec], models: Sequence[Model], root: Path) -> Iterator[Picture]:
    """Yield the base colour of each object; neighbours are painted together where their models are faster so."""
    pairs = zip(specs, models, strict=True)
    for (kind, _), run in groupby(pairs, key=lambda pair: (type(pair[1]), pair[1].texture_size_wh())):
        group = list(run)
        for first in range(0, len(group), kind.pictures_at_once):
            some = group[first : first + kind.pictures_at_once]
            textures = [spec.material.texture for spec, _ in some]
            bodies = draw_textures(textures, some[0][1].texture_size_wh(), root)
            yield from kind.paint_all([model for _, model in some], bodies)


def _plain_or_whole(image: Picture) -> Picture:
    """Return the picture, of one that has one colour everywhere the first pixels."""
    middle = image[len(image) // 2]  # marks are seldom at the rim
    plain = (middle == middle[0]).all() and (image == middle[0]).all()
    return np.ascontiguousarray(image[:2, :2] if plain else image)


def _visual_arguments(mesh: Mesh, center_m: Vec3) -> dict[str, Any]:
    vertices = mesh.vertices_m - center_m if any(center_m) else mesh.vertices_m
    return {
        "vertices": vertices.tolist(),
        "indices": mesh.faces.ravel().tolist(),
        "uvs": (mesh.uvs * (1, -1) + (0, 1)).tolist(),  # PyBullet's texture origin is the bottom-left corner
        "normals": mesh.normals.tolist(),
    }


def _collision_arguments(collider: Collider) -> dict[str, Any]:
    size = collider.size_m
    if collider.kind == "box":
        return {"shapeType": p.GEOM_BOX, "halfExtents": list(size)}
    if collider.kind == "hull":
        return {"shapeType": p.GEOM_MESH, "vertices": [list(point) for point in collider.points_m]}
    if collider.kind == "sphere":
        return {"shapeType": p.GEOM_SPHERE, "radius": size[0]}
    kinds = {"cylinder": p.GEOM_CYLINDER, "capsule": p.GEOM_CAPSULE}
    return {"shapeType": kinds[collider.kind], "radius": size[0], "height": size[1]}
