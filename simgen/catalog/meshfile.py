"""A mesh from a file: the user's CAD model."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simgen.catalog.mesh import Mesh, frozen
from simgen.catalog.meshcolors import corner_colors, texture_of
from simgen.catalog.shape import Collider, Model, model
from simgen.errors import AssetError
from simgen.scene import Vec3

MAX_FACES = 500_000
_DIRECTIONS = 192
_SMOOTH_COS = float(np.cos(np.deg2rad(35)))


@model
class MeshFile(Model):
    """A mesh file (obj, ply, stl, glb, dae, ...) in metres after `scale`; it falls as its convex hull.

    The object's frame is the file's: poses and keypoints are what a CAD program shows, times `scale`.
    The file's texture, or the colours of its parts, multiplies the material's base colour. So do its colours of
    vertices and faces, but only the gl renderer shows these.

    Attributes:
        path: relative to the configuration's folder.
        scale: e.g. 0.001 for a file in millimetres.
        name: its class.
        keypoints: named points in the file's frame, before `scale`.
        texture_px: pixels of the texture's edge.
    """

    convex: ClassVar[bool] = False

    path: str
    scale: Annotated[float, Field(gt=0)] = 1.0
    name: str | None = None
    keypoints: dict[str, Vec3] = Field(default_factory=dict)
    texture_px: Annotated[int, Field(ge=16, le=4096)] = 256

    def texture_size_wh(self) -> tuple[int, int]:
        return self.texture_px, self.texture_px

    def picture(self, root: Path) -> NDArray[np.uint8] | None:
        found = _load(root / self.path)[1]
        if found is None:
            return None
        how = cv2.INTER_AREA if max(found.shape) > self.texture_px else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(found, self.texture_size_wh(), interpolation=how), np.uint8)

    def mesh(self, root: Path) -> Mesh:
        return _scaled(root / self.path, self.scale)

    def center_m(self, root: Path) -> Vec3:
        vertices = load_mesh(root / self.path).vertices_m
        x, y, z = (float(v) for v in (vertices.min(0) + vertices.max(0)) / 2 * self.scale)
        return x, y, z

    def collider(self, root: Path) -> Collider:
        points = _hull(root / self.path) * self.scale - self.center_m(root)
        return Collider("hull", points_m=tuple((float(x), float(y), float(z)) for x, y, z in points))

    def class_name(self, world_R_object: NDArray[np.float64]) -> str | None:
        return self.name

    def keypoints_m(self) -> dict[str, Vec3]:
        return {name: (x * self.scale, y * self.scale, z * self.scale) for name, (x, y, z) in self.keypoints.items()}


def load_mesh(path: Path) -> Mesh:
    """Return the mesh of a file. Raises `AssetError` if it is missing, unreadable, empty or too large."""
    return _load(path)[0]


@lru_cache(maxsize=64)
def _load(path: Path) -> tuple[Mesh, NDArray[np.uint8] | None]:
    """Return a file's mesh and texture."""
    import trimesh

    if not path.is_file():
        found = "expected a mesh file, got a folder" if path.is_dir() else "there is no such file"
        raise AssetError(f'mesh "{path}": {found}')
    kind = path.suffix.lower().removeprefix(".")
    if kind not in trimesh.available_formats():
        raise AssetError(f'mesh "{path}": expected obj, ply, stl, glb or dae, got {path.suffix or "no suffix"}')
    try:
        scene: Any = trimesh.load(path, force="scene", process=False)
        loaded: Any = scene.to_mesh()
    except Exception:  # trimesh raises whatever its many parsers do
        raise AssetError(f'mesh "{path}": expected a readable mesh, got one that cannot be decoded') from None
    faces = np.asarray(getattr(loaded, "faces", ()), np.int64)
    if not 0 < len(faces) <= MAX_FACES:
        raise AssetError(f'mesh "{path}": expected 1 to {MAX_FACES} triangles, got {len(faces)}')
    vertices = np.asarray(loaded.vertices, np.float64)
    if not np.isfinite(vertices).all():
        raise AssetError(f'mesh "{path}": expected finite coordinates, got NaN or infinity')
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    if not np.cross(second - first, third - first).any():
        raise AssetError(f'mesh "{path}": expected triangles with an area, got {len(faces)} without')
    uv = getattr(loaded.visual, "uv", None)
    uvs = np.asarray(uv, np.float64) * (1, -1) + (0, 1) if uv is not None else _box_uvs(vertices)
    linear = kind in ("glb", "gltf")
    return creased(vertices, faces, uvs, corner_colors(scene, faces, linear)), texture_of(loaded, linear)


