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
        self._chosen = np.empty((1024, 3), np.uint32)

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
        most = sum(len(mesh.indices) for mesh in meshes)
        if most > len(self._chosen):
            self._chosen = np.empty((1 << most.bit_length(), 3), np.uint32)
        drawn: list[Drawn] = []
        end = 0
        for mesh, eye in zip(meshes, eyes, strict=True):
            start, end = end, end + self._choose(mesh, eye, end)
            drawn.append((3 * start, 3 * (end - start)))
        if end:
            self._scratch.write(self._chosen[:end])
        return drawn

    def _choose(self, mesh: Faces, eye_m: NDArray[np.float64], start: int) -> int:
        """Put a mesh's triangles behind the others; return how many they are."""
        if mesh.planes is None:
            count = len(mesh.indices)
            np.add(mesh.indices, np.uint32(mesh.start), out=self._chosen[start : start + count])
            return count
        seen = facing(mesh.planes, eye_m)
        count = int(np.count_nonzero(seen))
        kept = self._chosen[start : start + count]
        mesh.indices.compress(seen, 0, out=kept)
        kept += np.uint32(mesh.start)
        return count
