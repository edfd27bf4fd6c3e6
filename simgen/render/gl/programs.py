"""GLSL programs from the files in shaders/, compiled on first use."""

from functools import cache
from importlib import resources
from typing import Any

VERSION = "#version 330 core\n"
PROGRAMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # name: (files of the vertex shader, files of the fragment shader)
    "surface": (("surface.vert",), ("common", "surface.frag")),
    "shadow": (("shadow.vert",), ("shadow.frag",)),
    "edges": (("edges.vert",), ("common", "edges.frag")),
    "silhouette": (("shadow.vert",), ("silhouette.frag",)),
    "visible": (("screen.vert",), ("common", "view", "visible.frag")),
    "smooth": (("screen.vert",), ("common", "view", "smooth.frag")),
    "light": (("screen.vert",), ("common", "view", "lamps", "environment", "light.frag")),
    "meter": (("screen.vert",), ("meter.frag",)),
    "finish": (("screen.vert",), ("common", "finish.frag")),
}


@cache
def _source(name: str) -> str:
    return (resources.files("simgen.render.gl") / "shaders" / f"{name}.glsl").read_text("utf-8")


class Programs:
    """The compiled programs of one context."""

    def __init__(self, gl: Any) -> None:
        self.gl = gl
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            vertex, fragment = ("".join([VERSION, *map(_source, files)]) for files in PROGRAMS[name])
            self._made[name] = self.gl.program(vertex_shader=vertex, fragment_shader=fragment)
        return self._made[name]


def put(program: Any, **values: Any) -> None:
    """Set uniforms: arrays go in as they lie in memory, numbers and tuples by value; what the compiler dropped is skipped.

    Matrices are in numpy's order (rows first) and are turned into OpenGL's here.
    """
    for name, value in values.items():
        uniform = program.get(name, None)
        if uniform is None:
            continue
        if isinstance(value, bytes):
            uniform.write(value)
        else:
            uniform.value = value


def columns(matrix: Any) -> bytes:
    """Return a matrix, or a stack of them, as OpenGL reads it: 32-bit floats, column by column."""
    import numpy as np

    return np.ascontiguousarray(np.swapaxes(np.asarray(matrix), -1, -2), np.float32).tobytes()
