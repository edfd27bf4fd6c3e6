"""Cameras as matrices, for every renderer."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simgen.lens import camera_matrix
from simgen.scene import CameraSpec


def clip_from_camera(camera: CameraSpec, near_m: float, far_m: float) -> NDArray[np.float64]:
    """Return clip_T_cam (4, 4) from OpenCV camera axes to OpenGL's clip space, with rows upside down.

    A picture that is drawn upside down lies in memory from its top row to its bottom row, as images do in numpy: pixel
    (u, v) is the window coordinate (u + 0.5, v + 0.5). Front faces are clockwise then.
    """
    width, height = camera.size_wh
    k = camera_matrix(camera)
    clip = np.zeros((4, 4))
    clip[0, :3] = 2 * k[0] / width + (0, 0, 1 / width - 1)
    clip[1, :3] = 2 * k[1] / height + (0, 0, 1 / height - 1)
    clip[2, 2:] = (far_m + near_m) / (far_m - near_m), -2 * far_m * near_m / (far_m - near_m)
    clip[3, 2] = 1
    return clip


def enlarged(camera: CameraSpec, factor: int) -> CameraSpec:
    """Return the camera with `factor` times as many pixels in each direction and the same view."""
    (width, height), (fx, fy), (cx, cy) = camera.size_wh, camera.focal_px, camera.center_px
    return replace(
        camera,
        size_wh=(width * factor, height * factor),
        focal_px=(fx * factor, fy * factor),
        center_px=((cx + 0.5) * factor - 0.5, (cy + 0.5) * factor - 0.5),
        skew=camera.skew * factor,
    )
