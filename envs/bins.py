"""A bin with things: the nominal scene of `BinPick`, and where its parts are.

Things of the catalog are drawn once, when the environment is made. Those that an episode does not use wait on a shelf
under the table, where no camera sees them.
"""

import dataclasses

import numpy as np

from simgen.envs.tabletop import plain, tabletop
from simgen.randomize import RANDOMIZERS
from simgen.randomize.distributions import Constant
from simgen.randomize.shapes import Tray
from simgen.registry import build
from simgen.rng import stream
from simgen.scene import ObjectSpec, Plain, SceneSpec

CENTER_M = (0.55, 0.0)
INNER_M = (0.26, 0.34)
"""The bin's inner extents along x and y."""
WALL_M = 0.05
THINGS = ("distractors", "dice", "digit_tiles", "objects")
"""Randomizers of the generator that can fill the bin."""
_THICK_M = 0.008
_SHELF_Z_M = -0.3
_PITCH_M = 0.14
_MASS_KG = 0.1


def bin_scene(things: Plain, seed: int) -> SceneSpec:
    """Return a table with a bin, and a shelf below with things that a randomizer drew.

    Args:
        things: the randomizer's section.
        seed: of the draw.

    Raises:
        ConfigError: a mistake in the section.
    """
    drawn = build({name: RANDOMIZERS[name] for name in THINGS}, things, "things")
    found = drawn(SceneSpec(()), stream(seed, 0, "things")).objects
    loose = [_waiting(spec, number) for number, spec in enumerate(found)]
    shelf = {"kind": "box", "size_m": (0.8, 0.8, 0.02), "texture_px": 8}
    under = ObjectSpec("shelf", shelf, plain((128, 128, 128)), (0.4, 0.0, _SHELF_Z_M - 0.01), friction=0.6)
    return tabletop(*_walls(), under, *loose)


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
    model = wall.model | {"texture_px": 32}
    return dataclasses.replace(wall, model=model, material=plain((60, 84, 120)), position_m=place)


def _waiting(spec: ObjectSpec, number: int) -> ObjectSpec:
    x, y = 0.4 + _PITCH_M * (number % 5 - 2), _PITCH_M * (number // 5 - 2)
    return dataclasses.replace(
        spec,
        name=f"object_{number:02d}",
        position_m=(x, y, _SHELF_Z_M + 0.06),
        mass_kg=_MASS_KG,
        friction=0.9,
        restitution=0.05,
    )
