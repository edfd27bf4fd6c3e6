"""Light through translucent bodies, against the law that it falls by."""

import dataclasses

import numpy as np
import pytest
from gl_for_tests import LAMBERT, body, camera, draw, lit, needs_gl, radiance

from simgen.scene import LampSpec, MaterialSpec, ObjectSpec, SceneSpec

pytestmark = needs_gl
MIDDLE = (slice(28, 36), slice(28, 36))
LUX = 1000.0
BELOW = LampSpec("directional", LUX, direction=(0.0, 0.0, 1.0), angle_rad=0.002)
FRONT, BEHIND = 4 / 9, 2 / 9
"""What a white body of transmission 1 gives back to either side of light that it meets head on; a matt white one: 1."""


def look(transmission: float, depth_m: float = 0.01) -> MaterialSpec:
    return dataclasses.replace(LAMBERT, transmission=transmission, transmission_depth_m=depth_m)


def slab(material: MaterialSpec, thick_m: float) -> SceneSpec:
    """Return a slab amid the picture, lit from below: the camera is above."""
    plate = body("plate", {"kind": "box", "size_m": (0.4, 0.4, thick_m)}, (0, 0, 0.1), material)
    return SceneSpec(objects=(plate,), lamps=(BELOW,), camera=camera())


@pytest.mark.parametrize("transmission", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("thick_m", [0.001, 0.01, 0.03])
def test_light_from_behind_falls_exponentially_with_the_thickness(transmission, thick_m):
    light = radiance(slab(look(transmission), thick_m))[MIDDLE].mean()
    whole = LUX / np.pi * BEHIND * transmission
    # What is left of the light has 8 bits.
    assert light == pytest.approx(whole * np.exp(-thick_m / 0.01), abs=whole * 0.6 / 255 + 1e-3)


def test_a_point_and_a_rectangle_shine_through_as_well():
    for lamp in (
        LampSpec("point", LUX, position_m=(0, 0, -0.8), size_m=(0.001, 0.001)),
        LampSpec("area", LUX, position_m=(0, 0, -0.8), direction=(0, 0, 1), size_m=(0.02, 0.02)),
    ):
        thin, thick = (
            radiance(dataclasses.replace(slab(look(1.0), thick_m), lamps=(lamp,)))[MIDDLE].mean()
            for thick_m in (0.002, 0.012)
        )
        assert thick / thin == pytest.approx(np.exp(-1), rel=0.05)


def test_the_lit_side_is_brighter_than_the_other_and_darker_than_that_of_a_solid_body():
    above = dataclasses.replace(BELOW, direction=(0.0, 0.0, -1.0))
    solid, through = (
        radiance(dataclasses.replace(slab(look(t), 0.001), lamps=(above,)))[MIDDLE].mean() for t in (0.0, 1.0)
    )
    assert solid == pytest.approx(LUX / np.pi, rel=2e-3)
    assert through == pytest.approx(FRONT * LUX / np.pi, rel=2e-3)
    assert radiance(slab(look(1.0), 0.001))[MIDDLE].mean() < through


@pytest.mark.parametrize("transmission", [0.0, 0.5, 1.0])
def test_the_shadow_of_a_translucent_plate_is_lit_by_what_comes_through(transmission):
    slanted = LampSpec("directional", LUX, direction=(-1.0, 0.0, -1.0), angle_rad=0.002)
    plate = body("plate", {"kind": "box", "size_m": (0.2, 0.4, 0.004)}, (0.3, 0, 0.3), look(transmission))
    light = radiance(lit(slanted, bodies=(plate,)))[MIDDLE].mean()
    through = transmission / 3 * np.exp(-0.004 * np.sqrt(2) / 0.01)
    assert light == pytest.approx(through * LUX / np.pi / np.sqrt(2), rel=0.03, abs=0.02)


def test_a_solid_body_behind_a_translucent_one_still_casts_its_whole_shadow():
    high = body("plate", {"kind": "box", "size_m": (0.4, 0.4, 0.002)}, (0, 0, 0.2), look(1.0))
    low = body("lid", {"kind": "box", "size_m": (0.4, 0.4, 0.002)}, (0, 0, 0.1))
    sun = dataclasses.replace(BELOW, direction=(0.0, 0.0, -1.0))
    view = camera(eye_m=(0.5, 0.0, 0.05), target_m=(0.0, 0.0, 0.0))
    assert radiance(lit(sun, bodies=(high, low)), view)[MIDDLE].max() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("depth_m", "least"), [(1e3, 0.95), (1e-4, 0.6)])
def test_lamps_from_all_around_a_translucent_ball_give_back_no_more_than_they_gave(depth_m, least):
    """With lamps all around a white body takes in radiance 1: without losses on the way through it gives that back."""
    count = 98
    height, turn = 1 - 2 * (np.arange(count) + 0.5) / count, np.arange(count) * 2.39996323
    out = np.sqrt(1 - height**2)
    to = np.stack([out * np.cos(turn), out * np.sin(turn), height], 1)
    lamps = tuple(
        LampSpec("directional", 4 * np.pi / count, direction=(-x, -y, -z), angle_rad=0.002) for x, y, z in to.tolist()
    )
    ball = ObjectSpec("ball", {"kind": "lump", "size_m": (0.15,) * 3, "roundness": 1.0}, look(1.0, depth_m))
    scene = SceneSpec(objects=(ball,), lamps=lamps, camera=camera(size=32))
    seen = draw(scene).instances > 0
    light = radiance(scene)[seen]
    assert least < light.mean() < 1.02
    assert light.max() < 1.1


def test_the_depth_of_light_means_nothing_where_no_light_passes():
    sun = dataclasses.replace(BELOW, direction=(0.3, 0.0, -1.0))

    def picture(material: MaterialSpec) -> np.ndarray:
        ball = body("ball", {"kind": "lump", "size_m": (0.08,) * 3}, (0, 0, 0.04), material)
        return draw(lit(sun, bodies=(ball,))).rgb

    solid = picture(look(0.0, 1e-6))
    assert np.array_equal(picture(look(0.0, 10.0)), solid)
    assert not np.array_equal(picture(look(0.5)), solid)
