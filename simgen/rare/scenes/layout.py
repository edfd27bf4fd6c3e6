"""The places of a nested section: which there are, what varied in them, and how they fill a row of numbers.

A section is walked from its top. At every place it has a *shape* (a mapping with these keys and this kind, a list of so
many, a number, nothing), and at the ends of the ways a value. Both are fields: the shape is a category, and depends on
the kinds of the sections around it; the value is shared by all kinds that have a place of this name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.rare.scenes.fields import FIELDS, Category, Field, field_of
from simgen.registry import build
from simgen.scene import Plain

Array = NDArray[np.float64]
_LEAVES = {bool: "bool", int: "whole", float: "real", str: "text", type(None): "none"}


@dataclass(frozen=True, eq=False)
class Layout:
    """The fields of sections of one type, in the order of their numbers.

    Attributes:
        fields: by place; a shape's place starts with "?".
    """

    fields: dict[str, Field]

    @staticmethod
    def learn(sections: Sequence[Plain]) -> "Layout":
        """Return the layout of all places of some sections."""
        found: dict[str, list[Any]] = {}
        for section in sections:
            for place, value in _walk(section, "", ""):
                found.setdefault(place, []).append(value)
        fields = {}
        for place, values in found.items():
            shape = place.startswith("?")
            fields[place] = field_of("" if shape else place.split(":")[0].rpartition(".")[2], values)
        return Layout(fields)

    @staticmethod
    def of(data: list[Plain]) -> "Layout":
        """Return the layout of `plain`. Raises `ConfigError` for anything else."""
        sections = [dict(section) for section in data]
        return Layout({str(s.pop("place")): build(FIELDS, s, "scene codec") for s in sections})

    def plain(self) -> list[Plain]:
        """Return it as JSON types: a list, for the order of the fields is the order of their numbers."""
        names = {cls: kind for kind, cls in FIELDS.items()}
        return [{"place": place, "kind": names[type(f)], **asdict(cast(Any, f))} for place, f in self.fields.items()]

    @cached_property
    def starts(self) -> dict[str, int]:
        """The first number of each place."""
        widths = [field.width for field in self.fields.values()]
        return dict(zip(self.fields, np.cumsum([0, *widths])[:-1].tolist(), strict=True))

    @property
    def width(self) -> int:
        return sum(field.width for field in self.fields.values())

    @cached_property
    def segments(self) -> NDArray[np.int64]:
        """(width,) the number of the category that a number is a logit of, -1 for real numbers."""
        found: list[int] = []
        for number, field in enumerate(self.fields.values()):
            found += [number if field.options else -1] * field.width
        return np.array(found, np.int64)

    def encode(self, section: Plain) -> tuple[Array, NDArray[np.bool_]]:
        """Return (width,) the numbers of a section, and which of them it has; the others are 0."""
        numbers, known = np.zeros(self.width), np.zeros(self.width, np.bool_)
        for place, value in _walk(section, "", ""):
            field = self.fields.get(place)
            if field is None or (isinstance(field, Category) and value not in field.values):
                continue
            span = slice(self.starts[place], self.starts[place] + field.width)
            numbers[span], known[span] = field.encode(value), True
        return numbers, known

    def decode(self, numbers: Array, rng: Generator) -> Any:
        """Return the section of any (width,) numbers; `rng` gives new seeds."""
        return self._build("", "", numbers, rng)

    def _build(self, path: str, around: str, numbers: Array, rng: Generator) -> Any:
        shape = str(self._value(f"?{around}", numbers, rng))
        head, _, rest = shape.partition("|")
        if head == "none":
            return None
        if head == "list":
            return [self._build(f"{path}.{k}", f"{around}.{k}", numbers, rng) for k in range(int(rest))]
        if head == "map":
            kind, _, keys = rest.partition("|")
            made = {"kind": kind} if kind else {}
            inside = f"{around}<{kind}>" if kind else around
            names = keys.split(",") if keys else []
            return made | {k: self._build(f"{path}.{k}", f"{inside}.{k}", numbers, rng) for k in names}
        return self._value(f"{path}:{head}", numbers, rng)

    def _value(self, place: str, numbers: Array, rng: Generator) -> Any:
        field, start = self.fields[place], self.starts[place]
        return field.decode(numbers[start : start + field.width].tolist(), rng)


def _walk(value: Any, path: str, around: str) -> Iterator[tuple[str, Any]]:
    """Yield the places of a section and what is there; a place of a shape has the kinds of what is around in it."""
    if isinstance(value, dict):
        kind = value.get("kind") if isinstance(value.get("kind"), str) else None
        names = [name for name in value if name != "kind" or kind is None]
        yield f"?{around}", f"map|{kind or ''}|{','.join(names)}"
        inside = f"{around}<{kind}>" if kind else around
        for name in names:
            yield from _walk(value[name], f"{path}.{name}", f"{inside}.{name}")
    elif isinstance(value, list) and not path.endswith("quat_xyzw"):
        yield f"?{around}", f"list|{len(value)}"
        for number, entry in enumerate(value):
            yield from _walk(entry, f"{path}.{number}", f"{around}.{number}")
    else:
        shape = "quat" if isinstance(value, list) else _LEAVES[type(value)]
        yield f"?{around}", shape
        if value is not None:
            yield f"{path}:{shape}", value
