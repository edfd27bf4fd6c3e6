"""The triangles that face the camera, chosen before they are drawn.

A graphics card drops the others itself. A software driver prepares every triangle on one thread, which in small
pictures of dense meshes is most of a frame. Choosing takes numpy a fifth of that, and one choice serves two passes.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.catalog import Mesh
from simgen.render.gl.scratch import Scratch

Planes = NDArray[np.float32]
SLACK = 1e-4
"""Share of the eye's distance by which a triangle may seem to face away and is still drawn: rounding drops none."""
Drawn = tuple[int, int]
"""First index and number of indices."""


@dataclass(frozen=True, eq=False)
class Faces:
    """A mesh's triangles.

    Attributes:
        indices: (F, 3) uint32 of its vertices.
        start: where its vertices start in their buffer.
        planes: (F, 4) see `planes_of`; None where both sides are seen.
    """

    indices: NDArray[np.uint32]
    start: int
    planes: Planes | None


def planes_of(mesh: Mesh) -> Planes:
    """Return (F, 4) the triangles' outward unit normals and their distances from the mesh's origin."""
    a, b, c = np.moveaxis(mesh.vertices_m[mesh.faces], 1, 0)
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    return np.column_stack([normals, -np.einsum("ij,ij->i", normals, a)]).astype(np.float32)


def facing(planes: Planes, eye_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (F,) whether triangles may face a place (3,) of the mesh's frame."""
    x, y, z = eye_m.tolist()
    return np.asarray(planes @ np.array([x, y, z, 1.0], np.float32) > -SLACK * math.hypot(x, y, z))


class FrontFaces:
    """A buffer of indices, overwritten in each frame."""

    def __init__(self, gl: Any) -> None:
        self._scratch = Scratch(gl)
        self.indices = self._scratch.buffer

    def choose(self, meshes: list[Faces], poses: NDArray[np.float64], eye_m: NDArray[np.float64]) -> list[Drawn]:
        """Put the triangles that face the eye into the buffer, all of those of open meshes.

        Args:
            meshes: their triangles.
            poses: (m, 4, 4) world_T_mesh.
            eye_m: (3,) in the world.

        Returns:
            Where each mesh's indices lie.
        """
        eyes = np.einsum("mij,mi->mj", poses[:, :3, :3], eye_m - poses[:, :3, 3])
        chosen = [_chosen(mesh, eye) for mesh, eye in zip(meshes, eyes, strict=True)]
        ends = np.cumsum([0, *(faces.size for faces in chosen)])
        if ends[-1]:
            self._scratch.write(np.concatenate(chosen))
        return [(int(start), faces.size) for start, faces in zip(ends, chosen, strict=False)]


def _chosen(mesh: Faces, eye_m: NDArray[np.float64]) -> NDArray[np.uint32]:
    indices = mesh.indices if mesh.planes is None else mesh.indices.compress(facing(mesh.planes, eye_m), 0)
    return indices + np.uint32(mesh.start)
