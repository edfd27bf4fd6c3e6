"""What the randomizers of lamps, environments, materials and lenses draw."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from simgen.environments import ENVIRONMENTS, environment_map, horizontal_lux
from simgen.errors import ConfigError
from simgen.lens import LENSES, lens_of
from simgen.randomize import RANDOMIZERS
from simgen.randomize.environment import ENVIRONMENT_RANGES
from simgen.randomize.lamps import lux_at_origin
from simgen.randomize.optics import LENS_RANGES
from simgen.registry import build
from simgen.rng import stream
from simgen.scene import CameraSpec, EnvironmentSpec, LampSpec, SceneSpec, scene_from_dict, scene_to_dict

EMPTY = SceneSpec(camera=CameraSpec(size_wh=(64, 48)))


def scenes(name, section, count=40):
    randomizer = build(RANDOMIZERS, {"kind": name, **section}, f"randomize.{name}")
    return [randomizer(EMPTY, stream(0, i, name)) for i in range(count)]


def refused(name, section):
    with pytest.raises(ConfigError) as caught:
        scenes(name, section, 1)
    return str(caught.value)


def test_lamps_stand_on_the_dome_and_shine_at_the_origin():
    groups = [
        {"kind": "area", "count": [1, 2], "distance_m": [0.5, 0.7], "elevation_rad": [0.3, 0.9], "aim_m": 0},
        {"kind": "directional", "intensity": 900, "angle_rad": 0.05},
        {"kind": "spot", "cone_rad": 0.8, "shadow_probability": 0},
    ]
    counts = set()
    for scene in scenes("lamps", {"groups": groups}):
        kinds = [lamp.kind for lamp in scene.lamps]
        counts.add(len(kinds))
        assert kinds[-2:] == ["directional", "spot"]
        for lamp in scene.lamps:
            assert np.linalg.norm(lamp.direction) == pytest.approx(1, abs=1e-5)
        area = scene.lamps[0]
        away = np.linalg.norm(area.position_m)
        assert 0.5 <= away <= 0.7
        assert 0.3 <= np.arcsin(area.position_m[2] / away) <= 0.9
        np.testing.assert_allclose(area.direction, -np.array(area.position_m) / away, atol=1e-5)
        assert scene.lamps[-2].direction[2] < 0
        assert scene.lamps[-2].intensity == 900
        assert not scene.lamps[-1].shadow
    assert counts == {3, 4}


def test_no_scene_has_more_lamps_than_the_limit():
    assert {len(s.lamps) for s in scenes("lamps", {"groups": [{"count": 9}], "limit": 3})} == {3}


@pytest.mark.parametrize("kind", sorted(set(ENVIRONMENTS) - {"image"}))
def test_every_environment_drawn_can_be_made_and_gives_its_light(kind):
    for scene in scenes("environment", {"kinds": [{"kind": kind}]}, 8):
        assert scene.environment.map["kind"] == kind
        light = environment_map(scene.environment, Path())
        assert horizontal_lux(light) == pytest.approx(scene.environment.intensity, rel=1e-3)


def test_kinds_are_drawn_by_weight_and_image_files_by_name():
    kinds = [{"kind": "sky", "weight": 3}, {"kind": "image", "paths": ["a.hdr", "b.hdr"]}]
    found = [s.environment for s in scenes("environment", {"kinds": kinds, "intensity": None}, 300)]
    assert np.mean([e.map["kind"] == "sky" for e in found]) == pytest.approx(0.75, abs=0.08)
    assert {e.map.get("path") for e in found} == {None, "a.hdr", "b.hdr"}
    assert {e.intensity for e in found} == {None}


def test_scenes_with_lamps_and_environments_survive_json():
    for name in ("lamps", "environment"):
        (scene,) = scenes(name, {}, 1)
        data = scene_to_dict(scene)
        assert scene_to_dict(scene_from_dict(json.loads(json.dumps(data)))) == data


def test_the_tables_of_ranges_match_the_plug_ins():
    assert set(ENVIRONMENT_RANGES) == set(ENVIRONMENTS)
    assert set(LENS_RANGES) == set(LENSES)
    for kind, ranges in LENS_RANGES.items():
        assert tuple(f.name for f in dataclasses.fields(ranges)) == LENSES[kind].names


SHINY = {"roughness": [0.1, 0.9], "clear_coat": [0, 1], "roughness_contrast": [0.1, 0.3], "bump": [0.1, 0.4]}


def test_gloss_is_varied_without_moving_any_older_number():
    plain, shiny = scenes("dice", {"count": 3}), scenes("dice", {"count": 3, "body": SHINY})
    looks = []
    for a, b in zip(plain, shiny, strict=True):
        for one, two in zip(a.objects, b.objects, strict=True):
            looks.append(two.material)
            assert (one.material.texture, one.material.specular) == (two.material.texture, two.material.specular)
            assert dataclasses.replace(one, material=two.material) == two
    assert len({m.roughness for m in looks}) == len(looks)
    assert all(0.1 <= m.roughness <= 0.9 for m in looks)
    assert all(m.roughness_texture["kind"] == m.bump_texture["kind"] == "noise" for m in looks)
    assert len({m.bump_texture["seed"] for m in looks}) == len(looks)


def test_the_depth_of_light_is_varied_without_moving_any_older_number():
    deep = {**SHINY, "transmission_depth_m": {"kind": "log_uniform", "low": 0.002, "high": 0.05}}
    before, after = scenes("dice", {"count": 3, "body": SHINY}), scenes("dice", {"count": 3, "body": deep})
    depths = [o.material.transmission_depth_m for scene in after for o in scene.objects]
    assert all(0.002 <= depth <= 0.05 for depth in depths)
    assert len(set(depths)) > 0.9 * len(depths)
    for a, b in zip(before, after, strict=True):
        for one, two in zip(a.objects, b.objects, strict=True):
            assert (one.material.roughness, one.material.bump) == (two.material.roughness, two.material.bump)


def test_normal_maps_are_taken_from_files(tmp_path):
    cv2.imwrite(str(tmp_path / "dents.png"), np.full((4, 4, 3), 128, np.uint8))
    section = {"kind": "surface", "material": {"normal_maps": ["dents.png"], "bump": 1}}
    look = (
        build(RANDOMIZERS, section, "randomize.surface", tmp_path)(EMPTY, stream(0, 0, "surface")).objects[0].material
    )
    assert (look.bump, look.bump_texture) == (1, {"kind": "normal_map", "path": "dents.png"})


@pytest.mark.parametrize(
    ("material", "sentence"),
    [
        ({"normal_maps": ["nowhere.png"], "bump": 1}, "there is no such file"),
        ({"normal_maps": ["dents.png"]}, 'expected a "bump" above 0'),
        ({"textures": {"normal_map": 1}}, 'unknown texture "normal_map"'),
    ],
)
def test_normal_maps_that_cannot_be_used(material, sentence, tmp_path):
    cv2.imwrite(str(tmp_path / "dents.png"), np.full((4, 4, 3), 128, np.uint8))
    with pytest.raises(ConfigError, match=sentence):
        build(RANDOMIZERS, {"kind": "surface", "material": material}, "randomize.surface", tmp_path)


def test_the_defaults_of_gloss_are_neutral():
    (scene,) = scenes("surface", {}, 1)
    look = scene.objects[0].material
    assert (look.roughness, look.metallic, look.clear_coat, look.transmission, look.bump) == (0.5, 0, 0, 0, 0)
    assert look.roughness_texture is look.bump_texture is None


def test_a_camera_gains_a_lens_without_moving():
    lens = {"kind": "brown", "k1": [-0.2, 0.2], "p1": [-0.002, 0.002]}
    bare, bent = scenes("camera", {}), scenes("camera", {"lens": lens, "skew": [1, 2], "exposure_ev": [8, 10]})
    for a, b in zip(bare, bent, strict=True):
        assert lens_of(b.camera) is not None
        assert 1 <= b.camera.skew <= 2
        assert 8 <= b.camera.exposure_ev <= 10
        assert dataclasses.replace(b.camera, lens=None, skew=0.0, exposure_ev=None) == a.camera
    assert len({s.camera.lens["k1"] for s in bent}) == len(bent)


def test_a_lens_that_only_some_fields_of_view_allow_is_drawn_with_those():
    cameras = [s.camera for s in scenes("camera", {"lens": {"kind": "brown", "k1": -0.4}, "fov_rad": [0.5, 1.5]})]
    half_fovs = [np.arctan(32 / c.focal_px[0]) for c in cameras]
    assert all(lens_of(c) is not None for c in cameras)
    assert max(half_fovs) < 0.62 < 0.75


def test_an_incident_meter_counts_lamps_and_environment():
    lamps = (
        LampSpec("directional", 400, direction=(0, 0.6, -0.8)),
        LampSpec("point", 4 * np.pi * 50, position_m=(0, 0, 0.5)),
        LampSpec("area", 300 * np.pi, position_m=(0, 0.6, 0.8), direction=(0, -0.6, -0.8)),
        LampSpec("spot", 900, position_m=(0, 0, 1), direction=(1, 0, 0), angle_rad=0.5),
    )
    assert lux_at_origin(EMPTY) is None
    assert lux_at_origin(dataclasses.replace(EMPTY, lamps=lamps)) == pytest.approx(320 + 200 + 240)
    lit = dataclasses.replace(EMPTY, lamps=lamps, environment=EnvironmentSpec({"kind": "uniform"}, 40.0))
    assert lux_at_origin(lit) == pytest.approx(800)
    camera = build(RANDOMIZERS, {"kind": "camera", "exposure_bias_ev": 1}, "camera")
    assert camera(lit, stream(0, 0, "camera")).camera.exposure_ev == pytest.approx(np.log2(320) - 1, abs=1e-4)
    assert camera(EMPTY, stream(0, 0, "camera")).camera.exposure_ev is None


def test_mistakes_are_one_sentence():
    assert refused("lamps", {"groups": [{"kind": "aera"}]}).startswith("randomize.lamps.groups.0.kind: ")
    assert refused("environment", {"kinds": [{"kind": "studoi"}]}) == (
        'randomize.environment.kinds.0.kind: unknown kind "studoi" (did you mean "studio"?)'
    )
    assert 'unknown key "turbidty" (did you mean "turbidity"?)' in refused(
        "environment", {"kinds": [{"kind": "sky", "turbidty": 3}]}
    )
    assert 'lamps.groups.0.intensty: unknown key "intensty" (did you mean "intensity"?)' in refused(
        "lamps", {"groups": [{"intensty": 800}]}
    )
    assert 'material.metalic: unknown key "metalic" (did you mean "metallic"?)' in refused(
        "surface", {"material": {"metalic": 1}}
    )
    assert 'unknown kind "bown" (did you mean "brown"?)' in refused("camera", {"lens": {"kind": "bown"}})
    assert 'unknown texture "nois" (did you mean "noise"?)' in refused(
        "surface", {"material": {"details": {"nois": 1}}}
    )
    assert "expected exposure_ev or exposure_bias_ev, got both" in refused(
        "camera", {"exposure_ev": 9, "exposure_bias_ev": 0}
    )
    assert "got none in 20 draws of the camera" in refused(
        "camera", {"lens": {"kind": "brown", "k1": -30}, "fov_rad": 1.0}
    )
    assert "a smaller fov_rad" in refused("camera", {"lens": {"kind": "fisheye", "k1": 0.05}, "fov_rad": 2.0})
