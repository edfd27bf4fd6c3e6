"""What lies on top of the lobes: the coat, textures without coordinates, ambient occlusion, the filmic curve."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from gl_for_tests import EV_OF_ONE, LAMBERT, body, camera, draw, floor, lit, needs_gl, places_of, radiance

from simgen.environments import linear_from_srgb
from simgen.render import GlRenderer
from simgen.scene import EnvironmentSpec, LampSpec, MaterialSpec, SceneSpec
from simgen.textures import draw_texture

pytestmark = needs_gl
BLACK = MaterialSpec({"kind": "plain", "colors": [(0, 0, 0)]}, specular=0.0, roughness=1.0)
AROUND = EnvironmentSpec({"kind": "uniform"}, np.pi)
"""Radiance 1 from everywhere."""
ASIDE = camera(eye_m=(0.0, -0.8, 0.4))


def under_the_sky(*bodies, view=None):
    return SceneSpec(objects=bodies, environment=AROUND, camera=view or camera())


def cosines(scene: SceneSpec) -> np.ndarray:
    """Return the (H, W) cosines between a level floor's normal and the directions to the eye."""
    to_eye = np.asarray(scene.camera.eye_m) - places_of(draw(scene), scene.camera)
    return to_eye[..., 2] / np.linalg.norm(to_eye, axis=-1)


@pytest.mark.parametrize("roughness", [0.0, 0.6])
@pytest.mark.parametrize("coat", [0.5, 1.0])
def test_a_coat_on_black_reflects_the_sky_by_schlick(coat, roughness):
    material = dataclasses.replace(BLACK, clear_coat=coat, clear_coat_roughness=roughness)
    scene = under_the_sky(floor(material), view=ASIDE)
    facing = cosines(scene)
    assert facing.max() < 0.6
    np.testing.assert_allclose(radiance(scene)[..., 1], coat * (0.04 + 0.96 * (1 - facing) ** 5), atol=4e-3)


def test_a_coat_takes_from_what_lies_under_it_what_it_reflects():
    white = dataclasses.replace(LAMBERT, clear_coat=1.0, clear_coat_roughness=0.3)
    np.testing.assert_allclose(radiance(under_the_sky(floor(white), view=ASIDE)), 1, atol=4e-3)


def test_a_lamp_shows_in_the_coat_where_its_mirror_image_lies():
    material = dataclasses.replace(BLACK, clear_coat=1.0, clear_coat_roughness=0.1)
    lamp = LampSpec("point", 100.0, position_m=(0.03, 0.05, 0.5), size_m=(0.001, 0.001), shadow=False)
    scene = lit(lamp, material=material)
    light = radiance(scene)[..., 1]
    # The mirror image lies as far under the floor as the lamp above it: the ray to it from the eye at 1 m meets the
    # floor at 1 / 1.5 of the way across.
    brightest = places_of(draw(scene), scene.camera)[np.unravel_index(light.argmax(), light.shape)]
    np.testing.assert_allclose(brightest[:2], np.array([0.03, 0.05]) / 1.5, atol=0.2 / 64)
    assert light.max() > 20 * np.median(light)


def test_a_texture_of_roughness_is_the_roughness_that_it_says():
    metal = MaterialSpec({"kind": "plain", "colors": [(200, 200, 200)]}, roughness=0.5, metallic=1.0)
    lamp = LampSpec("point", 100.0, position_m=(0.0, 0.0, 0.5), size_m=(0.001, 0.001), shadow=False)
    for grey, roughness in ((255, 0.8), (0, 0.2)):
        textured = dataclasses.replace(
            metal, roughness_texture={"kind": "plain", "colors": [(grey,) * 3]}, roughness_contrast=0.3
        )
        plain = dataclasses.replace(metal, roughness=roughness)
        light, expected = (radiance(lit(lamp, material=m)) for m in (textured, plain))
        np.testing.assert_allclose(light, expected, rtol=0.02)
        assert not np.allclose(light, radiance(lit(lamp, material=metal)), rtol=0.1)


