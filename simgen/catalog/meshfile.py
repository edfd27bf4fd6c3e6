"""A mesh from a file: the user's CAD model."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simgen.catalog.mesh import Mesh
from simgen.catalog.shape import Collider, Model, model
from simgen.errors import AssetError
from simgen.scene import Vec3

MAX_FACES = 500_000


@model
class MeshFile(Model):
    """A mesh file (obj, ply, stl, glb, dae, ...) in metres after `scale`; it falls as its bounding box.

    Attributes:
        path: relative to the configuration's folder.
        scale: e.g. 0.001 for a file in millimetres.
        name: its class.
        keypoints: named points in the file's frame, before `scale`.
    """

    convex: ClassVar[bool] = False

    path: str
    scale: Annotated[float, Field(gt=0)] = 1.0
    name: str | None = None
    keypoints: dict[str, Vec3] = Field(default_factory=dict)

    def mesh(self, root: Path) -> Mesh:
        loaded = load_mesh(root / self.path)
        low, high = loaded.vertices_m.min(0), loaded.vertices_m.max(0)
        centered = loaded.vertices_m - (low + high) / 2
        return Mesh(centered * self.scale, loaded.faces, loaded.normals, loaded.uvs)

    def collider(self, root: Path) -> Collider:
        extent = np.ptp(load_mesh(root / self.path).vertices_m, axis=0) * self.scale
        return Collider("box", tuple(float(max(e, 1e-4)) / 2 for e in extent))

    def class_name(self, world_R_object: NDArray[np.float64]) -> str | None:
        return self.name

    def keypoints_m(self) -> dict[str, Vec3]:
        return {name: (x * self.scale, y * self.scale, z * self.scale) for name, (x, y, z) in self.keypoints.items()}


@lru_cache(maxsize=64)
def load_mesh(path: Path) -> Mesh:
    """Return the mesh of a file. Raises `AssetError` if it is missing, unreadable, empty or too large."""
    import trimesh

    if not path.is_file():
        raise AssetError(f'mesh "{path}": there is no such file')
    try:
        loaded: Any = trimesh.load(path, force="mesh", process=False)
    except Exception as error:  # trimesh raises whatever its many parsers do
        raise AssetError(f'mesh "{path}": expected a readable mesh, got {type(error).__name__}: {error}') from None
    faces = np.asarray(getattr(loaded, "faces", ()), np.int64)
    if not 0 < len(faces) <= MAX_FACES:
        raise AssetError(f'mesh "{path}": expected 1 to {MAX_FACES} triangles, got {len(faces)}')
    vertices = np.asarray(loaded.vertices, np.float64)
    if not np.isfinite(vertices).all():
        raise AssetError(f'mesh "{path}": expected finite coordinates, got NaN or infinity')
    uv = getattr(loaded.visual, "uv", None)
    uvs = np.asarray(uv, np.float64) * (1, -1) + (0, 1) if uv is not None else _box_uvs(vertices)
    return Mesh(vertices, faces, np.asarray(loaded.vertex_normals, np.float64), uvs)


def _box_uvs(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    low, extent = vertices.min(0), np.ptp(vertices, axis=0)
    flat = np.argsort(extent)[::-1][:2]
    return np.asarray((vertices - low)[:, flat] / np.maximum(extent[flat], 1e-9))
