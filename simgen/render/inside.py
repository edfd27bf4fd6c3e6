"""Whether a point lies inside a mesh: the generalized winding number (Jacobson et al. 2013). Pure."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.errors import ViewError
from simgen.render.items import Item, Pose
from simgen.scene import CameraSpec, LampSpec


def winding_number(point_m: ArrayLike, vertices_m: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    """Return how often a mesh surrounds a point: 1 inside, 0 outside, between the two before open meshes.

    The sum of the triangles' solid angles (van Oosterom and Strackee 1983) over 4 pi.
    """
    a, b, c = (vertices_m[faces[:, k]] - np.asarray(point_m, float) for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    dots = (np.einsum("ij,ij->i", x, y) for x, y in ((a, b), (b, c), (c, a)))
    ab, bc, ca = dots
    angle = np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb)
    return float(angle.sum() / (2 * np.pi))


def item_around(point_m: ArrayLike, items: list[Item], poses: list[Pose]) -> Item | None:
    """Return an item that a point of the world lies inside of, or None."""
    for item, pose in zip(items, poses, strict=True):
        inside = (np.asarray(point_m, float) - pose[:3, 3]) @ pose[:3, :3] - item.low_m
        near = (inside >= 0).all() and (inside <= item.extent_m).all()
        if near and winding_number(inside + item.low_m, item.mesh.vertices_m, item.mesh.faces) > 0.5:
            return item
    return None


def check_places(camera: CameraSpec, lamps: tuple[LampSpec, ...], items: list[Item], poses: list[Pose]) -> None:
    """Raise `ViewError` where the camera or a lamp stands inside of an object: the picture would be black."""
    named = [("camera", camera.eye_m)]
    named += [(f"lamp {n}", lamp.position_m) for n, lamp in enumerate(lamps) if lamp.kind != "directional"]
    for name, place in named:
        item = item_around(place, items, poses)
        if item is not None:
            raise ViewError(f'{name}: expected a place outside of all objects, got one inside "{item.name}"')
