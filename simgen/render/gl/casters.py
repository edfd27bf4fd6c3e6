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


class Casters:
    """The buffers, overwritten in each frame."""

    def __init__(self, gl: Any, programs: Programs) -> None:
        self.gl, self.programs = gl, programs
        self._vertices, self._indices = Scratch(gl), Scratch(gl)
        self._closed = self._all = 0
        self.translucent: list[Translucent] = []

    def place(self, ranges: list[Range], poses: NDArray[np.float64], materials: list[MaterialSpec]) -> None:
        """Put the meshes of `ranges` at `poses` (m, 4, 4) into the buffers.

        Those with two-sided surfaces come after closed ones, and translucent ones last.
        """
        order = sorted(range(len(ranges)), key=lambda n: (materials[n].transmission > 0, not ranges[n].closed))
        solid = [n for n in order if materials[n].transmission == 0]
        self.translucent = []
        points: list[NDArray[np.float32]] = []
        faces: list[NDArray[np.uint32]] = []
        start = 0
        for n in order:
            mesh, material = ranges[n].shadow, materials[n]
            if material.transmission > 0:
                body = (THROUGH * material.transmission, 1 / max(material.transmission_depth_m, SHALLOWEST_M))
                first = sum(f.size for f in faces)
                self.translucent.append(Translucent(first, mesh.faces.size, ranges[n].closed, body))
            rotation, place = poses[n, :3, :3].astype(np.float32), poses[n, :3, 3].astype(np.float32)
            points.append(mesh.points_m @ rotation.T + place)
            faces.append(mesh.faces + np.uint32(start))
            start += len(mesh.points_m)
        self._all = sum(ranges[n].shadow.faces.size for n in solid)
        self._closed = sum(ranges[n].shadow.faces.size for n in solid if ranges[n].closed)
        if faces:
            self._vertices.write(np.concatenate(points))
            self._indices.write(np.concatenate(faces))

    def draw(self, clip_T_world: NDArray[np.float64]) -> None:
        """Draw what is not translucent into the depth buffer in use: where lines from the lamp leave closed bodies."""
        if not self._all:
            return
        _, array = self._fed("shadow", clip_T_world)
        if self._closed:
            self.gl.enable(self.gl.CULL_FACE)
            array.render(vertices=self._closed)
        if self._all > self._closed:
            self.gl.disable(self.gl.CULL_FACE)
            array.render(vertices=self._all - self._closed, first=self._closed)

    def draw_translucent(self, clip_T_world: NDArray[np.float64], enter: bool) -> None:
        """Draw where lines from the lamp first enter, or first leave, translucent bodies; with what `body` says."""
        program, array = self._fed("translucent", clip_T_world)
        self.gl.cull_face = "front" if enter else "back"
        for part in self.translucent:
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
