"""The four walls of a tray as one thing: nothing that a net says of a tray can take it apart.

`fold` undoes `simgen.randomize.shapes.Tray`, `unfold` does it again.
"""

import math
from typing import Any

from simgen.scene import Plain

WALLS = ("wall_east", "wall_west", "wall_north", "wall_south")
FLOOR = "tray_floor"


def fold(objects: list[Plain]) -> list[Plain]:
    """Return the objects with a section "tray" in the place of its walls and floor; as they are if there is no tray."""
    parts = {spec["name"]: spec for spec in objects if spec["name"] in (*WALLS, FLOOR)}
    if not all(name in parts for name in WALLS):
        return objects
    tray = _tray_of(parts)
    rebuilt = {spec["name"]: spec for spec in unfold(tray)}
    if rebuilt.keys() != parts.keys() or not all(_alike(rebuilt[name], parts[name]) for name in parts):
        return objects
    first = next(place for place, spec in enumerate(objects) if spec["name"] in parts)
    rest = [spec for spec in objects if spec["name"] not in parts]
    return [*rest[:first], tray, *rest[first:]]


def unfold(tray: Plain) -> list[Plain]:
    """Return the objects of a tray's section."""
    width, depth, height, thick, yaw = (
        tray[key] for key in ("width_m", "depth_m", "height_m", "thickness_m", "yaw_rad")
    )
    east, north = (width + thick) / 2, (depth + thick) / 2
    places: dict[str, tuple[Any, Any, Any]] = {
        "wall_east": ((thick, depth + 2 * thick, height), (east, 0.0), tray["wall"]),
        "wall_west": ((thick, depth + 2 * thick, height), (-east, 0.0), tray["wall"]),
        "wall_north": ((width, thick, height), (0.0, north), tray["wall"]),
        "wall_south": ((width, thick, height), (0.0, -north), tray["wall"]),
    }
    if tray["floor"] is not None:
        places[FLOOR] = (width, depth, tray["floor_m"]), (0.0, 0.0), tray["floor"]
    cos, sin = math.cos(yaw), math.sin(yaw)
    quat = [0.0, 0.0, round(math.sin(yaw / 2), 6), round(math.cos(yaw / 2), 6)]
    return [
        {
            **tray["body"],
            "name": name,
            "model": {"kind": "box", "size_m": [round(v, 4) for v in size]},
            "material": look,
            "position_m": [round(cos * x - sin * y, 6), round(sin * x + cos * y, 6), round(size[2] / 2, 6)],
            "quat_xyzw": quat,
        }
        for name, (size, (x, y), look) in places.items()
    ]


def _tray_of(parts: dict[str, Plain]) -> Plain:
    east, north, floor = parts["wall_east"], parts["wall_north"], parts.get(FLOOR)
    thick, long, height = _size(east)
    return {
        "name": "tray",
        "width_m": _size(north)[0],
        "depth_m": round(long - 2 * thick, 4),
        "height_m": height,
        "thickness_m": thick,
        "yaw_rad": round(2 * math.atan2(east["quat_xyzw"][2], east["quat_xyzw"][3]), 6),
        "wall": east["material"],
        "floor": floor and floor["material"],
        "floor_m": _size(floor)[2] if floor else 0.001,
        "body": {k: v for k, v in east.items() if k not in ("name", "model", "material", "position_m", "quat_xyzw")},
    }


def _size(spec: Plain) -> tuple[float, float, float]:
    size = spec["model"].get("size_m") if spec["model"].get("kind") == "box" else None
    return (size[0], size[1], size[2]) if size else (0.0, 0.0, 0.0)


def _alike(rebuilt: Plain, there: Plain) -> bool:
    """Whether a part is what the section makes of it, to a tenth of a millimetre (sizes are rounded to that)."""
    numbers = [
        (a, b) for key in ("position_m", "quat_xyzw") for a, b in zip(rebuilt[key], there[key], strict=True)
    ] + list(zip(_size(rebuilt), _size(there), strict=True))
    rest = ("material", "mass_kg", "friction", "restitution", "labelled", "class_name")
    return all(abs(a - b) <= 1.1e-4 for a, b in numbers) and all(rebuilt[key] == there[key] for key in rest)
