"""What is known of each labelled object as named values: the attributes that cells of rare cases are made of.

A value is a number or a category, or None where it is not known. Besides those of `ATTRIBUTES` there are the sampled
parameters of synthetic samples, by dotted path: `scene.light.ambient`, `scene.camera.eye_m.2`,
`object.material.roughness`, `object.model.size_m`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from simgen.errors import ConfigError, did_you_mean
from simgen.rare.looks import image_luma, object_luma
from simgen.rare.poses import SIDES, lean_deg, view_side, view_tilt_deg, wall_gap_m, yaw_deg
from simgen.rare.touch import neighbours, touching, touching_same_class
from simgen.samples import Annotation, Sample

Value: TypeAlias = float | str | None
Row: TypeAlias = Mapping[str, Value]
"""The values of one object by the attributes' names."""
_PATHS = ("scene", "object")
_LEVELS = (0.0, 255.0)


@dataclass(frozen=True)
class Attribute:
    """One attribute.

    Attributes:
        measure: returns the value for the n-th annotation of a sample.
        needs: what a set must have for it to be known, for people.
        pixels: whether it looks at the picture.
        text: what it is.
        among: its categories; none of what is a number, or has those of the set ("class").
        span: the least and the largest number that it may be.
    """

    measure: Callable[[Sample, int], Value]
    text: str
    needs: str = "boxes"
    pixels: bool = False
    among: tuple[str, ...] = ()
    span: tuple[float, float] = (-math.inf, math.inf)


def _of(measure: Callable[[Annotation], Value]) -> Callable[[Sample, int], Value]:
    return lambda sample, place: measure(sample.annotations[place])


def _size_px(annotation: Annotation) -> float:
    width, height = annotation.size_wh
    return math.sqrt(width * height)


def _visible_fraction(sample: Sample, place: int) -> Value:
    """Other sets hardly ever know it; the reader says 1 where nothing is written."""
    fraction = sample.annotations[place].visible_fraction
    return fraction if is_simulated(sample) or fraction < 1 else None


def _truncated(sample: Sample, place: int) -> Value:
    """Of a photograph an object counts as cut where its box ends at the image's border.

    A box that fills the image is that of a picture which was cut out around its object: nothing is known of it.
    """
    annotation = sample.annotations[place]
    height, width = sample.rgb.shape[:2]
    x1, y1, x2, y2 = annotation.box_xyxy
    ends = (x1 < 1, y1 < 1, x2 > width - 1, y2 > height - 1)
    if annotation.truncated or is_simulated(sample):
        return "cut" if annotation.truncated else "whole"
    return None if all(ends) else "cut" if any(ends) else "whole"


ATTRIBUTES: dict[str, Attribute] = {
    "class": Attribute(_of(lambda a: a.class_name), "its class"),
    "visible_fraction": Attribute(
        _visible_fraction, "visible share of its silhouette, 0 to 1", "visible fractions", span=(0, 1)
    ),
    "truncated": Attribute(
        _truncated,
        '"cut" by the image\'s border, or "whole"',
        "boxes smaller than its pictures",
        among=("cut", "whole"),
    ),
    "size_px": Attribute(_of(_size_px), "square root of its box's area, pixels", span=(0, math.inf)),
    "image_luma": Attribute(
        lambda sample, _: image_luma(sample), "mean luma of the picture, 0 to 255", pixels=True, span=_LEVELS
    ),
    "object_luma": Attribute(
        object_luma, "mean luma of its pixels, or of its box without a mask", pixels=True, span=_LEVELS
    ),
    "view_side": Attribute(
        view_side, "the side (+x, -x, ...) of its frame that the camera sees most of", "poses", among=SIDES
    ),
    "view_tilt_deg": Attribute(
        view_tilt_deg, "angle between that side's normal and the line of sight", "poses", span=(0, 90)
    ),
    "yaw_deg": Attribute(
        yaw_deg, "turn in the picture, -180 to 180, of the axis after that side's", "poses", span=(-180, 180)
    ),
    "lean_deg": Attribute(lean_deg, "angle of its most upright axis from the vertical", "sampled scenes", span=(0, 90)),
    "wall_gap_m": Attribute(wall_gap_m, "from its centre to the nearest fixed box beside it, metres", "sampled scenes"),
    "count": Attribute(lambda sample, _: float(len(sample.annotations)), "labelled objects in the picture"),
    "neighbours": Attribute(neighbours, "others whose box is nearer than half of its own size"),
    "touching": Attribute(touching, "others whose mask is at most 2 pixels away", "masks"),
    "touching_same_class": Attribute(touching_same_class, "those of its class", "masks"),
}


