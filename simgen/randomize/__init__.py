"""From nothing to a fully determined scene: each randomizer samples its own part from its own stream."""

from typing import Any

from simgen.randomize.base import Color, Material, Randomizer
from simgen.randomize.carried import Backdrop, CarriedPlate
from simgen.randomize.distributions import DISTRIBUTIONS, Distribution
from simgen.randomize.environment import EnvironmentLight
from simgen.randomize.lamps import Lamps
from simgen.randomize.layout import Drop, Grid
from simgen.randomize.objects import Objects
from simgen.randomize.optics import Background, Camera, Light, Sensor
from simgen.randomize.shapes import Dice, DigitTiles, Distractors, Surface, Tray

RANDOMIZERS: dict[str, type[Any]] = {
    "surface": Surface,
    "tray": Tray,
    "objects": Objects,
    "dice": Dice,
    "digit_tiles": DigitTiles,
    "distractors": Distractors,
    "drop": Drop,
    "grid": Grid,
    "light": Light,
    "lamps": Lamps,
    "environment": EnvironmentLight,
    "background": Background,
    "camera": Camera,
    "carried_plate": CarriedPlate,
    "backdrop": Backdrop,
    "sensor": Sensor,
}

__all__ = ["DISTRIBUTIONS", "RANDOMIZERS", "Color", "Distribution", "Material", "Randomizer"]
