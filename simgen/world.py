"""`World`: a SceneSpec in PyBullet. It spawns the bodies, lets them fall and settle, and knows their poses.

Each world has a client of its own that is closed with it, so nothing that happened before can change a sample, and
nothing that PyBullet keeps (textures, shapes) outlives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.bullet import p
from simgen.catalog import Collider, Mesh, Model, build_model
from simgen.collector import collector_paused
from simgen.errors import AssetError
from simgen.geometry import pose_matrices
from simgen.painter import Painter, painted_all
from simgen.scene import STRICT, MaterialSpec, ObjectSpec, Quat, SceneSpec, Vec3
from simgen.stopwatch import Stopwatch
from simgen.urdf import check_urdf

_MOST_REPAINTED = 4096


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
        left_out: numbers of the bodies that `show` leaves out of pictures.
        looks: how often the looks of a body or a robot were changed: what was made of them before is old then.
    """

    def __init__(
        self,
        scene: SceneSpec,
        root: Path,
        physics: Physics = Physics(),
        visuals: bool | Literal["coarse"] = True,
        watch: Stopwatch | None = None,
    ) -> None:
        """Spawn the scene.

        Args:
            scene: what to spawn.
            root: the folder that the scene's file names start from.
            physics: how it is simulated.
            visuals: whether PyBullet gets surfaces and textures, too. Only its own renderers need them, and they are
                a good part of the time that spawning takes. "coarse" ones have fewer triangles, for small pictures.
            watch: takes the seconds spent on "build" (models, meshes, surfaces) and "spawn" (PyBullet's own calls).

        Raises:
            AssetError: a mesh or texture is missing or unreadable.
        """
        self.scene, self.root, self.physics, self.visuals = scene, root, physics, bool(visuals)
        self._watch = watch or Stopwatch()
        models = [build_model(spec.model) for spec in scene.objects]
        plans = [_Plan.of(spec, model, root) for spec, model in zip(scene.objects, models, strict=True)]
        pictures = list(painted_all(scene.objects, models, root)) if visuals else []
        self._watch.lap("build")
        self.client = p.connect(p.DIRECT)
        self._painter = Painter(self.client, self._watch)
        self.robots: list[Robot] = []
        self.left_out: set[int] = set()
        self._colors: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
        self._repainted: dict[tuple[int, int], tuple[Body, str]] = {}
        self.looks = 0
        try:
            p.setPhysicsEngineParameter(
                deterministicOverlappingPairs=1,
                fixedTimeStep=physics.step_s,
                enableFileCaching=0,
                physicsClientId=self.client,
            )
            p.setGravity(0, 0, -scene.gravity_m_s2, physicsClientId=self.client)
            shapes = self._visual_shapes(plans, visuals == "coarse") if visuals else [-1] * len(plans)
            self.bodies = [self._spawn(plan, shape) for plan, shape in zip(plans, shapes, strict=True)]
            self._watch.lap("spawn")
            for body, picture in zip(self.bodies if visuals else [], pictures, strict=True):
                self._painter.paint(body.id, picture, body.spec.material.specular)
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

    def _visual_shapes(self, plans: Sequence["_Plan"], coarse: bool) -> list[int]:
        """Return PyBullet's shape of each mesh; bodies of the same mesh share it, and have textures of their own."""
        shapes: dict[tuple[int, Vec3], int] = {}
        meshes = [plan.model.coarse_mesh(self.root) if coarse else plan.mesh for plan in plans]
        for mesh, plan in zip(meshes, plans, strict=True):
            key = (id(mesh), plan.center_m)
            if key not in shapes:
                self._watch.lap("spawn")
                with collector_paused():
                    surface = _visual_arguments(mesh, plan.center_m)
                    self._watch.lap("build")
                    shapes[key] = p.createVisualShape(p.GEOM_MESH, **surface, physicsClientId=self.client)
                    del surface
        return [shapes[id(mesh), plan.center_m] for mesh, plan in zip(meshes, plans, strict=True)]

    def repaint(self, order: int, material: MaterialSpec) -> None:
        """Give a body, by its number in `bodies`, another surface.

        PyBullet never frees a texture, so each surface's is kept: give materials out of a bounded pool.
        """
        key = order, id(material)  # which the body that is kept keeps alive
        if key not in self._repainted:
            if len(self._repainted) == _MOST_REPAINTED:
                self._repainted.clear()
            old = self.bodies[order]
            spec = replace(old.spec, material=material)
            self._repainted[key] = replace(old, spec=spec), repr((spec.model, material.texture))
        body, name = self._repainted[key]
        self.bodies[order] = body
        self.looks += 1
        if self.visuals:
            self._painter.paint_known(body.id, name, body.spec, body.model, self.root)

    def show(self, order: int, shown: bool) -> None:
        """Let PyBullet's own renderers draw a body, by its number in `bodies`, or leave it out, which takes no time."""
        if shown != (order in self.left_out):
            return
        (self.left_out.discard if shown else self.left_out.add)(order)
        if self.visuals:
            color = [1, 1, 1, float(shown)]
            p.changeVisualShape(self.bodies[order].id, -1, rgbaColor=color, physicsClientId=self.client)

    def tint_robot(self, robot: Robot, rgb: Vec3) -> None:
        """Multiply a robot's own colours by `rgb`, 0 to 1 each; (1, 1, 1) gives them back."""
        if robot.id not in self._colors:
            shapes = p.getVisualShapeData(robot.id, physicsClientId=self.client)
            self._colors[robot.id] = [(int(shape[1]), tuple(shape[7])) for shape in shapes]
        for link, rgba in self._colors[robot.id]:
            color = [min(own * factor, 1.0) for own, factor in zip(rgba, (*rgb, 1.0), strict=True)]
            p.changeVisualShape(robot.id, link, rgbaColor=color, physicsClientId=self.client)
        self.looks += 1

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
            AssetError: the file or a mesh that it names is missing or broken, or PyBullet cannot read it.
        """
        check_urdf(path)
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
        states = [p.getBasePositionAndOrientation(body.id, physicsClientId=self.client) for body in self.bodies]
        numbers = np.array([(*place, *turn) for place, turn in states]).reshape(-1, 7)
        poses = pose_matrices(numbers[:, :3], numbers[:, 3:])
        centers = np.array([body.center_m for body in self.bodies]).reshape(-1, 3, 1)
        poses[:, :3, 3] -= (poses[:, :3, :3] @ centers)[..., 0]
        return list(poses)

    def close(self) -> None:
        """Disconnect from PyBullet; may be called again."""
        if self.client >= 0:
            p.disconnect(physicsClientId=self.client)
            self._painter.close()
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


def _visual_arguments(mesh: Mesh, center_m: Vec3) -> dict[str, Any]:
    """Return a mesh as PyBullet takes it.

    PyBullet 3.2.7 keeps a reference to each point for ever. As tuples they at least leave the cycle collector's books,
    which would otherwise be a million lists long after forty pictures of dice, and walked again and again.
    """
    vertices = mesh.vertices_m - center_m if any(center_m) else mesh.vertices_m
    return {
        "vertices": _points(vertices),
        "indices": mesh.faces.ravel().tolist(),
        "uvs": _points(mesh.uvs * (1, -1) + (0, 1)),  # PyBullet's texture origin is the bottom-left corner
        "normals": _points(mesh.normals),
    }


def _points(rows: NDArray[np.float64]) -> list[tuple[float, ...]]:
    return list(map(tuple, rows.tolist()))


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
