"""Grasps from above, and the actions that mean them: a place in the bin or in a picture, a turn, perhaps a height."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.bullet import p
from simgen.envs.bins import CENTER_M, INNER_M
from simgen.envs.simulation import Simulation
from simgen.geometry import look_at, transform
from simgen.lens import camera_matrix
from simgen.scene import CameraSpec

Array = NDArray[np.float64]
LOWEST_M, HIGHEST_M = 0.018, 0.12
"""Heights of the tool over the floor of the bin at which it can grip."""
DEPTH_M = 0.025
"""How deep below the surface under it the hand grips where the action names no height."""
_HALF_M = 0.5 * np.array(INNER_M)
_FARTHEST_M = 3.0


@dataclass(frozen=True)
class TopGrasp:
    """A grasp from above, in the world.

    Attributes:
        x_m, y_m, z_m: of the tool.
        yaw_rad: the fingers move along (-sin, cos) of it.
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float


@dataclass(frozen=True)
class GraspActions:
    """Turns actions in [-1, 1] into grasps, and back.

    Attributes:
        sim: what is gripped in.
        camera: returns the camera as it is now.
        in_picture: whether the first two numbers are right and down in its picture, or x and y in the bin.
        with_height: whether there is a fourth number, the height.
    """

    sim: Simulation
    camera: Callable[[], CameraSpec]
    in_picture: bool
    with_height: bool

    def grasp(self, action: ArrayLike) -> TopGrasp:
        """Return the grasp that an action means now."""
        first, second, turn, *height = np.asarray(action, float).tolist()
        x, y, surface = self._seen(first, second) if self.in_picture else self._below(*_place(first, second))
        z = LOWEST_M + (height[0] + 1) / 2 * (HIGHEST_M - LOWEST_M) if self.with_height else surface - DEPTH_M
        return TopGrasp(float(x), float(y), float(np.clip(z, LOWEST_M, HIGHEST_M)), turn * np.pi / 2)

    def action(self, grasp: TopGrasp) -> NDArray[np.float32]:
        """Return the action that means a grasp, as near as the limits of actions allow."""
        place = np.array([grasp.x_m, grasp.y_m])
        first = self._pixel(self._below(*place)) if self.in_picture else (place - CENTER_M) / _HALF_M
        turn = (grasp.yaw_rad / np.pi + 0.5) % 1.0 * 2 - 1  # half a turn is the same grasp
        height = [(grasp.z_m - LOWEST_M) / (HIGHEST_M - LOWEST_M) * 2 - 1] if self.with_height else []
        return np.array([*first, turn, *height]).clip(-1.0, 1.0).astype(np.float32)

    def _below(self, x_m: float, y_m: float) -> Array:
        """Return the place (3,) of the surface at a place of the bin."""
        return self._hit(np.array([x_m, y_m, 0.6]), np.array([x_m, y_m, -0.1]))

    def _seen(self, right: float, down: float) -> Array:
        """Return the place (3,) that is seen at a pixel; right and down are -1 to 1 over the picture."""
        camera = self.camera()
        pixel = (np.array([right, down]) + 1) / 2 * (np.array(camera.size_wh) - 1)
        ray = np.linalg.solve(camera_matrix(camera), [*pixel, 1.0])
        eye, far = transform(np.linalg.inv(_cam_T_world(camera)), np.outer((0, _FARTHEST_M), ray))
        return self._hit(eye, far)

    def _pixel(self, place_m: Array) -> Array:
        camera = self.camera()
        x, y, z = camera_matrix(camera) @ transform(_cam_T_world(camera), [place_m])[0]
        return np.asarray(np.array([x / z, y / z]) / (np.array(camera.size_wh) - 1) * 2 - 1)

    def _hit(self, start_m: Array, end_m: Array) -> Array:
        """Return where a ray meets something, or its end."""
        share = float(p.rayTest(start_m.tolist(), end_m.tolist(), physicsClientId=self.sim.client)[0][2])
        return np.asarray(start_m + share * (end_m - start_m))


def _place(right: float, up: float) -> Array:
    return np.asarray(CENTER_M + _HALF_M * (right, up))


def _cam_T_world(camera: CameraSpec) -> Array:
    return look_at(camera.eye_m, camera.target_m, camera.roll_rad)
