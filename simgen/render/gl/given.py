"""What a fragment shader is given for a whole draw call: it declares `given vec3 eye;` where others say `uniform`.

For a graphics card that is a uniform. A software driver fetches a uniform for each lane of a vector and anew each time
that it is read, which was a third of a pass. A flat output of the vertex shader it reads once for a block of pixels, so
there the vertex shader hands on what fits.
"""

import re
from collections.abc import Mapping
from math import prod

COMPONENTS = {"float": 1, "uint": 1, "vec2": 2, "vec3": 3, "vec4": 4, "mat3": 9, "mat4": 16}
PREFIX = "given_"
"""Of the vertex shader's uniforms."""
_DECLARED = re.compile(r"^given (\w+) (\w+)(?:\[([^]]+)\])?;", re.MULTILINE)
_START = "void main() {"


def hand_on(vertex: str, fragment: str, defines: Mapping[str, int | str], room: int) -> tuple[str, str]:
    """Return a vertex and a fragment shader in plain GLSL.

    Args:
        vertex: its source.
        fragment: its source, with `given` values outside of conditions of the preprocessor.
        defines: the program's; sizes of arrays may name them.
        room: components that the vertex shader can hand on. What does not fit becomes a uniform.
    """
    outputs, assignments = "", ""

    def declared(match: re.Match[str]) -> str:
        nonlocal outputs, assignments, room
        kind, name, size = match.groups()
        array = f"[{size}]" if size else ""
        need = COMPONENTS[kind] * _count(size or "1", defines)
        if need > room:
            return f"uniform {kind} {name}{array};"
        room -= need
        outputs += f"uniform {kind} {PREFIX}{name}{array};\nflat out {kind} {name}{array};\n"
        assignments += f" {name} = {PREFIX}{name};"
        return f"flat in {kind} {name}{array};"

    fragment = _DECLARED.sub(declared, fragment)
    return vertex.replace(_START, f"{outputs}{_START}{assignments}"), fragment


def _count(size: str, defines: Mapping[str, int | str]) -> int:
    """Return the value of a product of numbers and definitions."""
    return prod(int(defines.get(factor.strip(), factor)) for factor in size.split("*"))
