"""What casts shadows, as one mesh in the world's axes that each lamp's map draws at once.

A map needs few triangles (see `topology`), and a software driver spends longer on a draw call than numpy on placing
these few. So the bodies are placed once a frame, and a lamp costs one or two draw calls, not one for each body.
Translucent bodies are few: they lie behind the others, and each has two draw calls, for where light enters and leaves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.render.gl.meshes import Range
from simgen.render.gl.programs import Program, Programs, columns
from simgen.render.gl.scratch import Scratch
from simgen.scene import MaterialSpec

ARRAY = "casters"
THROUGH = 1 / 3
"""Share of what a translucent body takes in that comes out behind it (light.frag.glsl knows it, too)."""
SHALLOWEST_M = 1e-4
"""Of the depths that light goes into bodies: a shadow map's numbers have 16 bits."""


@dataclass(frozen=True)
class Translucent:
    """A translucent body: its indices, whether it is closed, the share of light let through, and 1 / its depth."""

    first: int
    count: int
    closed: bool
    body: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Parts:
    """Meshes one behind the other, in the order in which they are drawn.

    Attributes:
        ranges, materials: of the items, in their own order.
        order: numbers of the items: two-sided surfaces come after closed ones, and translucent bodies last.
        faces: (n, 3) uint32, of all.
        closed, solid: how many indices closed bodies have that are not translucent, and how many all such bodies.
        translucent: the bodies that are.
    """

    ranges: list[Range]
    materials: list[MaterialSpec]
    order: list[int]
    faces: NDArray[np.uint32]
    closed: int
    solid: int
    translucent: list[Translucent]


def parts_of(ranges: list[Range], materials: list[MaterialSpec]) -> Parts:
    """Return the meshes of items, at least one, put together."""
    order = sorted(range(len(ranges)), key=lambda n: (materials[n].transmission > 0, not ranges[n].closed))
    meshes = [ranges[n].shadow for n in order]
    starts = np.cumsum([0, *(len(mesh.points_m) for mesh in meshes)])
    firsts = np.cumsum([0, *(mesh.faces.size for mesh in meshes)]).tolist()
    faces = np.concatenate([m.faces + np.uint32(start) for m, start in zip(meshes, starts, strict=False)])
    sums, translucent = [0, 0], []
    for n, first, mesh in zip(order, firsts, meshes, strict=False):
        material, closed = materials[n], ranges[n].closed
        if material.transmission > 0:
            body = (THROUGH * material.transmission, 1 / max(material.transmission_depth_m, SHALLOWEST_M))
            translucent.append(Translucent(first, mesh.faces.size, closed, body))
        else:
            sums[closed] += mesh.faces.size
    return Parts(ranges, materials, order, faces, sums[True], sum(sums), translucent)


class Casters:
    """The buffers: places are overwritten in each frame, indices where other meshes are drawn than in the last."""

    def __init__(self, gl: Any, programs: Programs) -> None:
        self.gl, self.programs = gl, programs
        self._vertices, self._indices = Scratch(gl), Scratch(gl)
        self._parts: Parts | None = None

    def place(self, ranges: list[Range], poses: NDArray[np.float64], materials: list[MaterialSpec]) -> None:
        """Put the meshes of `ranges` at `poses` (m, 4, 4) into the buffers."""
        parts = self._parts
        if not ranges:
            self._parts = None
            return
        if parts is None or parts.ranges != ranges or parts.materials != materials:
            parts = self._parts = parts_of(ranges, materials)
            self._indices.write(parts.faces)
        turns, places = poses[:, :3, :3].astype(np.float32), poses[:, :3, 3].astype(np.float32)
        points = [ranges[n].shadow.points_m @ turns[n].T + places[n] for n in parts.order]
        self._vertices.write(np.concatenate(points))

    def draw(self, clip_T_world: NDArray[np.float64]) -> None:
        """Draw what is not translucent into the depth buffer in use: where lines from the lamp leave closed bodies."""
        parts = self._parts
        if parts is None or not parts.solid:
            return
        _, array = self._fed("shadow", clip_T_world)
        if parts.closed:
            self.gl.enable(self.gl.CULL_FACE)
            array.render(vertices=parts.closed)
        if parts.solid > parts.closed:
            self.gl.disable(self.gl.CULL_FACE)
            array.render(vertices=parts.solid - parts.closed, first=parts.closed)

    def draw_translucent(self, clip_T_world: NDArray[np.float64], enter: bool) -> None:
        """Draw where lines from the lamp first enter, or first leave, translucent bodies; with what `body` says."""
        program, array = self._fed("translucent", clip_T_world)
        self.gl.cull_face = "front" if enter else "back"
        for part in self._parts.translucent if self._parts else ():
            program.put(body=part.body)
            if part.closed:
                self.gl.enable(self.gl.CULL_FACE)
            else:
                self.gl.disable(self.gl.CULL_FACE)
            array.render(vertices=part.count, first=part.first)
        self.gl.cull_face = "back"

    def _fed(self, name: str, clip_T_world: NDArray[np.float64]) -> tuple[Program, Any]:
        """Return a program and the vertex array that feeds it."""
        program = self.programs.get(name)
        program.put(clip_T_item=columns(clip_T_world))
        if ARRAY not in program.arrays:
            feed = [(self._vertices.buffer, "3f", "in_place")]
            program.arrays[ARRAY] = self.gl.vertex_array(program.made, feed, self._indices.buffer)
        return program, program.arrays[ARRAY]
