"""Poses, quaternions and the pinhole camera: the one place that knows axis conventions.

World: z up, metres. Camera: OpenCV axes (x right, y down, z forward). Quaternions: xyzw, as in PyBullet.
Pixels: the centre of the top-left pixel is (0, 0), so a point at pixel (u, v) lies in the image if
-0.5 <= u < width - 0.5. `a_T_b` maps coordinates in b to coordinates in a.
"""

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenCV's camera axes to OpenGL's."""


def rotation_from_quat(quat_xyzw: Iterable[float]) -> Array:
    """Return the (3, 3) rotation matrix of a quaternion of any non-zero length."""
    x, y, z, w = map(float, quat_xyzw)
    length = math.sqrt(x * x + y * y + z * z + w * w)  # plain numbers: numpy takes far longer for four of them
    return np.array(_rotation(x / length, y / length, z / length, w / length))


def _rotation(x: Any, y: Any, z: Any, w: Any) -> list[list[Any]]:
    """Return the rows of the rotation matrix of a unit quaternion: of plain numbers, or of an array for each."""
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]


def quat_from_rotation(rotation: ArrayLike) -> Array:
    """Return the (4,) unit xyzw quaternion, w >= 0, of a (3, 3) rotation matrix (Bar-Itzhack 2000, method 3).

    It is the eigenvector of the largest eigenvalue of a symmetric matrix: exact also where w is near 0.
    """
    r = np.asarray(rotation, float)
    matrix = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    quat = np.linalg.eigh(matrix)[1][:, -1]  # eigh reads the lower triangle
    return np.asarray(quat * (1 if quat[3] >= 0 else -1))


def quat_about(axis: ArrayLike, angle_rad: float) -> Array:
    """Return the (4,) xyzw quaternion that turns by `angle_rad` about `axis`."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    return np.array([*(unit * np.sin(angle_rad / 2)), np.cos(angle_rad / 2)])


def quat_multiply(first: ArrayLike, second: ArrayLike) -> Array:
    """Return `first * second` (xyzw): turn by `second`, then by `first`."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    return np.array([*vector, a[3] * b[3] - a[:3] @ b[:3]])


def pose_matrix(position_m: ArrayLike, quat_xyzw: Iterable[float]) -> Array:
    """Return the (4, 4) homogeneous transform of a position in metres and a quaternion."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_from_quat(quat_xyzw)
    matrix[:3, 3] = position_m
    return matrix


def pose_matrices(positions_m: ArrayLike, quats_xyzw: ArrayLike) -> Array:
    """Return `pose_matrix` of each of (n, 3) positions and (n, 4) quaternions, (n, 4, 4), in one go."""
    quats = np.asarray(quats_xyzw, float).reshape(-1, 4).T
    x, y, z, w = quats
    x, y, z, w = quats / np.sqrt(x * x + y * y + z * z + w * w)
    matrices = np.zeros((len(x), 4, 4))
    matrices[:, :3, :3] = np.moveaxis(np.array(_rotation(x, y, z, w)), 2, 0)
    matrices[:, :3, 3] = np.asarray(positions_m, float).reshape(-1, 3)
    matrices[:, 3, 3] = 1
    return matrices


def transform(matrix: ArrayLike, points_m: ArrayLike) -> Array:
    """Return the (n, 3) points mapped by the (4, 4) transform."""
    m = np.asarray(matrix, float)
    return np.asarray(np.asarray(points_m, float) @ m[:3, :3].T + m[:3, 3])


def cross(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the (3,) cross product of two vectors; numpy's own takes ten times as long for one pair."""
    (ax, ay, az), (bx, by, bz) = np.asarray(a, float).tolist(), np.asarray(b, float).tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def look_at(eye_m: ArrayLike, target_m: ArrayLike, roll_rad: float = 0.0) -> Array:
    """Return cam_T_world (4, 4) of a camera at `eye_m` that looks at `target_m`.

    With roll 0 the image's x axis is horizontal in the world; looking straight down, x points along the world's x.
    """
    eye = np.asarray(eye_m, float)
    forward = np.asarray(target_m, float) - eye
    forward /= math.sqrt(forward @ forward)
    right = cross(forward, (0.0, 0.0, 1.0))
    length = math.sqrt(right @ right)
    right = right / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    down = cross(forward, right)
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    rotation = np.array([cos * right + sin * down, cos * down - sin * right, forward])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ eye
    return matrix


def project(camera_matrix: ArrayLike, points_cam_m: ArrayLike) -> Array:
    """Return the (n, 2) pixels of (n, 3) camera-frame points in front of the camera (z > 0)."""
    points = np.asarray(points_cam_m, float)
    pixels = points @ np.asarray(camera_matrix, float).T
    return np.asarray(pixels[:, :2] / pixels[:, 2:3])


def opengl_view(cam_T_world: ArrayLike) -> list[float]:
    """Return OpenGL's view matrix (column-major, 16 floats; x right, y up, z backward)."""
    flipped: list[float] = (_FLIP @ np.asarray(cam_T_world, float)).T.ravel().tolist()
    return flipped


def opengl_projection(camera_matrix: ArrayLike, size_wh: tuple[int, int], near_m: float, far_m: float) -> list[float]:
    """Return OpenGL's projection matrix (column-major, 16 floats) of a pinhole camera.

    Made for renderers that sample a pixel at its centre: pixel (u, v) of this module's convention is
    the window coordinate (u + 0.5, height - (v + 0.5)).
    """
    width, height = size_wh
    k = np.asarray(camera_matrix, float)
    matrix = np.zeros((4, 4))
    matrix[0] = [2 * k[0, 0] / width, -2 * k[0, 1] / width, 1 - 2 * (k[0, 2] + 0.5) / width, 0]
    matrix[1] = [0, 2 * k[1, 1] / height, 2 * (k[1, 2] + 0.5) / height - 1, 0]
    matrix[2] = [0, 0, -(far_m + near_m) / (far_m - near_m), -2 * far_m * near_m / (far_m - near_m)]
    matrix[3, 2] = -1
    column_major: list[float] = matrix.T.ravel().tolist()
    return column_major


def depth_from_buffer(buffer: NDArray[np.float32], near_m: float, far_m: float) -> NDArray[np.float32]:
    """Return depth in metres along the optical axis from OpenGL's non-linear [0, 1] depth buffer."""
    depth = buffer.astype(np.float64)
    depth *= near_m - far_m
    depth += far_m
    return np.divide(far_m * near_m, depth, out=depth).astype(np.float32)
