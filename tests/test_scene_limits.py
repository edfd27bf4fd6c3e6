"""What no scene may say: lamps that point nowhere, cameras in their target, numbers that are none."""

import math

import numpy as np
import pytest

from simgen.randomize.base import Material
from simgen.randomize.distributions import Constant
from simgen.scene import CameraSpec, LampSpec, LightSpec


@pytest.mark.parametrize("kind", [LampSpec, LightSpec])
def test_a_light_points_somewhere(kind):
    with pytest.raises(ValueError, match="expected a direction"):
        kind(direction=(0, 0, 0))


def test_a_camera_is_not_in_its_target():
    with pytest.raises(ValueError, match="expected eye_m and target_m to be two places"):
        CameraSpec(eye_m=(0, 0, 1), target_m=(0, 0, 1))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_are_finite(number):
    with pytest.raises(ValueError, match="finite"):
        LampSpec(intensity=number)
    with pytest.raises(ValueError, match="finite"):
        LampSpec(position_m=(0, number, 0))


def test_a_material_can_be_projected_from_three_sides():
    material = Material(projection="triplanar", texture_size_m=Constant(0.25))
    found = material.sample(np.random.default_rng(0))
    assert (found.projection, found.texture_size_m) == ("triplanar", 0.25)
    assert Material().sample(np.random.default_rng(0)).texture == found.texture
