"""A bin with things: the nominal scene of `BinPick`, and where its parts are.

Things of the catalog are drawn once, when the environment is made. Those that an episode does not use are far below
the table, where no camera sees them.
"""

import dataclasses

import numpy as np

from simgen.envs.tabletop import plain, tabletop
from simgen.randomize import RANDOMIZERS
from simgen.randomize.distributions import Constant
from simgen.randomize.shapes import Tray
from simgen.registry import build
from simgen.rng import stream
from simgen.scene import ObjectSpec, Plain, SceneSpec, Vec3

CENTER_M = (0.55, 0.0)
INNER_M = (0.26, 0.34)
"""The bin's inner extents along x and y."""
WALL_M = 0.05
AWAY_M: Vec3 = (0.0, 0.0, -100.0)
PITCH_M = 0.3
"""Where things wait, beyond what cameras draw, and how far apart."""
THINGS = ("distractors", "dice", "digit_tiles", "objects")
"""Randomizers of the generator that can fill the bin."""
_THICK_M = 0.008
_MASS_KG = 0.1


def bin_scene(things: Plain, seed: int) -> SceneSpec:
    """Return a table with a bin, and far below things that a randomizer drew.

    Args:
        things: the randomizer's section.
        seed: of the draw.

    Raises:
        ConfigError: a mistake in the section.
    """
    drawn = build({name: RANDOMIZERS[name] for name in THINGS}, things, "things")
    found = drawn(SceneSpec(()), stream(seed, 0, "things")).objects
    loose = [_waiting(spec, number) for number, spec in enumerate(found)]
    return tabletop(*_walls(), *loose)


def _walls() -> list[ObjectSpec]:
    """Return the walls of a tray of the generator's, moved to the bin's place."""
    width, depth = INNER_M
    tray = Tray(
        probability=Constant(1),
        size_m=Constant(width),
        aspect=Constant(depth / width),
        wall_height_m=Constant(WALL_M),
        wall_thickness_m=Constant(_THICK_M),
        yaw_rad=Constant(0),
        floor_probability=Constant(0),
    )
    walls = tray(SceneSpec(()), np.random.default_rng(0)).objects
    return [_moved(spec) for spec in walls]


def _moved(wall: ObjectSpec) -> ObjectSpec:
    x, y, z = wall.position_m
    place = (x + CENTER_M[0], y + CENTER_M[1], z)
    model = wall.model | {"texture_px": 32, "bottom": False}
    return dataclasses.replace(wall, model=model, material=plain((60, 84, 120)), position_m=place)


def _waiting(spec: ObjectSpec, number: int) -> ObjectSpec:
    x, y, z = AWAY_M
    return dataclasses.replace(
        spec,
        name=f"object_{number:02d}",
        position_m=(x + PITCH_M * number, y, z),
        mass_kg=_MASS_KG,
        friction=0.9,
        restitution=0.05,
    )
