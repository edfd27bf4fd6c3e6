"""Scenes as numbers and back: what a net learns scenes from, and what makes a scene of anything that it says.

A scene becomes one row for its light, camera, sensor and background, and a *set* of items: its objects, its lamps, the
boxes of its studio. Each item has a type, which says what its numbers mean. All that is decoded lies within the ranges
and categories that the codec was learned from, so that it is a valid scene.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.errors import DataError
from simgen.rare.scenes import tray
from simgen.rare.scenes.layout import Array, Layout
from simgen.scene import Plain, SceneSpec, scene_from_dict, scene_to_dict

FORMAT = "simgen-scene-codec/1"


@dataclass(frozen=True, eq=False)
class EncodedScene:
    """A scene as numbers.

    Attributes:
        scene: (S,) what there is once.
        known: (S,) bool, which of them the scene has.
        types: (n,) int, the type of each item.
        items: (n, D) their numbers, D of the widest type.
        items_known: (n, D) bool.
    """

    scene: Array
    known: NDArray[np.bool_]
    types: NDArray[np.int64]
    items: Array
    items_known: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SceneCodec:
    """What the places of some scenes were.

    Attributes:
        scene: layout of what there is once.
        types: layout of each type of item, by its name: "objects/die", "lamps/area".
        most: how many items of a type there were at most.
        names: how the objects of a type are numbered: digits and first number, None for the one that has no number.
    """

    scene: Layout
    types: dict[str, Layout]
    most: dict[str, int]
    names: dict[str, tuple[int, int] | None]

    @staticmethod
    def learn(scenes: Sequence[SceneSpec]) -> "SceneCodec":
        """Return the codec of some scenes. Raises `DataError` if there are none."""
        if not scenes:
            raise DataError("scene codec: expected at least one scene to learn from, got none")
        once: list[Plain] = []
        most: dict[str, int] = {}
        found: dict[str, list[Plain]] = {}
        numbers: dict[str, list[str]] = {}
        for scene in scenes:
            rest, items = _taken_apart(scene)
            once.append(rest)
            counts: dict[str, int] = {}
            for kind, number, item in items:
                found.setdefault(kind, []).append(item)
                numbers.setdefault(kind, []).append(number)
                counts[kind] = counts.get(kind, 0) + 1
            most |= {kind: max(most.get(kind, 0), count) for kind, count in counts.items()}
        types = {kind: Layout.learn(items) for kind, items in found.items()}
        names = {kind: _numbering(values) for kind, values in numbers.items()}
        return SceneCodec(Layout.learn(once), types, most, names)

    @staticmethod
    def of(data: Plain) -> "SceneCodec":
        """Return the codec of `plain`. Raises `DataError` or `ConfigError` for anything else."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise DataError(f"scene codec: expected the format {FORMAT}, got {str(data)[:60]!r}")
        layouts, most, names = {}, {}, {}
        for entry in data["types"]:
            kind, numbering = str(entry["type"]), entry["numbering"]
            layouts[kind], most[kind] = Layout.of(entry["fields"]), int(entry["most"])
            names[kind] = None if numbering is None else (int(numbering[0]), int(numbering[1]))
        return SceneCodec(Layout.of(data["scene"]), layouts, most, names)

    def plain(self) -> Plain:
        """Return it as JSON types; lists, where the order says what a number means."""
        types = [
            {
                "type": kind,
                "fields": layout.plain(),
                "most": self.most[kind],
                "numbering": None if self.names[kind] is None else list(self.names[kind] or ()),
            }
            for kind, layout in self.types.items()
        ]
        return {"format": FORMAT, "scene": self.scene.plain(), "types": types}

    @property
    def width(self) -> int:
        """Numbers of the widest type of item."""
        return max((layout.width for layout in self.types.values()), default=0)

    def encode(self, scene: SceneSpec) -> EncodedScene:
        """Return the numbers of a scene; items of types that were never seen, and unknown places, are left out."""
        rest, items = _taken_apart(scene)
        order = list(self.types)
        rows = [(order.index(kind), *self.types[kind].encode(item)) for kind, _, item in items if kind in self.types]
        numbers, known = np.zeros((len(rows), self.width)), np.zeros((len(rows), self.width), np.bool_)
        for row, (_, values, mask) in enumerate(rows):
            numbers[row, : len(values)], known[row, : len(values)] = values, mask
        types = np.array([kind for kind, _, _ in rows], np.int64)
        return EncodedScene(*self.scene.encode(rest), types, numbers, known)

    def decode(self, encoded: EncodedScene, rng: Generator) -> SceneSpec:
        """Return the scene of any numbers.

        Args:
            encoded: its masks are not read, and more items of a type than any scene had are left out.
            rng: draws the scene's seeds.

        Raises:
            ValueError: the numbers fit the ranges but not each other (pydantic's `ValidationError`).
        """
        data: Plain = self.scene.decode(encoded.scene, rng)
        order, counts = list(self.types), dict.fromkeys(self.types, 0)
        for number, row in zip(encoded.types.tolist(), encoded.items, strict=True):
            kind = order[number]
            if counts[kind] >= self.most[kind]:
                continue
            item = self.types[kind].decode(row, rng)
            path, _, stem = kind.partition("/")
            if path == "objects":
                item = {"name": self._name(kind, stem, counts[kind]), **item}
            counts[kind] += 1
            _list_at(data, path).append(item)
        data["objects"] = [
            part for item in data["objects"] for part in (tray.unfold(item) if "wall" in item else [item])
        ]
        return scene_from_dict(data)

    def _name(self, kind: str, stem: str, count: int) -> str:
        numbering = self.names[kind]
        if numbering is None:
            return stem if not count else f"{stem}_{count}"
        digits, first = numbering
        return f"{stem}_{first + count:0{digits}d}"


def _taken_apart(scene: SceneSpec) -> tuple[Plain, list[tuple[str, str, Plain]]]:
    """Return what a scene has once, and its items: type, number in their names, section without the name."""
    data = scene_to_dict(scene)
    data["objects"] = tray.fold(data["objects"])
    items: list[tuple[str, str, Plain]] = []
    for path, holder, key in list(_sets(data, "")):
        for item in holder[key]:
            stem, number = _stem(item) if path == "objects" else (str(item.get("kind", "")), "")
            items.append(
                (f"{path}/{stem}", number, {k: v for k, v in item.items() if k != "name" or path != "objects"})
            )
        holder[key] = []
    return data, items


def _sets(value: Plain, path: str) -> list[tuple[str, Plain, str]]:
    """Return the lists of sections: how they are called, what holds them, and their key in it."""
    found = []
    for key, inner in value.items():
        place = f"{path}.{key}".lstrip(".")
        if isinstance(inner, dict):
            found += _sets(inner, place)
        elif isinstance(inner, list) and inner and all(isinstance(entry, dict) for entry in inner):
            found.append((place, value, key))
    return found


def _list_at(data: Plain, path: str) -> list[Any]:
    """Return the list of a set; one that nobody keeps where the decoded scene has no place for it."""
    place: Any = data
    for key in path.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return place if isinstance(place, list) else []


def _stem(item: Plain) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?)_?(\d*)", item["name"])
    return (match[1], match[2]) if match else (item["name"], "")


def _numbering(numbers: Sequence[str]) -> tuple[int, int] | None:
    given = [number for number in numbers if number]
    return (len(given[0]), min(map(int, given))) if given else None
