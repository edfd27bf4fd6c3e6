"""What can be seen from where: points on a surface, and what may be in the way from them to an eye."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import ArrayLike, NDArray

from simgen.bullet import p
from simgen.catalog import Mesh
from simgen.collector import collector_paused
from simgen.envs.boxes import Boxes
from simgen.geometry import look_at, project, rotation_from_quat, transform
from simgen.render import camera_matrix
from simgen.scene import CameraSpec
from simgen.world import Body

Array = NDArray[np.float64]
_OFF_M = 5e-4
"""How far from its surface a point's ray starts."""
_MOST_RAYS = 16_000
"""That PyBullet casts at once."""


def surface_points(mesh: Mesh, count: int, rng: Generator) -> tuple[Array, Array]:
    """Return points (count, 3) spread evenly over the area of a mesh, and the normals (count, 3) of their triangles."""
    a, b, c = np.moveaxis(mesh.vertices_m[mesh.faces], 1, 0)
    across = np.cross(b - a, c - a)
    area = np.linalg.norm(across, axis=1)
    chosen = np.searchsorted(np.cumsum(area) / area.sum(), (np.arange(count) + rng.random(count)) / count)
    chosen = np.minimum(chosen, len(area) - 1)
    u, v = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1 - u, u * (1 - v), u * v], 1)[..., None]
    points = (np.stack([a, b, c], 1)[chosen] * weights).sum(1)
    return points, across[chosen] / area[chosen, None]


def facing(eyes_m: Array, points_m: Array, normals: Array) -> NDArray[np.bool_]:
    """Return which of n points (n, 3), with normals (n, 3), face each of v places (v, 3): (v, n)."""
    return np.asarray(eyes_m @ normals.T > (points_m * normals).sum(1))


class Sight:
    """Exact surfaces that rays hit, in a PyBullet client of their own: what is simulated has simpler shapes."""

    def __init__(self, meshes: Sequence[Mesh], centers_m: Sequence[ArrayLike]) -> None:
        """Build the surfaces, each about its centre."""
        self._client = p.connect(p.DIRECT)
        self._bodies = [self._body(mesh, center) for mesh, center in zip(meshes, centers_m, strict=True)]

    def _body(self, mesh: Mesh, center_m: ArrayLike) -> int:
        shape = p.createCollisionShape(
            p.GEOM_MESH,
            vertices=(mesh.vertices_m - np.asarray(center_m)).tolist(),
            indices=mesh.faces.ravel().tolist(),
            flags=p.GEOM_FORCE_CONCAVE_TRIMESH,
            physicsClientId=self._client,
        )
        return int(p.createMultiBody(0, shape, physicsClientId=self._client))

    def place(self, number: int, position_m: ArrayLike, quat_xyzw: ArrayLike) -> None:
        """Put a surface somewhere."""
        place, turn = np.asarray(position_m, float).tolist(), np.asarray(quat_xyzw, float).tolist()
        p.resetBasePositionAndOrientation(self._bodies[number], place, turn, physicsClientId=self._client)

    def sees(self, eyes_m: ArrayLike, points_m: Array, normals: Array) -> NDArray[np.bool_]:
        """Return which of n points (n, 3) are seen from each of v places (v, 3): (v, n).

        Args:
            eyes_m: the places, outside of all bodies.
            points_m: on a surface.
            normals: (n, 3) outwards there, unit length; a point is not seen from behind.
        """
        eyes = np.asarray(eyes_m, float)
        seen = facing(eyes, points_m, normals)
        view, point = np.nonzero(seen)
        starts, ends = (points_m + _OFF_M * normals)[point], eyes[view]
        parts = range(0, len(point), _MOST_RAYS)
        free = [self._free(starts[i : i + _MOST_RAYS], ends[i : i + _MOST_RAYS]) for i in parts]
        seen[view, point] = np.concatenate(free) if free else False
        return seen

    def _free(self, starts_m: Array, ends_m: Array) -> NDArray[np.bool_]:
        with collector_paused():  # the hits end in it, too
            return np.array([hit[0] < 0 for hit in p.rayTestBatch(starts_m, ends_m, physicsClientId=self._client)])

    def close(self) -> None:
        """Disconnect from PyBullet; may be called again."""
        if self._client >= 0:
            p.disconnect(physicsClientId=self._client)
            self._client = -1


class Surface:
    """Points on a body, which it and some boxes may hide.

    Boxes hide by formula, and a convex body hides of itself what faces away; only of others rays find out.
    """

    def __init__(self, body: Body, boxes: Sequence[Body], count: int) -> None:
        """Spread `count` points over a body. The others have to be boxes."""
        points, self._normals = surface_points(body.mesh, count, default_rng(0))
        self._points_m = points - np.array(body.center_m)
        sizes = [np.subtract(*reversed(box.mesh.bounds_m)) for box in boxes]
        self._boxes = Boxes(sizes)
        self._itself = None if body.model.convex else Sight([body.mesh], [body.center_m])

    def move(self, pose: tuple[Array, Array], boxes: Sequence[tuple[Array, Array]]) -> None:
        """Put the body and the boxes where they are now: positions and xyzw quaternions."""
        place, quat = pose
        if self._itself is not None:
            self._itself.place(0, place, quat)
        self._boxes.move(boxes)
        turn = rotation_from_quat(quat)
        self._now, self._facing = self._points_m @ turn.T + place, self._normals @ turn.T

    def seen_from(self, eyes_m: ArrayLike) -> NDArray[np.bool_]:
        """Return which of the n points are seen from each of v places (v, 3): (v, n)."""
        eyes = np.asarray(eyes_m, float)
        return self._bare(eyes) & ~self._boxes.hide(eyes, self._now)

    def _bare(self, eyes_m: Array) -> NDArray[np.bool_]:
        """Return the same where there are no boxes."""
        if self._itself is None:
            return facing(eyes_m, self._now, self._facing)
        return self._itself.sees(eyes_m, self._now, self._facing)

    def in_picture(self, camera: CameraSpec) -> NDArray[np.bool_]:
        """Return which points (n,) lie within a camera's picture, seen or not."""
        local = transform(look_at(camera.eye_m, camera.target_m, camera.roll_rad), self._now)
        pixels = project(camera_matrix(camera), local)
        inside = (pixels >= -0.5) & (pixels < np.array(camera.size_wh) - 0.5)
        return np.asarray(inside.all(1) & (local[:, 2] > 0))

    def share_of_silhouette(self, camera: CameraSpec, seen: NDArray[np.bool_]) -> float:
        """Return how much of the area that the body would cover in a picture, if it stood alone, the seen points are.

        A point stands for an equal part of the surface, which covers more of a picture the more it faces the camera.
        """
        whole = self._bare(np.array([camera.eye_m]))[0]
        ray = np.array(camera.eye_m) - self._now
        cover = whole * (ray * self._facing).sum(1) / np.linalg.norm(ray, axis=1) ** 3
        return float(cover[seen].sum() / max(cover.sum(), 1e-12))

    def close(self) -> None:
        """Free what rays hit; may be called again."""
        if self._itself is not None:
            self._itself.close()
