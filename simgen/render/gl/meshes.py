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
from simgen.render.gl.facing import Drawn, Faces, FrontFaces, planes_of
from simgen.render.gl.programs import Program, Programs
from simgen.render.gl.topology import Topologies, coarse_vertices
from simgen.render.items import Item

VERTEX = np.dtype([("place", "f4", 3), ("normal", "f4", 3), ("uv", "f4", 2), ("color", "u1", 4)])
LAYOUT = (("in_place", "3f"), ("in_normal", "3f"), ("in_uv", "2f"), ("in_color", "4f1"))
"""The same for OpenGL, with the names that shaders know; a colour's last byte is not used."""
STRIDE = VERTEX.itemsize
SMALLEST = 1 << 20
LARGEST = 1 << 28
"""Bytes of the vertices' buffer."""


@dataclass(frozen=True, eq=False)
class ShadowMesh:
    """A mesh for shadow maps: (n, 3) float32 metres, (m, 3) uint32."""

    points_m: NDArray[np.float32]
    faces: NDArray[np.uint32]


@dataclass(frozen=True)
class Range:
    """Where a mesh lies.

    Attributes:
        first, count: its indices.
        closed: whether its back faces are never seen.
        shadow: what stands for it in shadow maps. Joining vertices of a closed mesh leaves it closed.
        faces: its triangles, where the driver is better spared those that face away.
    """

    first: int
    count: int
    closed: bool
    shadow: ShadowMesh
    faces: Faces | None


class Meshes:
    """The buffers and what is in them."""

    def __init__(self, gl: Any, programs: Programs, software: bool) -> None:
        """`software`: whether the driver draws on the processor."""
        self.gl, self.programs = gl, programs
        self.front = FrontFaces(gl) if software else None
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
        first, count = self._append(_vertices(mesh), mesh.faces)
        points, faces = mesh.vertices_m, mesh.faces
        if shape.cluster is not None and shape.coarse_faces is not None:
            points, faces = coarse_vertices(points, shape.cluster), shape.coarse_faces
        shadow = ShadowMesh(points.astype(np.float32), faces.astype(np.uint32))
        drawn = None
        if self.front is not None:
            start = np.uint32(self._vertex_end - len(mesh.vertices_m))
            drawn = Faces(mesh.faces.astype(np.uint32) + start, planes_of(mesh) if shape.closed else None)
        self._ranges[item.mesh_key] = Range(first, count, shape.closed, shadow, drawn)
        return self._ranges[item.mesh_key]

    def _append(self, vertices: NDArray[np.void], faces: NDArray[np.int64]) -> tuple[int, int]:
        """Write a mesh behind the others; return where its indices start, and how many they are."""
        first = self._index_end
        self.vertices.write(vertices, offset=self._vertex_end * STRIDE)
        self.indices.write((faces + self._vertex_end).astype(np.uint32), offset=first * 4)
        self._vertex_end += len(vertices)
        self._index_end += faces.size
        return first, int(faces.size)

    def seen(self, ranges: list[Range], poses: NDArray[np.float64], eye_m: NDArray[np.float64]) -> list[Drawn]:
        """Return which indices of `array` draw what an eye (3,) can see of meshes at poses (m, 4, 4)."""
        if self.front is None:
            return [(range_.first, range_.count) for range_ in ranges]
        return self.front.choose([r.faces for r in ranges if r.faces is not None], poses, eye_m)

    def array(self, program: Program) -> Any:
        """Return the vertex array that feeds a program what it reads of the vertices."""
        indices = self.indices if self.front is None else self.front.indices
        if "meshes" not in program.arrays:
            used = [name for name, _ in LAYOUT if name in program.made]
            sizes = [VERTEX[number].itemsize for number in range(len(LAYOUT))]
            layout = " ".join(
                kind if name in used else f"{size}x" for (name, kind), size in zip(LAYOUT, sizes, strict=True)
            )
            program.arrays["meshes"] = self.gl.vertex_array(program.made, [(self.vertices, layout, *used)], indices)
        return program.arrays["meshes"]


def _vertices(mesh: Mesh) -> NDArray[np.void]:
    """Return (V,) of `VERTEX`."""
    made = np.empty(len(mesh.vertices_m), VERTEX)
    made["place"], made["normal"], made["uv"] = mesh.vertices_m, mesh.normals, mesh.uvs
    made["color"] = 255
    if mesh.colors is not None:
        made["color"][:, :3] = mesh.colors
    return made


def _most_bytes(meshes: Iterable[Mesh]) -> int:
    """Return the bytes that meshes take at most in either buffer."""
    return sum(max(len(m.vertices_m) * STRIDE, m.faces.size * 4) for m in meshes)
