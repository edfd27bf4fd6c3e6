"""Each lamp and each lobe against its closed form."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from gl_for_tests import LAMBERT, body, camera, draw, floor, lit, needs_gl, places_of, radiance

from simgen.render.irradiance import gloss_albedo, harmonics, irradiance
from simgen.render.lamps import strength
from simgen.scene import EnvironmentSpec, LampSpec, LightSpec, MaterialSpec, SceneSpec
from simgen.world import World

pytestmark = needs_gl
MIDDLE = (slice(28, 36), slice(28, 36))
DOWN = LampSpec("point", 1000.0, position_m=(0.0, 0.0, 0.5), size_m=(0.001, 0.001), shadow=False)


def middle(scene: SceneSpec) -> float:
    return float(radiance(scene)[MIDDLE].mean())


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.0, 1.4])
def test_lamberts_cosine_under_a_directional_lamp(angle):
    lamp = LampSpec("directional", 1000.0, direction=(np.sin(angle), 0.0, -np.cos(angle)), shadow=False)
    assert middle(lit(lamp)) == pytest.approx(1000 / np.pi * np.cos(angle), rel=2e-3)


@pytest.mark.parametrize("height", [0.2, 0.4, 0.8])
def test_inverse_square_under_a_point(height):
    lamp = dataclasses.replace(DOWN, position_m=(0.0, 0.0, height))
    scene = lit(lamp)
    place = places_of(draw(scene), scene.camera)
    far2 = (place[..., 0] ** 2 + place[..., 1] ** 2) + height**2
    expected = 1000 / (4 * np.pi) / far2 * (height / np.sqrt(far2)) / np.pi
    np.testing.assert_allclose(radiance(scene)[..., 1], expected, rtol=3e-3)


def test_a_spot_lights_its_cone_and_gives_all_its_lumens():
    lamp = LampSpec(
        "spot", 500.0, position_m=(0, 0, 0.5), angle_rad=0.3, softness=0.4, size_m=(0.001,) * 2, shadow=False
    )
    scene = lit(lamp)
    place = places_of(draw(scene), scene.camera)
    light = radiance(scene)[..., 1]
    off = np.hypot(place[..., 0], place[..., 1])
    assert light[off > 0.5 * np.tan(0.15) + 0.002].max() == 0
    inner = off < 0.5 * np.tan(0.15 * 0.6) - 0.003
    cosine = 0.5 / np.hypot(off, 0.5)
    np.testing.assert_allclose(light[inner], (strength(lamp) * cosine**3 / 0.25 / np.pi)[inner], rtol=3e-3)
    area = (0.2 / 64) ** 2
    assert (light * np.pi).sum() * area == pytest.approx(500, rel=0.02)


@pytest.mark.parametrize("size", [(0.1, 0.1), (0.6, 0.2)])
def test_an_area_lamp_on_its_axis(size):
    lamp = LampSpec("area", 1000.0, position_m=(0, 0, 0.4), size_m=size, shadow=False)
    a, b, h = size[0] / 2, size[1] / 2, 0.4
    # Four corner rectangles (Howell's configuration factor catalogue, C-11).
    x, y = a / h, b / h
    corner = x / np.sqrt(1 + x * x) * np.arctan(y / np.sqrt(1 + x * x))
    corner += y / np.sqrt(1 + y * y) * np.arctan(x / np.sqrt(1 + y * y))
    expected = strength(lamp) * 4 * corner / (2 * np.pi)
    assert radiance(lit(lamp), camera())[31:33, 31:33].mean() == pytest.approx(expected, rel=3e-3)


def test_an_area_lamp_gives_nothing_behind_it():
    lamp = LampSpec("area", 1000.0, position_m=(0, 0, 0.4), direction=(0, 0, 1), shadow=False)
    assert radiance(lit(lamp, DOWN)).max() == pytest.approx(radiance(lit(DOWN)).max(), rel=1e-5)


@pytest.mark.parametrize("roughness", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize(("metallic", "transmission"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)])
def test_white_furnace(roughness, metallic, transmission):
    """In uniform light of radiance 1 a white body is as bright as what is behind it, whatever its gloss."""
    material = MaterialSpec(
        LAMBERT.texture, specular=0.5, roughness=roughness, metallic=metallic, transmission=transmission
    )
    ball = body("ball", {"kind": "lump", "size_m": (0.15,) * 3, "roundness": 1.0}, (0, 0, 0.1), material)
    scene = SceneSpec(objects=(ball,), environment=EnvironmentSpec({"kind": "uniform"}, np.pi), camera=camera())
    light = radiance(scene)
    seen = draw(scene).instances > 0
    assert seen.sum() > 1000
    np.testing.assert_allclose(light[seen], 1, atol=0.02)
    assert light.max() <= 1.005


@pytest.mark.parametrize("metallic", [0.0, 1.0])
@pytest.mark.parametrize("roughness", [0.35, 1.0])
def test_lamps_from_all_around_add_up_to_a_furnace(roughness, metallic):
    """What lamps show and what an environment shows are the same lobes: many lamps make a uniform sky."""
    material = MaterialSpec(LAMBERT.texture, specular=0.5, roughness=roughness, metallic=metallic)
    count = 420
    height = (np.arange(count) + 0.5) / count
    turn = np.arange(count) * 2.39996323
    out = np.sqrt(1 - height**2)
    to = np.stack([out * np.cos(turn), out * np.sin(turn), height], 1)
    sky = LampSpec("directional", 2 * np.pi / count, angle_rad=0.0, shadow=False)
    lamps = [dataclasses.replace(sky, direction=(-x, -y, -z)) for x, y, z in to.tolist()]
    tilted = camera(size=16, eye_m=(0.5, 0.0, 0.8))
    light = radiance(lit(*lamps, material=material), tilted)
    assert light.mean() == pytest.approx(1, abs=0.05)


def test_the_irradiance_of_a_half_dark_sky():
    sky = np.ones((64, 128, 3), np.float32)
    sky[32:] = 0
    up = np.array([[0, 0, 1.0], [1, 0, 0], [0, 0, -1]])
    np.testing.assert_allclose(irradiance(harmonics(sky), up)[:, 0], [1, 0.5, 0], atol=0.02)


def test_a_gloss_never_gives_back_more_than_it_gets():
    table = gloss_albedo().sum(-1)
    assert table.max() <= 1.001
    assert table.min() > 0.2


def test_a_metal_reflects_its_colour_and_a_rough_one_blurs():
    """A bright spot overhead: a mirror shows it bright and small, a rough metal dim and wide."""
    lamp = LampSpec("area", 100.0, position_m=(0.3, 0, 1.0), direction=(-0.3, 0, -1), size_m=(0.1, 0.1), shadow=False)
    peaks = []
    for roughness in (0.1, 0.4, 0.8):
        material = MaterialSpec({"kind": "plain", "colors": [(255, 128, 0)]}, roughness=roughness, metallic=1.0)
        ball = body("ball", {"kind": "lump", "size_m": (0.15,) * 3, "roundness": 1.0}, (0, 0, 0.1), material)
        light = radiance(lit(lamp, bodies=(ball,)))
        row, column = np.unravel_index(light[..., 0].argmax(), light.shape[:2])
        peaks.append(light[row, column])
        assert light[row, column, 1] < 0.4 * light[row, column, 0]
    assert peaks[0][0] > 2 * peaks[1][0] > 4 * peaks[2][0]
    # A mirror never shows more than the lamp's own luminance.
    assert peaks[0][0] <= 1.01 * strength(lamp)


def test_penumbra_grows_with_the_distance_of_what_casts_it():
    widths = []
    for height in (0.06, 0.12, 0.2):
        edge = body("edge", {"kind": "box", "size_m": (0.4, 0.4, 0.002)}, (0.2, 0, height))
        lamp = LampSpec("area", 1000.0, position_m=(0, 0, 0.9), size_m=(0.2, 0.2))
        view = camera(size=128, eye_m=(-0.35, 0, 0.6), target_m=(-0.02, 0, 0), focal_px=(400, 400))
        frame = draw(lit(lamp, bodies=(edge,)), view)
        light = radiance(lit(lamp, bodies=(edge,)), view)[..., 1]
        x = places_of(frame, view)[:, 64, 0]
        row = np.where(frame.instances[:, 64] == 1, light[:, 64], np.nan)
        keep = np.isfinite(row)
        row = row[keep] / np.nanmax(row)
        inside = (row > 0.15) & (row < 0.75)
        widths.append(np.ptp(x[keep][inside]) if inside.any() else 0.0)
    # The lamp's width, seen through the edge: 0.6 of the ramp lies between the two thresholds.
    np.testing.assert_allclose(widths, [0.6 * 0.2 * h / (0.9 - h) for h in (0.06, 0.12, 0.2)], rtol=0.25, atol=0.003)


def test_colour_temperature():
    warm = radiance(lit(dataclasses.replace(DOWN, temperature_k=2700.0)))[MIDDLE].mean((0, 1))
    white = radiance(lit(dataclasses.replace(DOWN, temperature_k=6500.0)))[MIDDLE].mean((0, 1))
    assert np.ptp(white) < 1e-3 * white[0]
    assert warm[0] > 2 * warm[2]
    assert warm @ (0.2126, 0.7152, 0.0722) == pytest.approx(white[1], rel=1e-3)


def test_the_simple_light_shows_what_a_simple_renderer_shows():
    light = LightSpec(direction=(0, 0, 1), ambient=0.5, diffuse=0.3, shadow=False)
    grey = MaterialSpec({"kind": "plain", "colors": [(200, 100, 50)]}, specular=0.0, roughness=1.0)
    scene = SceneSpec(objects=(floor(grey),), light=light)
    frame = draw(scene, camera(exposure_ev=None))
    np.testing.assert_allclose(frame.rgb[32, 32], (160, 80, 40), atol=4)


def test_more_lamps_than_one_pass_takes_add_up():
    one = radiance(lit(DOWN))[MIDDLE].mean()
    many = radiance(lit(*[DOWN] * 17))[MIDDLE].mean()
    assert many == pytest.approx(17 * one, rel=1e-4)


def test_metering_makes_dim_and_bright_scenes_look_alike():
    metered = camera(exposure_ev=None)
    dim = draw(lit(dataclasses.replace(DOWN, intensity=1.0)), metered)
    bright = draw(lit(dataclasses.replace(DOWN, intensity=1e5)), metered)
    assert np.abs(dim.rgb.astype(int) - bright.rgb).max() <= 1
    assert 60 < dim.rgb.mean() < 180


@pytest.mark.parametrize(("red", "green"), [(0.5, 0.0), (-0.3, 0.0), (0.0, 0.5), (0.3, -0.3)])
def test_a_normal_map_turns_the_light_as_a_tilted_floor_would(red, green, tmp_path):
    tilted = np.array([red, green, np.sqrt(1 - red**2 - green**2)])
    picture = np.tile(np.round(255 * (tilted + 1) / 2).astype(np.uint8), (16, 16, 1))
    cv2.imwrite(str(tmp_path / "map.png"), picture[..., ::-1])
    material = dataclasses.replace(
        LAMBERT, bump=1.0, bump_texture={"kind": "normal_map", "path": str(tmp_path / "map.png")}
    )
    lamp = LampSpec("directional", 1000.0, direction=(-0.3, 0.2, -0.9), shadow=False)
    scene = lit(lamp, material=material)
    with World(scene, Path(), visuals=False) as world:
        right, up = _axes_of_the_picture(world.bodies[0].mesh)
    towards = -np.array(lamp.direction) / np.linalg.norm(lamp.direction)
    cosine = towards @ (tilted[0] * right + tilted[1] * up + tilted[2] * np.array([0, 0, 1]))
    assert middle(scene) == pytest.approx(1000 / np.pi * cosine, rel=2e-2)


def _axes_of_the_picture(mesh):
    """Return where a texture's right and up point on the top of a box."""
    top = mesh.vertices_m[:, 2] > mesh.vertices_m[:, 2].max() - 1e-6
    top &= mesh.normals[:, 2] > 0.9
    uvs, places = mesh.uvs[top] - mesh.uvs[top].mean(0), mesh.vertices_m[top] - mesh.vertices_m[top].mean(0)
    turn = np.linalg.lstsq(uvs, places, rcond=None)[0]
    right, down = (row / np.linalg.norm(row) for row in turn)
    return right, -down
