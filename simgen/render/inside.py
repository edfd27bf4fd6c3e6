"""Cameras and lamps that stand inside of an object, or a camera too near to one."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.catalog import surrounds
from simgen.errors import ViewError
from simgen.render.items import Item, Pose
from simgen.scene import CameraSpec, LampSpec


def items_around(points_m: ArrayLike, items: list[Item], poses: list[Pose]) -> list[Item | None]:
    """Return for each of points (n, 3) of the world an item that it lies inside of, or None."""
    points = np.asarray(points_m, float)
    found: list[Item | None] = [None] * len(points)
    if items:
        stacked, low = np.array(poses), np.array([item.low_m for item in items])
        inside = np.einsum("mij,nmi->nmj", stacked[:, :3, :3], points[:, None] - stacked[:, :3, 3])
        in_box = ((inside > low) & (inside < low + np.array([item.extent_m for item in items]))).all(2)
        for n, m in zip(*np.nonzero(in_box), strict=True):
            if found[n] is None and surrounds(items[m].mesh, inside[n, m]):
                found[n] = items[m]
    return found


def check_near(camera: CameraSpec, blind_m: float, items: list[Item], poses: list[Pose]) -> None:
    """Raise `ViewError` where a surface is nearer to the camera than `blind_m`: a renderer would cut it off."""
    import trimesh

    closest: Any = trimesh.triangles.closest_point
    for item, pose in zip(items, poses, strict=True) if blind_m else ():
        eye = pose[:3, :3].T @ (np.asarray(camera.eye_m, float) - pose[:3, 3])
        beyond = np.maximum(np.maximum(item.low_m - eye, eye - item.low_m - item.extent_m), 0)
        if np.linalg.norm(beyond) >= blind_m:
            continue
        triangles = item.mesh.vertices_m[item.mesh.faces]
        nearest = closest(triangles, np.broadcast_to(eye, (len(triangles), 3)))
        distance = float(np.linalg.norm(nearest - eye, axis=1).min())
        if distance < blind_m:
            raise ViewError(
                f"camera: expected at least {blind_m:.2g} m to all surfaces in a scene this deep, "
                f'got {distance:.2g} m to "{item.name}"'
            )


def check_places(
    camera: CameraSpec,
    lamps: tuple[LampSpec, ...],
    items: list[Item],
    poses: list[Pose],
    bounds_m: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Raise `ViewError` where the camera or a lamp stands inside of an object: the picture would be black.

    `bounds_m` are the lowest and the highest coordinates (m, 3) of each item in the world.
    """
    named = [("camera", camera.eye_m)]
    named += [(f"lamp {n}", lamp.position_m) for n, lamp in enumerate(lamps) if lamp.kind != "directional"]
    places = np.array([place for _, place in named], float)
    low, high = bounds_m
    if not ((places[:, None] > low) & (places[:, None] < high)).all(2).any():
        return
    around = items_around(places, items, poses)
    for (name, _), item in zip(named, around, strict=True):
        if item is not None:
            raise ViewError(f'{name}: expected a place outside of all objects, got one inside "{item.name}"')