def creased(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    uvs: NDArray[np.float64],
    colors: NDArray[np.uint8] | None = None,
) -> Mesh:
    """Return a mesh that is smooth where it is round and sharp at its edges, whether or not they share vertices.

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        uvs: (V, 2).
        colors: (3F, 3) of the faces' corners.
    """
    corners = faces.ravel()
    normals = crease_normals(vertices, faces)
    return _joined(Mesh(vertices[corners], np.arange(len(corners)).reshape(-1, 3), normals, uvs[corners], colors))


def _joined(split: Mesh) -> Mesh:
    """Return a mesh of which corners that are alike are one vertex, in the file's order: renderers work on each vertex.

    Args:
        split: a mesh whose vertices are the faces' corners.
    """
    rows: list[NDArray[Any]] = [split.vertices_m, split.normals, split.uvs]
    if split.colors is not None:
        rows.append(split.colors)
    _, first, which = np.unique(np.concatenate(rows, 1), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    kept, rank = first[order], np.argsort(order)
    return Mesh(
        split.vertices_m[kept],
        rank[which.ravel()].reshape(-1, 3),
        split.normals[kept],
        split.uvs[kept],
        None if split.colors is None else split.colors[kept],
    )


@lru_cache(maxsize=16)
def _scaled(path: Path, scale: float) -> Mesh:
    loaded = load_mesh(path)
    return frozen(replace(loaded, vertices_m=loaded.vertices_m * scale))


@lru_cache(maxsize=64)
def _hull(path: Path) -> NDArray[np.float64]:
    points = _support(load_mesh(path).vertices_m)
    points.flags.writeable = False
    return points


def crease_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (3F, 3) unit normals of the faces' corners: round surfaces are smooth, edges above 35 degrees are sharp.

    A corner takes the area-weighted mean over the faces at its place that lie within the angle of its own.
    """
    weighted = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-30)
    _, place = np.unique(vertices, axis=0, return_inverse=True)
    place = np.asarray(place).ravel()[faces.ravel()]
    order = np.argsort(place, kind="stable")
    face = order // 3
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    first = np.repeat(starts, sizes)
    size = np.repeat(sizes, sizes)
    total = np.zeros((len(order), 3))
    for step in range(int(sizes.max(initial=0))):
        here = np.flatnonzero(step < size)
        other = face[first[here] + step]
        near = np.einsum("ij,ij->i", unit[face[here]], unit[other]) > _SMOOTH_COS
        total[here[near]] += weighted[other[near]]
    normals = np.empty_like(total)
    normals[order] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)
    return normals


def _support(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the vertices that lie farthest in directions spread over the sphere: a hull that PyBullet can afford.

    The directions are the axes and a Fibonacci lattice (Gonzalez 2010).
    """
    k = np.arange(_DIRECTIONS) + 0.5
    height, turn = 1 - 2 * k / _DIRECTIONS, np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - height**2)
    spread = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], 1)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    corners = np.unique((vertices @ np.concatenate([axes, spread]).T).argmax(axis=0))
    return np.asarray(vertices[corners], np.float64)


def _box_uvs(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    low, extent = vertices.min(0), np.ptp(vertices, axis=0)
    flat = np.argsort(extent)[::-1][:2]
    return np.asarray((vertices - low)[:, flat] / np.maximum(extent[flat], 1e-9))
