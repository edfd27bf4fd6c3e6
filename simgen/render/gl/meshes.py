"""Meshes on the device: one pair of buffers that meshes are appended to, emptied when it is full.

So nothing is created or freed for a new mesh, the memory is bounded, and a mesh that scenes share is uploaded once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.catalog import Mesh
from simgen.errors import AssetError
from simgen.render.gl.programs import Program, Programs
from simgen.render.gl.topology import Topologies, coarse_vertices
from simgen.render.items import Item

VERTEX = (("in_place", 3), ("in_normal", 3), ("in_uv", 2))
"""A vertex: 32-bit floats."""
STRIDE = 32
SMALLEST = 1 << 20
LARGEST = 1 << 28
"""Bytes of the vertices' buffer."""


@dataclass(frozen=True)
class Range:
    """Where a mesh lies.

    Attributes:
        first, count: its indices.
        closed: whether its back faces are never seen.
        shadow_first, shadow_count: the indices of a coarser mesh for shadow maps, or the same. Joining vertices of
            a closed mesh leaves it closed.
    """

    first: int
    count: int
    closed: bool
    shadow_first: int
    shadow_count: int


class Meshes:
    """The buffers and what is in them."""

    def __init__(self, gl: Any, programs: Programs) -> None:
        self.gl, self.programs = gl, programs
        self.topologies = Topologies()
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
        return max(self._vertex_end * STRIDE, self._index_end * 4) + _most_bytes(new) <= self.size

    def _make_room(self, items: list[Item]) -> None:
        self._empty()
        size = self.size
        need = _most_bytes({i.mesh_key: i.mesh for i in items}.values())
        if need > LARGEST:
            raise AssetError(f"meshes of the scene: expected at most {LARGEST >> 20} MB, got {need >> 20} MB")
        while size < 2 * need and size < LARGEST:
            size *= 2
        if size > self.size:
            self.release()
            self._allocate(size)

    def _upload(self, item: Item) -> Range:
        mesh = item.mesh
        shape = self.topologies.of(mesh.vertices_m, mesh.faces, item.convex)
        first, count = self._append(np.concatenate([mesh.vertices_m, mesh.normals, mesh.uvs], 1), mesh.faces)
        placed = Range(first, count, shape.closed, first, count)
        if shape.cluster is not None and shape.coarse_faces is not None:
            points = coarse_vertices(mesh.vertices_m, shape.cluster)
            packed = np.concatenate([points, np.zeros((len(points), 5))], 1)
            placed = Range(first, count, shape.closed, *self._append(packed, shape.coarse_faces))
        self._ranges[item.mesh_key] = placed
        return placed

    def _append(self, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[int, int]:
        """Write a mesh behind the others; return where its indices start, and how many they are."""
        first = self._index_end
        self.vertices.write(vertices.astype(np.float32), offset=self._vertex_end * STRIDE)
        self.indices.write((faces + self._vertex_end).astype(np.uint32), offset=first * 4)
        self._vertex_end += len(vertices)
        self._index_end += faces.size
        return first, int(faces.size)

    def array(self, program: Program) -> Any:
        """Return the vertex array that feeds a program what it reads of position, normal and texture coordinates."""
        if "meshes" not in program.arrays:
            used = [(name, size) for name, size in VERTEX if name in program.made]
            layout = " ".join(f"{size}f" if name in program.made else f"{4 * size}x" for name, size in VERTEX)
            program.arrays["meshes"] = self.gl.vertex_array(
                program.made, [(self.vertices, layout, *(name for name, _ in used))], self.indices
            )
        return program.arrays["meshes"]


def _most_bytes(meshes: Iterable[Mesh]) -> int:
    """Return the bytes that meshes and their coarser ones take at most in either buffer."""
    return sum(2 * max(len(m.vertices_m) * STRIDE, m.faces.size * 4) for m in meshes)
