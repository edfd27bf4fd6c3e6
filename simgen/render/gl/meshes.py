"""Meshes on the device: one pair of buffers that meshes are appended to, emptied when it is full.

So nothing is created or freed for a new mesh, the memory is bounded, and a mesh that scenes share is uploaded once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import AssetError
from simgen.render.gl.programs import Program, Programs
from simgen.render.items import Item

VERTEX = (("in_place", 3), ("in_normal", 3), ("in_uv", 2))
"""A vertex: 32-bit floats."""
STRIDE = 32
SMALLEST = 1 << 20
LARGEST = 1 << 28
"""Bytes of the vertices' buffer."""


@dataclass(frozen=True)
class Range:
    """Where a mesh lies: its indices are `count` from `first`; `closed` if its back faces are never seen."""

    first: int
    count: int
    closed: bool


class Meshes:
    """The buffers and what is in them."""

    def __init__(self, gl: Any, programs: Programs) -> None:
        self.gl, self.programs = gl, programs
        self._closed: dict[str, bool] = {}
        self._allocate(SMALLEST)

    def _allocate(self, size: int) -> None:
        self.size = size
        self.vertices = self.gl.buffer(reserve=size, dynamic=True)
        # A closed mesh has twice as many triangles as vertices; split vertices make it fewer.
        self.indices = self.gl.buffer(reserve=size, dynamic=True)
        self._empty()

    def _empty(self) -> None:
        self._ranges: dict[str, Range] = {}
        self._vertex_end = self._index_end = 0

    def release(self) -> None:
        """Free everything."""
        self.programs.forget_arrays()
        self.vertices.release()
        self.indices.release()

    def place(self, items: list[Item]) -> list[Range]:
        """Return where each item's mesh lies, after uploading those that are missing.

        Raises:
            AssetError: the meshes need more than the bound.
        """
        if not self._fits(items):
            self._make_room(items)
        return [self._ranges.get(item.mesh_key) or self._upload(item) for item in items]

    def _fits(self, items: list[Item]) -> bool:
        new = {i.mesh_key: i.mesh for i in items if i.mesh_key not in self._ranges}.values()
        vertices = self._vertex_end * STRIDE + sum(len(m.vertices_m) * STRIDE for m in new)
        indices = self._index_end * 4 + sum(m.faces.size * 4 for m in new)
        return max(vertices, indices) <= self.size

    def _make_room(self, items: list[Item]) -> None:
        self._empty()
        size = self.size
        meshes = {i.mesh_key: i.mesh for i in items}.values()
        need = max(sum(len(m.vertices_m) for m in meshes) * STRIDE, sum(m.faces.size for m in meshes) * 4)
        if need > LARGEST:
            raise AssetError(f"meshes of the scene: expected at most {LARGEST >> 20} MB, got {need >> 20} MB")
        while size < 2 * need and size < LARGEST:
            size *= 2
        if size > self.size:
            self.release()
            self._allocate(size)

    def _upload(self, item: Item) -> Range:
        mesh = item.mesh
        packed = np.concatenate([mesh.vertices_m, mesh.normals, mesh.uvs], 1).astype(np.float32)
        faces = (mesh.faces + self._vertex_end).astype(np.uint32)
        self.vertices.write(packed, offset=self._vertex_end * STRIDE)
        self.indices.write(faces, offset=self._index_end * 4)
        placed = Range(self._index_end, faces.size, item.convex or self._is_closed(item))
        self._vertex_end += len(packed)
        self._index_end += faces.size
        self._ranges[item.mesh_key] = placed
        return placed

    def _is_closed(self, item: Item) -> bool:
        if item.mesh_key not in self._closed:
            if len(self._closed) > 1000:
                self._closed.clear()
            self._closed[item.mesh_key] = is_closed(item.mesh.vertices_m, item.mesh.faces)
        return self._closed[item.mesh_key]

    def array(self, program: Program) -> Any:
        """Return the vertex array that feeds a program what it reads of position, normal and texture coordinates."""
        if "meshes" not in program.arrays:
            used = [(name, size) for name, size in VERTEX if name in program.made]
            layout = " ".join(f"{size}f" if name in program.made else f"{4 * size}x" for name, size in VERTEX)
            program.arrays["meshes"] = self.gl.vertex_array(
                program.made, [(self.vertices, layout, *(name for name, _ in used))], self.indices
            )
        return program.arrays["meshes"]


def is_closed(vertices_m: NDArray[np.float64], faces: NDArray[np.int64]) -> bool:
    """Return whether each edge has two triangles that run along it in opposite ways, and the volume is positive."""
    _, same = np.unique(np.round(vertices_m / max(np.ptp(vertices_m), 1e-9), 7), axis=0, return_inverse=True)
    joined = same.reshape(-1)[faces]
    joined = joined[(joined != np.roll(joined, 1, 1)).all(1)]
    start, end = joined.ravel(), np.roll(joined, -1, 1).ravel()
    there, back = start * len(vertices_m) + end, end * len(vertices_m) + start
    a, b, c = (vertices_m[faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return bool(volume > 0 and len(np.unique(there)) == len(there) and np.array_equal(np.sort(there), np.sort(back)))
