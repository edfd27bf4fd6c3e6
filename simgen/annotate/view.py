"""`View`: a camera as matrices, from points to pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.geometry import look_at, project
from simgen.lens import Lens, camera_matrix, lens_of
from simgen.scene import CameraSpec


@dataclass(frozen=True, eq=False)
class View:
    """A camera as matrices: cam_T_world (4, 4), the camera matrix (3, 3), the image's size, and its lens."""

    cam_T_world: NDArray[np.float64]
    matrix: NDArray[np.float64]
    size_wh: tuple[int, int]
    lens: Lens | None = None

    @staticmethod
    def of(camera: CameraSpec) -> "View":
        pose = look_at(camera.eye_m, camera.target_m, camera.roll_rad)
        return View(pose, camera_matrix(camera), camera.size_wh, lens_of(camera))

    def pixels(self, points_cam_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixels (n, 2) of camera-frame points (n, 3) with z > 0."""
        if self.lens is None:
            return project(self.matrix, points_cam_m)
        return self.on_image(points_cam_m[:, :2] / points_cam_m[:, 2:])

    def on_image(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixels (n, 2) of points (n, 2) of the plane z = 1."""
        bent = xy if self.lens is None else self.lens.distort(xy)
        return project(self.matrix, np.column_stack([bent, np.ones(len(bent))]))
