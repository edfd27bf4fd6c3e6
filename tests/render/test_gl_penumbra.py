"""Soft shadows against rays to all of a lamp."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from gl_for_tests import body, camera, caster, draw, lit, needs_gl, places_of, radiance, soup

from simgen.render.lamps import axes_of
from simgen.scene import LampSpec, SceneSpec
from simgen.world import World

pytestmark = needs_gl
TOWARDS = np.array([0.56, 0.3, 0.77])
VIEW = camera(320, eye_m=(0.0, -0.05, 0.3), focal_px=(600, 600))
DIE = body("die", {"kind": "die", "size_m": 0.016}, (0, 0, 0.008))


def area_lamp(width_m: float, distance_m: float) -> LampSpec:
    place = tuple(float(x) for x in TOWARDS / np.linalg.norm(TOWARDS) * distance_m)
    direction = tuple(-x for x in place)
    return LampSpec("area", 1500.0, position_m=place, direction=direction, size_m=(width_m, 0.7 * width_m))


def lit_share(scene: SceneSpec) -> np.ndarray:
    """Return (H, W) how much of what its lamp gives without shadows a picture has."""
    lamp = dataclasses.replace(scene.lamps[0], shadow=False)
    whole = radiance(dataclasses.replace(scene, lamps=(lamp,)), VIEW)[..., 1]
    return radiance(scene, VIEW)[..., 1] / np.maximum(whole, 1e-9)


def seen_share(scene: SceneSpec, places: np.ndarray, edge: int = 8) -> np.ndarray:
    """Return (n,) how many of edge * edge rays from places (n, 3) to the scene's rectangular lamp pass."""
    with World(scene, Path(), visuals=False) as world:
        rays = caster(soup(world)[0])
    lamp = scene.lamps[0]
    across, down, _ = axes_of(lamp)
    steps = (np.arange(edge) + 0.5) / edge - 0.5
    spots = [across * lamp.size_m[0] * x + down * lamp.size_m[1] * y for x in steps for y in steps]
    free = [~rays.intersects_any(places, lamp.position_m + spot - places) for spot in spots]
    return np.mean(free, 0)


@pytest.mark.parametrize(
    ("width_m", "distance_m", "light", "shadow"),
    [(0.15, 1.2, 0.07, 0.94), (0.5, 1.2, 0.06, 0.92), (1.2, 1.2, 0.09, 0.8), (1.2, 0.8, 0.2, 0.6)],
    ids=["0.15 m", "0.5 m", "1.2 m", "1.2 m near by"],
)
def test_the_shadow_of_a_small_thing_touches_it_however_wide_the_lamp(width_m, distance_m, light, shadow):
    """`light`: the most where there is none; `shadow`: the least over the whole of it, as a share of the true one."""
    scene = lit(area_lamp(width_m, distance_m), bodies=(DIE,))
    frame = draw(scene, VIEW)
    places = places_of(frame, VIEW)
    near = (frame.instances == 1) & (np.linalg.norm(places[..., :2], axis=-1) < 0.05)
    true = seen_share(scene, places[near] + (0, 0, 1e-4))
    drawn = lit_share(scene)[near]
    dark, shaded = true < 0.1, true < 0.98
    assert dark.sum() > 50
    assert drawn[dark].mean() < light
    assert shadow < (1 - drawn).sum() / (1 - true).sum() < 1.05
    assert np.abs(drawn - true)[shaded].mean() < 0.08


def test_edges_of_what_stands_in_a_shadow_stay_dark():
    """Where a surface turns away from the lamp, its plane is so steep in the map that it could hide a roof."""
    things = [body(f"die {n}", {"kind": "die", "size_m": 0.03}, (0.045 * n - 0.05, 0.02, 0.015)) for n in range(3)]
    ball = body("ball", {"kind": "lump", "size_m": (0.04,) * 3, "roundness": 1.0}, (0.04, -0.03, 0.02))
    roof = body("roof", {"kind": "box", "size_m": (0.3, 0.3, 0.01)}, (-0.1, 0.07, 0.16))
    lamp = LampSpec("area", 400.0, position_m=(-0.35, 0.25, 0.5), direction=(0.35, -0.25, -0.5), size_m=(0.12, 0.12))
    view = camera(320, eye_m=(0.12, -0.45, 0.25), focal_px=(800, 800))
    scene = lit(lamp, bodies=(roof, *things, ball))
    shaded = draw(scene, view).instances > 2
    whole = radiance(dataclasses.replace(scene, lamps=(dataclasses.replace(lamp, shadow=False),)), view)[shaded]
    light = radiance(scene, view)[shaded]
    assert len(light) > 5000
    assert light.max() < 0.05 * whole.max()
    assert (light > 0.01 * whole.max()).mean() < 0.005
