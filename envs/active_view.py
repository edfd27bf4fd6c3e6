"""`ActiveView`: move a camera on a dome until enough of a target is seen that other things hide."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.envs import dome
from simgen.envs.actuated import ActuatedEnv
from simgen.envs.base import EnvState, Limits
from simgen.envs.cameras import FRONT, View
from simgen.envs.domain.visual import camera_of
from simgen.envs.settings import Names
from simgen.envs.sight import Surface
from simgen.envs.tabletop import plain, tabletop
from simgen.envs.targets import TargetSettings, target_body, target_of
from simgen.scene import STRICT, Amount, CameraSpec, ObjectSpec, Rgb, SceneSpec, Vec3

Array = NDArray[np.float64]
POINTS = 128
"""On the surface of the target."""
MOVING, VIEW = "moving", View((1.02, 0.0, 0.3), dome.CENTER_M, 0.6)
"""The camera on the dome; its eye is where it has moved."""
_HURRY = 0.02
"""What a radian of the way costs the policy `greedy` beside `move_cost`: of two good places it takes the nearer."""


@dataclass(frozen=True, config=STRICT)
class ViewSettings(TargetSettings):
    """Of `ActiveView`.

    Attributes:
        control: "delta": an action changes azimuth, elevation and distance; "dome": it says them.
        reward: "surface": the share of the target's surface that is seen for the first time; "view": the share of the
            target's whole silhouette that is seen now.
        occluders: how many things stand around the target.
        success: share of the surface that ends an episode, out of what can be seen from the dome at all.
        move_cost: taken from the reward for each radian that the camera travels around the target.
        terminate: whether an episode ends with success.
    """

    obs: Names = ("rgb", "camera")
    cameras: Names | dict[str, Any] = MOVING
    control: Literal["delta", "dome"] = "delta"
    reward: Literal["surface", "view"] = "surface"
    occluders: Annotated[int, Field(ge=0, le=8)] = 5
    success: Annotated[float, Field(gt=0, le=1)] = 0.9
    move_cost: Amount = 0.02
    terminate: bool = True


class ActiveView(ActuatedEnv):
    """Choose viewpoints that reveal the target.

    Attributes:
        place: azimuth and elevation (radians) and distance (metres) of the camera on the dome.
        revealed: which points of the target's surface have been seen in this episode, (POINTS,) bool.
    """

    settings_type = ViewSettings
    settings: ViewSettings
    memory = (*ActuatedEnv.memory, "place", "revealed", "_reachable", "_from_lattice", "_visible", "_gain", "_cost")

    def cameras(self) -> Mapping[str, View]:
        """Return the camera on the dome, and one that stands still and sees all."""
        return {MOVING: VIEW, "front": replace(FRONT, fov_rad=0.6)}

    def scene(self) -> SceneSpec:
        target = target_body(target_of(self.settings), (*dome.CENTER_M[:2], 0.05))
        return tabletop(target, *(_occluder(number) for number in range(self.settings.occluders)))

    def prepare(self) -> None:
        """Spread points over the target, and say what can hide them."""
        self._control = dome.CONTROLS[self.settings.control]
        self._lattice = dome.lattice()
        self._lattice_m = dome.eyes_m(self._lattice)
        bodies = self.sim.world.bodies
        self._height_m = bodies[1].center_m[2] - float(bodies[1].mesh.bounds_m[0][2])
        self._surface = Surface(bodies[1], [bodies[0], *bodies[2:]], POINTS)
        self.place = np.array([0.0, 0.5, 0.6])

    def close(self) -> None:
        super().close()
        if hasattr(self, "_surface"):  # else it was never built
            self._surface.close()

    def actions(self) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (3,), np.float32)

    def begin(self, rng: Generator) -> None:
        self.start_actuators()
        place = rng.uniform(-0.02, 0.02, 2) + dome.CENTER_M[:2]
        self.sim.place("target", (*place, self._height_m), _upright(rng.uniform(-np.pi, np.pi)))
        first = self._place_occluders(rng)
        self.place = np.array([dome.around(first + rng.normal(0, 0.1)), rng.uniform(0.2, 0.5), rng.uniform(0.5, 0.7)])
        self._move_surface()
        camera = self._seeing()
        shift = camera.eye_m - dome.eyes_m(self.place)
        seen = self._surface.seen_from([*(self._lattice_m + shift), camera.eye_m])
        self._from_lattice = seen[:-1]
        self._reachable = self._from_lattice.any(0)
        self.revealed = np.zeros(POINTS, bool)
        self._cost = 0.0
        self._look(camera, seen[-1])

    def _place_occluders(self, rng: Generator) -> float:
        """Put the occluders around the target. Returns the azimuth (radians) of the first."""
        count = self.settings.occluders
        shares = (np.arange(count) + rng.uniform(-0.2, 0.2, count)) / max(count, 1)
        turns = rng.uniform(-np.pi, np.pi) + 2 * np.pi * shares
        away = rng.uniform(0.11, 0.15, count)
        for number, (turn, far) in enumerate(zip(turns, away, strict=True)):
            middle = np.array(dome.CENTER_M[:2]) + far * np.array([np.cos(turn), np.sin(turn)])
            height = _size_m(number)[2] / 2
            self.sim.place(f"occluder_{number + 1}", (*middle, height), _upright(turn + rng.normal(0, 0.3)))
        return float(turns[0]) if count else rng.uniform(-np.pi, np.pi)

    def restore_state(self, state: EnvState) -> None:
        super().restore_state(state)
        self._move_surface()

    def _move_surface(self) -> None:
        table, target, *occluders = (self.sim.pose(body.spec.name) for body in self.sim.world.bodies)
        self._surface.move(target, [table, *occluders])

    def _seeing(self) -> CameraSpec:
        """Return the camera on the dome with what the domain does to it."""
        return camera_of(self.camera(MOVING, self.settings.size_wh), self.domain.values)

    def act(self, action: Array) -> None:
        old = self.place
        self.place = self._control.moved(old, self.arrived(action))
        self._cost = self.settings.move_cost * float(dome.arcs_rad(old, self.place[None])[0])
        camera = self._seeing()
        self._look(camera, self._surface.seen_from([camera.eye_m])[0])

    def still(self, action: Array) -> Array:
        """Return the action that leaves the camera where it is."""
        return self._control.towards(self.place, self.place)

    def _look(self, camera: CameraSpec, free: NDArray[np.bool_]) -> None:
        """Find out what of the target the camera sees, of the points that nothing hides from it."""
        seen = free & self._surface.in_picture(camera)
        self._visible = self._surface.share_of_silhouette(camera, seen)
        before = self.share
        self.revealed = self.revealed | seen
        self._gain = self.share - before

    @property
    def share(self) -> float:
        """The share of the surface that was seen, of what can be seen from the dome."""
        return float((self.revealed & self._reachable).sum() / max(self._reachable.sum(), 1))

    def camera(self, name: str, size_wh: tuple[int, int]) -> CameraSpec:
        if name != MOVING:
            return super().camera(name, size_wh)
        x, y, z = dome.eyes_m(self.place).tolist()
        return replace(self.studio.views.get(MOVING, VIEW).camera(size_wh), eye_m=(x, y, z))

    def judge(self) -> tuple[float, bool]:
        reward = self._gain if self.settings.reward == "surface" else self._visible
        return reward - self._cost, self.settings.terminate and self._is_success()

    def _is_success(self) -> bool:
        return self.share >= self.settings.success

    def details(self) -> dict[str, float]:
        return {"revealed": self.share, "visible": self._visible, "is_success": float(self._is_success())}

    def vectors(self) -> Mapping[str, Limits]:
        """Return the limits of "camera" (cosine and sine of the azimuth, elevation, distance) and of "state"."""
        camera = np.array([1, 1, *dome.HIGH[1:]], np.float32), np.array([-1, -1, *dome.LOW[1:]], np.float32)
        bodies = np.tile(np.array([2, 2, 2, 1, 1, 1, 1], np.float32), 1 + self.settings.occluders)
        shares = np.ones(1 + len(self._lattice), np.float32)
        low = np.concatenate([camera[1], -bodies, 0 * shares])
        return {"camera": (camera[1], camera[0]), "state": (low, np.concatenate([camera[0], bodies, shares]))}

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return a vector.

        "state" is the camera's, the places and quaternions of the target and the occluders, the share that was
        revealed, and what each place of the lattice of the dome would add to it.
        """
        azimuth, *rest = self.place
        camera = np.array([np.cos(azimuth), np.sin(azimuth), *rest])
        if name == "camera":
            return camera.astype(np.float32)
        if name != "state":
            return super().vector(name)
        poses = [part for body in self.sim.world.bodies[1:] for part in self.sim.pose(body.spec.name)]
        return np.concatenate([camera, *poses, [self.share], self.gains()]).astype(np.float32)

    def gains(self) -> Array:
        """Return what each place of the lattice of the dome would add to the share that was revealed."""
        new = self._from_lattice & ~self.revealed
        return np.asarray(new.sum(1) / max(self._reachable.sum(), 1))

    def greedy(self) -> NDArray[np.float32]:
        """Return the action of a policy that knows all: towards the place that adds most, less what the way costs."""
        worth = self.gains() - (self.settings.move_cost + _HURRY) * dome.arcs_rad(self.place, self._lattice)
        return self._control.towards(self.place, self._lattice[int(np.argmax(worth))]).astype(np.float32)


def _upright(yaw_rad: float) -> Array:
    return np.array([0.0, 0.0, np.sin(yaw_rad / 2), np.cos(yaw_rad / 2)])


def _size_m(number: int) -> Vec3:
    return _SIZES_M[number % len(_SIZES_M)]


def _occluder(number: int) -> ObjectSpec:
    model = {"kind": "box", "size_m": _size_m(number), "texture_px": 64}
    color = _COLORS[number % len(_COLORS)]
    return ObjectSpec(f"occluder_{number + 1}", model, plain(color), (0.42, 0.4 + 0.15 * number, 0.1))


_SIZES_M: list[Vec3] = [
    (0.03, 0.13, 0.14),
    (0.04, 0.08, 0.1),
    (0.02, 0.11, 0.12),
    (0.05, 0.05, 0.16),
    (0.03, 0.1, 0.08),
]
_COLORS: list[Rgb] = [(60, 110, 190), (70, 150, 90), (190, 180, 70), (150, 80, 160), (90, 170, 180)]
