"""A camera and the boxes before it, as the matrices that the passes need. Pure."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.geometry import look_at
from simgen.lens import camera_matrix
from simgen.render.camera import clip_from_camera
from simgen.scene import CameraSpec

Array = NDArray[np.float64]
_UNIT = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
NEAREST_SHARE = 1e-4
"""The near plane is not nearer than this share of the far one: a depth buffer tells no finer depths apart."""


@dataclass(frozen=True, eq=False)
class View:
    """A camera as matrices.

    Attributes:
        size_wh: pixels.
        cam_T_world: (4, 4).
        clip_T_cam: (4, 4), see `clip_from_camera`.
        corners_T_cam: (4, 4), the same for a picture of the pixels' corners, one more in each direction.
        world_R_pixel: (3, 3), pixel (u, v, 1) to a ray of depth 1 in the world's axes.
        eye_m: (3,).
        focal_px, center_px: the camera's.
        blind_m: the distance from the eye within which the near plane cuts off what is seen; 0 where nothing is there.
    """

    size_wh: tuple[int, int]
    cam_T_world: Array
    clip_T_cam: Array
    corners_T_cam: Array
    world_R_pixel: Array
    eye_m: Array
    focal_px: tuple[float, float]
    center_px: tuple[float, float]
    blind_m: float

    @property
    def cam_R_pixel(self) -> Array:
        """(3, 3), pixel (u, v, 1) to a ray of depth 1 in camera axes."""
        return np.asarray(self.cam_T_world[:3, :3] @ self.world_R_pixel)

    @property
    def world_R_cam(self) -> Array:
        return np.asarray(self.cam_T_world[:3, :3].T)

    def rays(self) -> Array:
        """Return (n, 3) rays in the world's axes over the picture."""
        return np.asarray(_pixels_over(self.size_wh) @ self.world_R_pixel.T)


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes in the world, and what several passes ask of them.

    Attributes:
        corners_m: (m, 8, 3).
        low_m, high_m: (m, 3) of the axis-parallel boxes around them.
        middle_m: (m, 3).
        size_m: (m,) the longest sides of the axis-parallel boxes.
    """

    corners_m: Array
    low_m: Array
    high_m: Array
    middle_m: Array
    size_m: Array


def boxes_of(poses: Array, low_m: Array, extent_m: Array) -> Boxes:
    """Return the boxes given by (m, 4, 4) poses, lower corners and sizes (m, 3)."""
    inside = low_m[:, None] + _UNIT * extent_m[:, None]
    corners = np.einsum("mij,mkj->mki", poses[:, :3, :3], inside) + poses[:, None, :3, 3]
    low, high = corners.min(1), corners.max(1)
    return Boxes(corners, low, high, corners.mean(1), (high - low).max(1, initial=0.0))


def view_of(camera: CameraSpec, boxes: Boxes | None) -> View:
    """Return the view of a camera; near and far planes enclose what it sees of boxes, see `blind_m`."""
    cam_T_world = look_at(camera.eye_m, camera.target_m, camera.roll_rad)
    corners = np.zeros((0, 3)) if boxes is None else boxes.corners_m.reshape(-1, 3)
    depth = corners @ cam_T_world[2, :3] + cam_T_world[2, 3]
    far = max(float(depth.max(initial=0.0)) * 1.001, 1e-3)
    world_R_cam = cam_T_world[:3, :3].T
    world_R_pixel = np.asarray(world_R_cam @ np.linalg.inv(camera_matrix(camera)))
    # No point of the picture lies further from the eye than its depth times the length of the longest ray.
    edges = world_R_pixel @ _corner_pixels(camera.size_wh)
    longest = float(np.sqrt((edges * edges).sum(0)).max())
    nearest = float("inf") if boxes is None else nearest_box(camera.eye_m, boxes)
    free = max(float(depth.min(initial=far)), nearest / longest) * 0.99
    near = min(max(free, NEAREST_SHARE * far), 0.99 * far)
    return View(
        camera.size_wh,
        cam_T_world,
        clip_from_camera(camera, near, far),
        clip_from_camera(_corners_camera(camera), near, far),
        world_R_pixel,
        np.asarray(camera.eye_m, float),
        camera.focal_px,
        camera.center_px,
        near * longest if near > free else 0.0,
    )


def nearest_box(place_m: ArrayLike, boxes: Boxes) -> float:
    """Return the distance from a place (3,) to the nearest of the axis-parallel boxes."""
    if not len(boxes.low_m):
        return float("inf")
    place = np.asarray(place_m, float)
    off = np.maximum(np.maximum(boxes.low_m - place, place - boxes.high_m), 0)
    return float(np.sqrt((off * off).sum(1).min()))


@lru_cache(16)
def _pixels_over(size_wh: tuple[int, int], steps: int = 9) -> Array:
    """Return (n, 3) pixels (u, v, 1) in a grid from edge to edge."""
    width, height = size_wh
    u, v = np.meshgrid(np.linspace(-0.5, width - 0.5, steps), np.linspace(-0.5, height - 0.5, steps))
    return np.stack([u.ravel(), v.ravel(), np.ones(u.size)], 1)


@lru_cache(16)
def _corner_pixels(size_wh: tuple[int, int]) -> Array:
    """Return the picture's corners as columns (3, 4) of (u, v, 1)."""
    right, bottom = size_wh[0] - 0.5, size_wh[1] - 0.5
    return np.array([(-0.5, right, -0.5, right), (-0.5, -0.5, bottom, bottom), (1, 1, 1, 1)])


def _corners_camera(camera: CameraSpec) -> CameraSpec:
    (width, height), (cx, cy) = camera.size_wh, camera.center_px
    return replace(camera, size_wh=(width + 1, height + 1), center_px=(cx + 0.5, cy + 0.5))
