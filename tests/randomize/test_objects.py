"""The user's own objects: any model of the catalog, with distributions inside; CAD files among them."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
import yaml

from simgen.config import from_dict, load
from simgen.errors import ConfigError
from simgen.generate import draw_scene, sample
from simgen.geometry import project, transform
from simgen.world import World

CORNER = (31.0, 22.0, 13.0)


def bracket(folder: Path) -> Path:
    """Write a box of 30 x 20 x 10 mm whose frame lies outside of it, 1 mm from a corner."""
    box = trimesh.creation.box((30, 20, 10))
    box.apply_translation(np.array(CORNER) - np.array((30, 20, 10)) / 2)
    path = folder / "bracket.obj"
    box.export(path)
    return path


def scene(**item: object) -> dict[str, object]:
    return {
        "classes": ["bracket", "pin"],
        "output": {"size_wh": [160, 120], "image": "png"},
        "randomize": {
            "surface": {"size_m": 1.0},
            "objects": {"count": 1, "items": [{"name": "bracket", **item}]},
            "drop": {"spread_m": 0.001, "center_m": 0, "spin_rad_s": 0},
            "camera": {"view_width_m": 0.15, "tilt_rad": 0.3},
        },
    }


def mesh(**changes: object) -> dict[str, object]:
    return {"kind": "mesh", "path": "bracket.obj", "scale": 0.001, "keypoints": {"corner": CORNER}, **changes}


def test_a_cad_file_is_labelled_in_its_own_frame(tmp_path):
    bracket(tmp_path)
    config = from_dict(scene(model=mesh()), tmp_path)
    for index in range(3):
        made = sample(config, 0, index)
        (found,) = made.annotations
        assert found.class_name == "bracket"
        assert found.cam_T_object is not None
        # The pose maps the file's corners into the image: their box is the box of the pixels.
        low, high = np.array(CORNER) - (30, 20, 10), np.array(CORNER)
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (high - low) + low
        pixels = project(made.camera_matrix, transform(found.cam_T_object, corners * 0.001))
        box = np.concatenate([pixels.min(0) + 0.5, pixels.max(0) + 0.5])
        np.testing.assert_allclose(found.box_xyxy, box, atol=1.0)
        (u, v, seen) = found.keypoints[0]
        np.testing.assert_allclose((u, v), pixels[-1], atol=1e-6)
        assert seen in (1, 2)


def test_it_lies_on_the_table(tmp_path):
    bracket(tmp_path)
    config = from_dict(scene(model=mesh()), tmp_path)
    with World(draw_scene(config, 0, 0), tmp_path) as world:
        assert world.settle()
        body, pose = world.bodies[-1], world.poses()[-1]
        heights = transform(pose, body.mesh.vertices_m)[:, 2]
    assert abs(heights.min()) < 1e-3
    assert heights.max() < 0.031


def test_numbers_of_a_model_may_be_distributions(tmp_path):
    pin = {"kind": "cylinder", "radius_m": [0.004, 0.006], "height_m": {"kind": "choice", "values": [0.02, 0.04]}}
    config = from_dict(scene(model=pin, name="pin"), tmp_path)
    models = [draw_scene(config, 0, index).objects[-1].model for index in range(20)]
    assert {m["height_m"] for m in models} == {0.02, 0.04}
    radii = [m["radius_m"] for m in models]
    assert all(0.004 <= r <= 0.006 for r in radii)
    assert len(set(radii)) == 20


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"model": mesh(path="brocket.obj")}, 'brocket.obj": there is no such file'),
        ({"model": mesh(path="broken.obj")}, "expected 1 to 500000 triangles, got 0"),
        ({"model": mesh(path="bracket.xyz1")}, 'bracket.xyz1": expected obj, ply, stl, glb or dae, got .xyz1'),
        ({"model": mesh(path="bracket.step")}, 'bracket.step": expected obj, ply, stl, glb or dae, got .step'),
        ({"model": mesh(path="noise.glb")}, 'noise.glb": expected a readable mesh, got one that cannot be decoded'),
        ({"model": mesh(path="empty")}, 'empty": expected a mesh file, got a folder'),
        ({"model": {"kind": "messh"}}, 'unknown kind "messh" (did you mean "mesh"?)'),
        ({"model": mesh(scal=1)}, 'unknown key "scal" (did you mean "scale"?)'),
        (
            {"model": {"kind": "cylinder", "radius_m": [-0.01, 0.02], "height_m": 0.1}},
            "line 23: randomize.objects.items.0.model.radius_m: expected a number > 0, got -0.01",
        ),
        (
            {"model": {"kind": "sphere", "radius_m": {"kind": "normal", "mean": 1, "std": 0.1}}},
            'model: expected a distribution with "low" and "high", got a normal without "low"',
        ),
        ({"model": {"kind": "sphere"}}, "model.radius_m: required, but missing"),
        ({"model": mesh(), "mass_kg": -1}, "mass_kg: expected numbers from 0 to 1000, got -1"),
        ({"model": mesh(), "name": "brocket"}, '"brocket" is not among the classes (did you mean "bracket"?)'),
        ({"model": mesh(), "material": {"textures": {"photo": 1}, "photos": ["none.png"]}}, "there is no such file"),
        ({"model": mesh(), "material": {"textures": {"photo": 1}, "photos": ["empty"]}}, "a folder with images"),
    ],
)
def test_what_is_missing_is_found_before_anything_is_made(tmp_path, item, sentence):
    bracket(tmp_path)
    (tmp_path / "broken.obj").write_text("v 0 0 0\n")
    for name in ("bracket.xyz1", "bracket.step", "noise.glb"):
        (tmp_path / name).write_text("no mesh")
    (tmp_path / "empty").mkdir()
    file = tmp_path / "scene.yaml"
    file.write_text(yaml.safe_dump(scene(**item)))
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert sentence in str(caught.value)
    assert "scene.yaml line" in str(caught.value)


def test_textures_come_from_a_folder(tmp_path):
    import cv2

    bracket(tmp_path)
    (tmp_path / "photos").mkdir()
    for number, color in enumerate([(0, 0, 255), (0, 255, 0)]):
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), np.full((8, 8, 3), color, np.uint8))
    material = {"textures": {"photo": 1}, "photos": ["photos"], "specular": 0}
    config = from_dict(scene(model=mesh(), material=material), tmp_path)
    paths = {draw_scene(config, 0, i).objects[-1].material.texture["path"] for i in range(12)}
    assert paths == {"photos/0.png", "photos/1.png"}
    (found,) = (made := sample(config, 0, 0)).annotations
    color = made.rgb[found.mask].mean(0)
    assert color[2] < 0.3 * color.max()
    assert min(color[:2]) < 0.3 * max(color[:2])
