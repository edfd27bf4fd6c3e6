"""GLSL programs from the files in shaders/, compiled on first use, with what a program leaves out set by definitions.

A software driver runs both sides of every branch and at least one turn of every loop, so what a scene does not need is
left out of its program, and loops over lamps are written out.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from simgen.render.gl.given import PREFIX, hand_on

VERSION = "#version 400 core\n#extension GL_ARB_derivative_control : enable\n"
KEPT = 24
"""Variants that stay compiled: twice what a scene needs. Each takes 2 to 5 MB, and one that is made again comes from
the driver's cache on disk, in milliseconds."""
SAMPLERS = (
    *("surface", "slopes"),
    *("surfaces", "materials", "visible", "rough", "gloss_atlas", "gloss_table", "panorama"),
    *("shadow_atlas", "shadow_bodies", "keys", "light", "backdrop"),
)
UNITS = {name: unit for unit, name in enumerate(SAMPLERS)}
"""Texture units of what shaders sample; the first two are each surface's own."""
PROGRAMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # name: (files of the vertex shader, files of the fragment shader)
    "surface": (("item", "surface.vert"), ("common", "surface.frag")),
    "shadow": (("shadow.vert",), ("shadow.frag",)),
    "translucent": (("shadow.vert",), ("translucent.frag",)),
    "edges": (("item", "edges.vert"), ("common", "edges.frag")),
    "silhouette": (("shadow.vert",), ("silhouette.frag",)),
    "visible": (("screen.vert",), ("common", "view", "visible.frag")),
    "smooth": (("screen.vert",), ("common", "plane", "smooth.frag")),
    "light": (("screen.vert",), ("common", "view", "plane", "environment", "light.frag")),
    "behind": (("screen.vert",), ("common", "view", "behind.frag")),
    "finish": (("exposed.vert",), ("common", "finish.frag")),
}


@cache
def _source(name: str) -> str:
    return (resources.files("simgen.render.gl") / "shaders" / f"{name}.glsl").read_text("utf-8")


class Program:
    """A compiled program; assigning to it sets uniforms."""

    def __init__(self, gl: Any, name: str, defines: Mapping[str, int | str], room: int) -> None:
        """`room`: components that its vertex shader can hand on, see `hand_on`."""
        self.arrays: dict[str, Any] = {}
        head = VERSION + "".join(f"#define {key} {value}\n" for key, value in defines.items())
        sources = ["".join([head, *map(_source, files)]) for files in PROGRAMS[name]]
        vertex, fragment = hand_on(sources[0], sources[1], defines, room)
        self.made = gl.program(vertex_shader=vertex, fragment_shader=fragment)
        self._values: dict[str, Any] = {}
        self._uniforms = {key.removeprefix(PREFIX): self.made[key] for key in self.made}
        self.put(**UNITS)

    def put(self, **values: Any) -> None:
        """Set uniforms: bytes go in as they lie in memory, numbers and tuples by value.

        What the compiler dropped is skipped, and what is set already.
        """
        for name, value in values.items():
            uniform = self._uniforms.get(name)
            if uniform is None or self._values.get(name) == value:
                continue
            self._values[name] = value
            if isinstance(value, bytes):
                # An array of which only the first elements are read is as short as that.
                uniform.write(value[: 4 * uniform.dimension * uniform.array_length])
            else:
                uniform.value = value

    def release(self) -> None:
        """Free it and what feeds it."""
        for array in self.arrays.values():
            array.release()
        self.arrays.clear()
        self.made.release()


class Programs:
    """The compiled programs of one context, those used last."""

    def __init__(self, gl: Any, room: int) -> None:
        """`room`: components that a vertex shader can hand on, see `hand_on`."""
        self.gl, self.room = gl, room
        self._made: OrderedDict[tuple[Any, ...], Program] = OrderedDict()

    def get(self, name: str, **defines: int | str) -> Program:
        """Return a program with definitions."""
        key = (name, *sorted(defines.items()))
        if key not in self._made:
            while len(self._made) >= KEPT:
                self._made.popitem(last=False)[1].release()
            self._made[key] = Program(self.gl, name, defines, self.room)
        self._made.move_to_end(key)
        return self._made[key]

    def forget_arrays(self) -> None:
        """Free the vertex arrays of all programs: the buffers that they read are gone."""
        for program in self._made.values():
            for array in program.arrays.values():
                array.release()
            program.arrays.clear()


def columns(matrix: Any) -> bytes:
    """Return a matrix, or a stack of them, as OpenGL reads it: 32-bit floats, column by column."""
    return np.ascontiguousarray(np.swapaxes(np.asarray(matrix), -1, -2), np.float32).tobytes()