def test_a_texture_without_coordinates_lies_on_each_side_by_the_places_there():
    spec, tile_m = {"kind": "checker", "colors": [(250, 20, 20), (20, 20, 250)], "scale": 3.0}, 0.25
    look = MaterialSpec(spec, specular=0.0, roughness=1.0, projection="triplanar", texture_size_m=tile_m)
    view = camera(size=240, eye_m=(0.5, -0.6, 0.7), focal_px=(900.0, 900.0))
    scene = under_the_sky(body("block", {"kind": "box", "size_m": (0.14, 0.14, 0.14)}, (0, 0, 0), look), view=view)
    frame = draw(scene)
    places, shown = places_of(frame, view), frame.instances > 0
    side = np.abs(places).argmax(-1)
    image = linear_from_srgb(draw_texture(spec, (256, 256), Path()) / 255.0)
    u, v = (np.take_along_axis(places, ((side + k) % 3)[..., None], -1)[..., 0] / tile_m for k in (1, 2))
    expected = image[np.int64(v % 1 * 256), np.int64(u % 1 * 256)]
    # Two pixels off the checks' edges and the block's, where texels are blended.
    same = np.zeros(shown.shape, bool)
    same[2:-2, 2:-2] = True
    for down in range(-2, 3):
        for right in range(-2, 3):
            moved = np.roll(expected, (down, right), (0, 1)), np.roll(side, (down, right), (0, 1))
            alike = (abs(moved[0] - expected) < 0.02).all(-1)
            same &= alike & (moved[1] == side) & np.roll(shown, (down, right), (0, 1))
    for face in range(3):
        red = expected[same & (side == face)][:, 0] > 0.5
        assert min(red.sum(), (~red).sum()) > 50
    np.testing.assert_allclose(radiance(scene)[same], expected[same], atol=0.02)


def test_a_corner_is_darker_than_what_is_open_as_far_as_the_occlusion_reaches():
    wall = body("wall", {"kind": "box", "size_m": (2, 0.02, 1)}, (0, 0.06, 0.5))
    view = camera(size=96, eye_m=ASIDE.eye_m)
    scene = under_the_sky(floor(), wall, view=view)
    frame = draw(scene)
    ground, away_m = frame.instances == 1, 0.05 - places_of(frame, view)[..., 1]

    def darkness(away: tuple[float, float], reach_m: float) -> float:
        renderer = GlRenderer(occlusion=reach_m / float(np.linalg.norm(view.eye_m)))
        chosen = ground & (away_m >= away[0]) & (away_m < away[1])
        assert chosen.sum() > 90
        return 1 - float(radiance(scene, renderer=renderer)[chosen].mean())

    strips = [(0.0, 0.01), (0.015, 0.025), (0.035, 0.045), (0.055, 0.065)]
    shades = [darkness(strip, 0.1) for strip in strips]
    assert shades[0] > 0.2
    assert shades == sorted(shades, reverse=True)
    assert darkness((0.12, 0.2), 0.1) == pytest.approx(0, abs=2e-3)
    assert darkness(strips[3], 0.05) == pytest.approx(0, abs=2e-3)
    assert darkness(strips[0], 0.0) == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("light", [0.02, 0.18, 0.5, 1.0, 4.0])
def test_radiance_comes_out_by_the_filmic_curve_and_srgb(light):
    scene = SceneSpec(
        objects=(floor(),), environment=EnvironmentSpec({"kind": "uniform"}, np.pi * light), camera=camera()
    )
    assert radiance(scene).mean() == pytest.approx(light, rel=2e-3)
    x = 0.6 * light
    curve = min(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 1.0)
    shown = draw(scene).rgb[16:-16, 16:-16]
    expected = 255 * (1.055 * curve ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(shown, expected, atol=1.01)
    stopped = dataclasses.replace(scene.camera, exposure_ev=EV_OF_ONE + 2)
    quarter = dataclasses.replace(scene, environment=EnvironmentSpec({"kind": "uniform"}, np.pi * light / 4))
    np.testing.assert_allclose(draw(scene, stopped).rgb, draw(quarter).rgb, atol=1)
