"""Rare events of the dice scene, measured on a sample: pure functions that say yes or no.

Those of poses read the settled poses (`metadata["poses"]`) and the bodies' sizes (`metadata["scene"]`), never the poses
that the bodies were thrown with; those of pictures read the label buffers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simgen.catalog import build_model
from simgen.catalog.die import Die
from simgen.geometry import Array
from simgen.rare.looks import image_luma
from simgen.rare.scenes.boxes import Boxes, gaps_m, near_pairs
from simgen.samples import Sample

CONTACT_M = 0.0003
"""Boxes this near to each other touch: less than a pixel of the dice scene, whose pixels are 0.3 to 0.5 mm wide."""
LEAN_RAD = 0.2
"""A die leans if its most upright face normal is farther from the vertical than this; lying dice are within 0.02."""
DARK_LEVEL = 100.0
"""A picture whose mean grey level (Rec. 601, 0 to 255) is below this was taken in low light: about the darkest fifth of
the dice scene, whose renderer `tiny` knows no darker light."""


@dataclass(frozen=True)
class Predicate:
    """A rare event.

    Attributes:
        holds: whether it is seen in a sample.
        needs_picture: False where the poses say it all: a sample without a picture will do.
    """

    holds: Callable[[Sample], bool]
    needs_picture: bool = True

    def __call__(self, sample: Sample) -> bool:
        return self.holds(sample)


def occluded_in_low_light(sample: Sample) -> bool:
    """Whether the picture is dark and some die, whole inside the image, is hidden to 60 to 80 %.

    The hidden share is 1 - visible pixels / silhouette pixels, both counted in the id buffer's resolution.
    """
    if image_luma(sample) >= DARK_LEVEL:
        return False
    return any(0.2 <= a.visible_fraction <= 0.4 and not a.truncated for a in sample.annotations)


def same_face_touching(sample: Sample) -> bool:
    """Whether two dice that lie flat touch each other with the same number up."""
    dice, values = dice_of(sample)
    flat = np.flatnonzero(tilts_rad(dice) <= LEAN_RAD)
    dice, values = dice.take(flat), values[flat]
    first, second = near_pairs(dice, dice, CONTACT_M)
    wanted = (first < second) & (values[first] == values[second])
    first, second = first[wanted], second[wanted]
    level = np.abs(dice.world_T_box[first, 2, 3] - dice.world_T_box[second, 2, 3])
    beside = level < dice.half_m[first, 0] + dice.half_m[second, 0] - 2 * CONTACT_M  # not one on top of the other
    return bool((gaps_m(dice.take(first), dice.take(second))[beside] <= CONTACT_M).any())


def leaning_on_wall(sample: Sample) -> bool:
    """Whether a die rests askew, no face up, with its body against a wall of the tray."""
    dice, _ = dice_of(sample)
    askew = dice.take(np.flatnonzero(tilts_rad(dice) > LEAN_RAD))
    walls = _boxes(sample, lambda spec: spec["name"].startswith("wall_") and spec["model"]["kind"] == "box")
    first, second = near_pairs(askew, walls, CONTACT_M)
    return bool((gaps_m(askew.take(first), walls.take(second)) <= CONTACT_M).any())


def dice_of(sample: Sample) -> tuple[Boxes, Any]:
    """Return the settled dice on the table as boxes, and the number on each die's highest side, (n,) int."""

    def on_table(spec: dict[str, Any]) -> bool:
        return bool(spec["model"]["kind"] == "die" and sample.metadata["poses"][spec["name"]][11] > 0)

    dice = _boxes(sample, on_table)
    sides = [build_model(spec["model"]) for spec in sample.metadata["scene"]["objects"] if on_table(spec)]
    up = _heights(dice).argmax(axis=1)
    faces = [die.sides() for die in sides if isinstance(die, Die)]
    return dice, np.array([row[k] for row, k in zip(faces, up, strict=True)], int)


def tilts_rad(dice: Boxes) -> Array:
    """Return (n,) the angle between the vertical and the nearest face normal."""
    return np.asarray(np.arccos(np.clip(_heights(dice).max(axis=1, initial=-1.0), -1, 1)))


def _heights(dice: Boxes) -> Array:
    """Return (n, 6) the vertical part of the sides' normals in the order of `Die.sides`: +z, -z, +y, -y, +x, -x."""
    x, y, z = np.moveaxis(dice.world_T_box[:, 2, :3], 1, 0)
    return np.stack([z, -z, y, -y, x, -x], axis=1)


def _boxes(sample: Sample, wanted: Callable[[dict[str, Any]], bool]) -> Boxes:
    found = [spec for spec in sample.metadata["scene"]["objects"] if wanted(spec)]
    poses = [sample.metadata["poses"][spec["name"]] for spec in found]
    return Boxes.of(poses, [np.broadcast_to(np.array(spec["model"]["size_m"]) / 2, 3) for spec in found])


PREDICATES: dict[str, Predicate] = {
    "occluded_in_low_light": Predicate(occluded_in_low_light),
    "same_face_touching": Predicate(same_face_touching, needs_picture=False),
    "leaning_on_wall": Predicate(leaning_on_wall, needs_picture=False),
}
