"""Attributes of objects, on samples whose answers are known."""

import numpy as np
import pytest
from rare_fakes import SIZE_WH, box, sample

from simgen.errors import ConfigError
from simgen.geometry import pose_matrix, quat_about
from simgen.rare.attributes import ATTRIBUTES, measure, require_attribute, value_of

BODY = {"mass_kg": 0.01, "model": {"kind": "die", "size_m": 0.016}, "material": {"roughness": 0.25}}
WALL = {
    "name": "wall",
    "mass_kg": 0.0,
    "model": {"kind": "box", "size_m": [0.01, 0.2, 0.03]},
    "position_m": [0.1, 0.0, 0.015],
    "quat_xyzw": [0, 0, 0, 1],
}
TABLE = {**WALL, "name": "table", "model": {"kind": "box", "size_m": [1, 1, 0.02]}, "position_m": [0, 0, -0.01]}


def simulated(turn, **changes):
    """Return a sample of one die at x = 0.06 m, 8 mm high, turned as a quaternion says."""
    pose = pose_matrix([0.06, 0, 0.008], turn)
    objects = [TABLE, WALL, {**BODY, "name": "die"}]
    scene = {"objects": objects, "light": {"ambient": 0.5}, "camera": {"eye_m": [0.0, 0.1, 0.4]}}
    down = np.diag([1.0, -1.0, -1.0, 1.0])
    down[2, 3] = 0.5
    die = box("one", 20, 10, 30, 20, instance_id=3, cam_T_object=down @ pose, **changes)
    return sample(die, scene=scene, poses={"die": pose.ravel().tolist()})


def test_sizes_light_and_classes_are_measured():
    rgb = np.full((40, 60, 3), 50, np.uint8)
    rgb[10:20, 20:40] = 200
    (row,) = measure(sample(box("one", 20, 10, 40, 20), rgb=rgb), ["class", "size_px", "image_luma", "object_luma"])
    assert row["class"] == "one"
    assert row["size_px"] == pytest.approx(200**0.5)
    assert row["object_luma"] == pytest.approx(200, abs=1e-3)
    assert row["image_luma"] == pytest.approx(50 + 150 * 200 / 2400, abs=1e-3)


def test_without_a_mask_the_light_is_the_box_s_and_touching_is_not_known():
    both = sample(box("one", 20, 10, 30, 20, masked=False), box("one", 30, 10, 40, 20))
    assert value_of(both, 0, "object_luma") == pytest.approx(100, abs=1e-3)
    assert value_of(both, 0, "touching") is None
    assert value_of(both, 0, "neighbours") == 1


def test_masks_touch_within_two_pixels_and_classes_are_told_apart():
    a, near, far = box("one", 10, 10, 20, 20), box("two", 21, 10, 30, 20), box("one", 10, 23, 20, 30)
    other = box("one", 18, 1, 24, 10)
    rows = measure(sample(a, near, far, other), ["touching", "touching_same_class", "count"])
    assert [row["touching"] for row in rows] == [2, 2, 0, 2]
    assert [row["touching_same_class"] for row in rows] == [1, 0, 0, 1]
    assert {row["count"] for row in rows} == {4}


def test_a_photograph_knows_cut_boxes_and_no_visibility():
    rows = measure(sample(box("one", 0, 10, 9, 20), box("one", 20, 10, 30, 20)), ["truncated", "visible_fraction"])
    assert [row["truncated"] for row in rows] == ["cut", "whole"]
    width, height = SIZE_WH
    (cut_out,) = measure(sample(box("one", 0, 0, width, height)), ["truncated"])
    assert cut_out["truncated"] is None
    assert [row["visible_fraction"] for row in rows] == [None, None]
    assert value_of(simulated((0, 0, 0, 1), visible_fraction=1.0), 0, "visible_fraction") == 1


def test_poses_tell_the_side_its_tilt_and_the_lean():
    flat = simulated((0, 0, 0, 1))
    assert value_of(flat, 0, "view_side") == "+z"
    assert value_of(flat, 0, "lean_deg") == pytest.approx(0, abs=1e-5)
    assert value_of(flat, 0, "yaw_deg") == pytest.approx(0)
    assert value_of(flat, 0, "view_tilt_deg") == pytest.approx(np.degrees(np.arctan2(0.06, 0.492)))
    assert value_of(simulated(quat_about([0, 0, 1], -0.5)), 0, "yaw_deg") == pytest.approx(np.degrees(0.5))
    leaning = simulated(quat_about([1, 0, 0], np.radians(100)))
    assert value_of(leaning, 0, "lean_deg") == pytest.approx(10)
    assert value_of(leaning, 0, "view_side") == "+y"


def test_the_nearest_wall_is_no_table():
    assert value_of(simulated((0, 0, 0, 1)), 0, "wall_gap_m") == pytest.approx(0.1 - 0.005 - 0.06)


def test_sampled_parameters_are_found_by_their_paths():
    die = simulated((0, 0, 0, 1))
    assert value_of(die, 0, "scene.light.ambient") == 0.5
    assert value_of(die, 0, "scene.camera.eye_m.2") == 0.4
    assert value_of(die, 0, "object.material.roughness") == 0.25
    for nowhere in ("scene.light.nothing", "scene.camera.eye_m.7", "object.model", "scene.light.ambient.x"):
        assert value_of(die, 0, nowhere) is None
    assert value_of(sample(box("one", 1, 1, 5, 5)), 0, "scene.light.ambient") is None


def test_objects_to_be_ignored_have_no_row():
    assert measure(sample(box("one", 10, 10, 20, 20, ignore=True)), list(ATTRIBUTES)) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [("visble_fraction", 'did you mean "visible_fraction"?'), ("depth", "known: "), ("scene.", "known: ")],
)
def test_an_unknown_attribute_is_refused(name, hint):
    with pytest.raises(ConfigError, match="unknown attribute") as caught:
        require_attribute(name, "--bins")
    assert hint in str(caught.value)