def is_simulated(sample: Sample) -> bool:
    """Whether the scene that a sample shows is known."""
    return isinstance(sample.metadata.get("scene"), dict)


def measure(sample: Sample, names: Iterable[str]) -> list[Row]:
    """Return a row for each annotation that counts, in their order.

    Args:
        sample: read from a set or just rendered.
        names: keys of `ATTRIBUTES` and dotted paths.
    """
    wanted = list(names)
    return [{name: value_of(sample, place, name) for name in wanted} for place in places_of(sample)]


def places_of(sample: Sample) -> list[int]:
    """Return the places of the annotations that count among all of a sample."""
    return [place for place, annotation in enumerate(sample.annotations) if not annotation.ignore]


def value_of(sample: Sample, place: int, name: str) -> Value:
    """Return the value of one attribute of the annotation at a place; None where it is not known."""
    if name in ATTRIBUTES:
        return _known(ATTRIBUTES[name].measure(sample, place))
    scene = sample.metadata.get("scene")
    if not isinstance(scene, dict):
        return None
    first, *path = name.split(".")
    return at_path(scene if first == "scene" else object_of(sample, place), path)


def object_of(sample: Sample, place: int) -> Any:
    """Return the plain data of the sampled object that an annotation is of, None where that is not known."""
    objects = sample.metadata.get("scene", {}).get("objects", ())
    number = sample.annotations[place].instance_id
    return objects[number - 1] if 0 < number <= len(objects) else None


def at_path(data: Any, path: Iterable[str]) -> Value:
    """Return the number or text at a path of keys and list places in plain data, None where there is none."""
    for step in path:
        if isinstance(data, list | tuple) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        elif isinstance(data, dict):
            data = data.get(step)
        else:
            return None
    if isinstance(data, bool):
        return str(data).lower()
    return _known(data) if isinstance(data, int | float | str) else None


def paths_in(data: Any, prefix: str) -> list[str]:
    """Return the dotted paths of all numbers and texts in plain data."""
    if isinstance(data, dict):
        return [path for key, inner in data.items() for path in paths_in(inner, f"{prefix}.{key}")]
    if isinstance(data, list | tuple):
        return [path for place, inner in enumerate(data) for path in paths_in(inner, f"{prefix}.{place}")]
    return [] if data is None else [prefix]


def _known(value: Value) -> Value:
    if value is None or isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None


def require_attribute(name: str, where: str) -> None:
    """Raise `ConfigError` for a name that is neither an attribute nor a dotted path of a scene or an object."""
    first, dot, rest = name.partition(".")
    if name not in ATTRIBUTES and not (first in _PATHS and dot and all(rest.split("."))):
        hint = did_you_mean(name, [*ATTRIBUTES, "scene.light.ambient", "object.material.roughness"])
        raise ConfigError(f'{where}: unknown attribute "{name}"{hint}')


def categories_of(name: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Return what an attribute may be in a set of some classes; nothing of numbers and of dotted paths."""
    if name == "class":
        return tuple(classes)
    return ATTRIBUTES[name].among if name in ATTRIBUTES else ()


def require_categories(name: str, among: Iterable[str], classes: Sequence[str], where: str) -> None:
    """Raise `ConfigError` for categories that an attribute never has in a set of some classes.

    Args:
        name: of the attribute, known to `require_attribute`. What a dotted path's may be is not known.
        among: the categories.
        classes: of the set.
        where: for the sentence.
    """
    known = categories_of(name, classes)
    for category in among if name in ATTRIBUTES else ():
        if not known:
            raise ConfigError(f'{where}: {name}: expected numbers, got the category "{category}"')
        if category not in known:
            what = "class" if name == "class" else "category"
            raise ConfigError(f'{where}: {name}: unknown {what} "{category}"{did_you_mean(category, known)}')
