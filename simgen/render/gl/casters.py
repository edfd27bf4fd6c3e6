"""What casts shadows, as one mesh in the world's axes that each lamp's map draws at once.

A map needs few triangles (see `topology`), and a software driver spends longer on a draw call than numpy on placing
these few. So the bodies are placed once a frame, and a lamp costs one or two draw calls, not one for each body.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.render.gl.meshes import Range
from simgen.render.gl.programs import Programs, columns
from simgen.render.gl.scratch import Scratch

ARRAY = "casters"


class Casters:
    """The buffers, overwritten in each frame."""

    def __init__(self, gl: Any, programs: Programs) -> None:
        self.gl, self.programs = gl, programs
        self._vertices, self._indices = Scratch(gl), Scratch(gl)
        self._closed = self._all = 0

    def place(self, ranges: list[Range], poses: NDArray[np.float64]) -> None:
        """Put the meshes of `ranges` at `poses` (m, 4, 4) into the buffers, those with two-sided surfaces last."""
        order = sorted(range(len(ranges)), key=lambda n: not ranges[n].closed)
        points, faces, start = [], [], 0
        for n in order:
            mesh = ranges[n].shadow
            rotation, place = poses[n, :3, :3].astype(np.float32), poses[n, :3, 3].astype(np.float32)
            points.append(mesh.points_m @ rotation.T + place)
            faces.append(mesh.faces + np.uint32(start))
            start += len(mesh.points_m)
        self._all = sum(f.size for f in faces)
        self._closed = sum(ranges[n].shadow.faces.size for n in order if ranges[n].closed)
        if self._all:
            self._vertices.write(np.concatenate(points))
            self._indices.write(np.concatenate(faces))

    def draw(self, clip_T_world: NDArray[np.float64]) -> None:
        """Draw all of them into the depth buffer in use."""
        if not self._all:
            return
        program = self.programs.get("shadow")
        program.put(clip_T_item=columns(clip_T_world))
        if ARRAY not in program.arrays:
            feed = [(self._vertices.buffer, "3f", "in_place")]
            program.arrays[ARRAY] = self.gl.vertex_array(program.made, feed, self._indices.buffer)
        if self._closed:
            self.gl.enable(self.gl.CULL_FACE)
            program.arrays[ARRAY].render(vertices=self._closed)
        if self._all > self._closed:
            self.gl.disable(self.gl.CULL_FACE)
            program.arrays[ARRAY].render(vertices=self._all - self._closed, first=self._closed)
