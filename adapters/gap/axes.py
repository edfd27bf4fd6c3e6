"""Which key of a scene moves which statistic, and what the source's own scene says there now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Axis:
    """A key of a scene and what a statistic does when it is raised.

    Attributes:
        key: randomizer and key, as in a scene's `randomize`.
        sign: 1 if the statistic rises with the key, -1 if it falls, 0 if only a wider range helps.
        renderer: the one that sees it, or both.
    """

    key: str
    sign: Literal[-1, 0, 1]
    renderer: Literal["tiny", "gl", "both"] = "both"


AXES: dict[str, tuple[Axis, ...]] = {
    "brightness": (
        Axis("light.ambient", 1, "tiny"),
        Axis("camera.exposure_bias_ev", 1, "gl"),
        Axis("sensor.exposure", 1),
        Axis("surface.material.color.value", 1),
    ),
    "contrast": (
        Axis("light.diffuse", 1, "tiny"),
        Axis("surface.material.contrast", 1),
    ),
    "chroma": (
        Axis("surface.material.color.saturation", 1),
        Axis("dice.body.color.saturation", 1),
    ),
    "green_red": (Axis("sensor.white_balance", 0), Axis("light.tint", 0, "tiny")),
    "blue_yellow": (Axis("sensor.white_balance", 0), Axis("light.tint", 0, "tiny")),
    "sharpness": (Axis("sensor.blur_px", -1), Axis("sensor.resolution", 1)),
    "noise": (Axis("sensor.noise", 1),),
    "objects": (Axis("dice.count", 1), Axis("objects.count", 1), Axis("digit_tiles.count", 1)),
    "box_size": (Axis("camera.view_width_m", -1), Axis("dice.size_m", 1), Axis("digit_tiles.size_m", 1)),
    "box_aspect": (),  # a tilted camera makes flat things longer, but not cubes
}


@dataclass(frozen=True)
class Scene:
    """What a generated set says about the scene that it was made from.

    Attributes:
        randomize: the sections by name.
        renderer: "tiny" or "gl".
    """

    randomize: Mapping[str, Any]
    renderer: str

    @classmethod
    def of(cls, folder: Path) -> "Scene | None":
        """Return the scene in a set's dataset.json; None for a set that simgen has not generated."""
        file = folder / "dataset.json"
        try:
            config = json.loads(file.read_text("utf-8"))["config"]
            return cls(dict(config["randomize"]), str((config.get("render") or {}).get("kind", "tiny")))
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def section(self, kind: str) -> tuple[str, Mapping[str, Any]] | None:
        """Return name and section of the first randomizer of a kind, None if there is none."""
        for name, section in self.randomize.items():
            fields = section if isinstance(section, Mapping) else {}
            if section is not False and fields.get("kind", name) == kind:
                return name, fields
        return None

    def says(self, key: str) -> str | None:
        """Return what the scene says under a key in one line: its value or "not set"; None without that randomizer."""
        kind, *path = key.split(".")
        found = self.section(kind)
        if found is None:
            return None
        value: Any = found[1]
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        text = "not set" if value is None else json.dumps(value)
        return text if len(text) <= 80 else f"{text[:77]}..."


def fitting(statistic: str, scene: Scene | None) -> list[tuple[Axis, str]]:
    """Return the axes of a statistic that this scene has and its renderer sees, with what it says there now.

    Without a scene all axes are returned; with one that has none of them, the first that its renderer would see.
    """
    axes = AXES.get(statistic, ())
    if scene is None:
        return [(axis, "") for axis in axes]
    visible = [axis for axis in axes if axis.renderer in (scene.renderer, "both")]
    there = [(axis, f"now {said}") for axis in visible if (said := scene.says(axis.key)) is not None]
    return there or [(axis, "not in your scene yet") for axis in visible[:1]]
