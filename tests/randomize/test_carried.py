"""The carried plate, and the twins of photographs of one (those from SIMGEN_DATA)."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from simgen.catalog.charuco import CharucoPlate
from simgen.config import from_dict, load, why_no_gl
from simgen.errors import ConfigError
from simgen.formats.coco import CocoDataset
from simgen.generate import draw_scene, render_scene, sample
from simgen.geometry import look_at, pose_matrix, rotation_from_quat, transform
from simgen.randomize.carried import twin
from simgen.scene import CameraSpec

SMALL = ["output.size_wh=[400, 300]", "render.kind=tiny"]
PLATE = CharucoPlate()
POINTS_M = np.array(list(PLATE.keypoints_m().values()))
needs_gl = pytest.mark.skipif(why_no_gl() is not None, reason=f"no OpenGL context can be made: {why_no_gl()}")


def photographs() -> CocoDataset:
    folder = Path(os.environ.get("SIMGEN_DATA", "")) / "charuco_robot"
    if not (folder / "annotations.json").is_file():
        pytest.skip("SIMGEN_DATA names no folder with charuco_robot")
    return CocoDataset.read(folder)


def rendered(kind: str, camera: CameraSpec, cam_T_board: np.ndarray):
    section = {"kind": "tiny", "supersample": 2} if kind == "tiny" else {"kind": kind}
    config = from_dict({"classes": ["charuco_board"], "render": section, "randomize": {"light": {}}})
    return render_scene(config, twin(PLATE, camera, cam_T_board))


def detected(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (n, 2) that OpenCV's own detector finds, and their numbers (n,)."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_6X6_250)
    board = cv2.aruco.CharucoBoard((5, 7), 0.036195, 0.018256, dictionary)
    corners, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    return np.reshape(corners, (-1, 2)), np.ravel(ids)


@pytest.mark.parametrize("index", range(6))
def test_a_drawn_plate_faces_the_camera_at_its_distance_and_place(index):
    config = load("charuco", SMALL)
    scene = draw_scene(config, 0, index)
    camera, section = scene.camera, config.randomize["carried_plate"]
    plate = next(o for o in scene.objects if o.labelled)
    centre = transform(look_at(camera.eye_m, camera.target_m, camera.roll_rad), [plate.position_m])[0]
    half = plate.model["thickness_m"] / 2
    assert 0.3 - half <= np.linalg.norm(centre) <= 1.4 + half
    toward = np.subtract(camera.eye_m, plate.position_m)
    face = -rotation_from_quat(plate.quat_xyzw)[:, 2]
    tilt = np.arccos(face @ toward / np.linalg.norm(toward))
    assert tilt <= section.tilt_rad.support()[1] + 0.02
    others = [o for o in scene.objects if o.name.startswith(("flange", "link"))]
    assert len(others) >= 3
    assert all(not o.labelled and o.mass_kg == 0 for o in others)
    assert all((np.array(o.position_m) - plate.position_m) @ face < 0 for o in others[:1])


def test_the_flange_touches_the_plate_s_back():
    for index in range(5):
        scene = draw_scene(load("charuco", SMALL), 1, index)
        plate, flange = (next(o for o in scene.objects if o.name == name) for name in ("plate", "flange"))
        pose = pose_matrix(plate.position_m, plate.quat_xyzw)
        height = flange.model.get("height_m") or flange.model["size_m"][2]
        away = transform(np.linalg.inv(pose), [flange.position_m])[0, 2]
        assert away == pytest.approx((plate.model["thickness_m"] + height) / 2, abs=2e-5)


def test_labels_carry_the_points_and_the_print():
    made = sample(load("charuco", SMALL), 0, 1)
    (plate,) = made.annotations
    assert plate.class_name == "charuco_board"
    np.testing.assert_allclose(plate.keypoints_m, POINTS_M)
    assert plate.outline_m == pytest.approx((0.180975, 0.253365))
    seen = plate.keypoints[:, 2] > 0
    pixels = transform(plate.cam_T_object, plate.keypoints_m) @ made.camera_matrix.T
    np.testing.assert_allclose(plate.keypoints[seen, :2], (pixels[:, :2] / pixels[:, 2:])[seen], atol=1e-6)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("board={squares: [5, 1]}", "board.squares.1: expected a number >= 2, got 1"),
        ("board={rim_m: 0.1}", "board.rim_m: expected beside the board, where it can be random, not in it"),
        ("board={squars: 5}", 'board.squars: unknown key "squars" (did you mean "squares"?)'),
        ("tilt_rad=[0, 2]", "tilt_rad: expected numbers from 0 to 1.5, got 2"),
    ],
)
def test_what_no_plate_can_be_is_refused_when_the_config_is_read(override, sentence):
    with pytest.raises(ConfigError) as caught:
        load("charuco", [*SMALL, f"randomize.carried_plate.{override}"])
    assert sentence in str(caught.value)


@pytest.mark.parametrize("kind", ["tiny", pytest.param("gl", marks=needs_gl)])
def test_a_twin_has_the_given_pose_and_its_corners_are_found_there(kind):
    camera = CameraSpec((800, 600), (676, 678), (394.8, 313.6))
    pose = pose_matrix([-0.12, -0.06, 0.5], [0.1, 0.2, 0.3, 0.9])
    made = rendered(kind, camera, pose)
    np.testing.assert_allclose(made.annotations[0].cam_T_object, pose, atol=1e-6)
    corners, ids = detected(made.rgb)
    assert len(ids) == 24
    np.testing.assert_allclose(corners, made.annotations[0].keypoints[ids, :2], atol=0.5)


@pytest.mark.parametrize("kind", ["tiny", pytest.param("gl", marks=needs_gl)])
def test_the_twins_of_the_photographs_show_the_corners_where_the_photographs_do(kind):
    """0.5 px from their projection; 2 px from the photographed ones, where these agree with their own pose."""
    apart: list[float] = []
    for record in [r for r in photographs().records if r.annotations][:: 1 if kind == "gl" else 5]:
        (truth,), matrix = record.annotations, record.camera_matrix
        k = matrix.tolist()
        camera = CameraSpec(record.size_wh, (k[0][0], k[1][1]), (k[0][2], k[1][2]))
        corners, ids = detected(rendered(kind, camera, truth.cam_T_object).rgb)
        pixels = transform(truth.cam_T_object, POINTS_M) @ matrix.T
        projected = (pixels[:, :2] / pixels[:, 2:])[ids]
        assert len(ids) >= 20
        assert np.linalg.norm(corners - projected, axis=1).max() < 0.5
        seen = truth.keypoints[ids, 2] == 2
        photographed = truth.keypoints[ids, :2]
        own = np.linalg.norm(photographed - projected, axis=1)
        gap = np.linalg.norm(corners - photographed, axis=1)
        assert np.all(gap[seen] < np.maximum(2.0, own[seen] + 0.25))
        apart += gap[seen].tolist()
    assert np.mean(np.array(apart) < 2.0) > 0.98
