from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planes_for_tests import MATRIX, POINTS_M, SIZE_WH, THING, pose, write_plates
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from simgen.adapters.planes.geometry import mapped, plane_homography
from simgen.adapters.planes.predict import PlaneFound
from simgen.adapters.planes.scores import (
    add_m,
    adds_m,
    has_truth,
    mask_iou,
    oks,
    pose_errors,
    require_points,
    rotation_deg,
    summary,
)
from simgen.errors import DataError
from simgen.formats.coco import CocoDataset
from simgen.geometry import pose_matrix


def found(held: np.ndarray, shift_px: float = 0.0) -> PlaneFound:
    homography = plane_homography(MATRIX, held)
    points = mapped(homography, THING.places_m) + np.array([shift_px, 0])
    return PlaneFound(points, np.ones(24, bool), 0.9, mapped(homography, THING.corners_m), held)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory):
    folder = write_plates(tmp_path_factory.mktemp("plates") / "set", [pose(), pose(120, 40)])
    return CocoDataset.read(folder).records


def test_angles_are_scipy_s_also_small_and_half_a_turn():
    rng = np.random.default_rng(0)
    for angle in (1e-9, 1e-4, 0.3, 3.0, np.pi):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        base = Rotation.random(random_state=1).as_matrix()
        turned = Rotation.from_rotvec(angle * axis).as_matrix() @ base
        assert rotation_deg(turned, base) == pytest.approx(np.degrees(angle), rel=1e-6)


def test_add_and_add_s_are_their_definitions():
    first, second = pose(10), pose(14, 27)
    a, b = ((POINTS_M @ p[:3, :3].T + p[:3, 3]) for p in (first, second))
    assert add_m(first, second, POINTS_M) == pytest.approx(np.mean([np.linalg.norm(a[k] - b[k]) for k in range(24)]))
    assert adds_m(first, second, POINTS_M) == pytest.approx(cKDTree(a).query(b)[0].mean())
    # Half a turn maps the corners onto one another: wrong for ADD, right for ADD-S.
    over = first @ pose_matrix([*THING.outline_m, 0], [0, 0, 1, 0])
    assert add_m(first, over, POINTS_M) > 0.05
    assert adds_m(first, over, POINTS_M) < 1e-9


def test_oks_is_coco_s_formula():
    # d^2 = 2 s^2 k^2 with k = 2 sigma gives 1 / e.
    area = 10_000.0
    d = np.sqrt(2 * area) * 0.05
    assert oks(np.array([d, 0.0]), area) == pytest.approx((np.exp(-1) + 1) / 2)
    assert oks(np.array([np.inf]), area) == 0


def test_exact_results_have_no_error(records):
    errors = pose_errors([found(r.annotations[0].cam_T_object) for r in records], records, THING)
    figures = summary(errors)
    assert figures["pck@1"] == 1
    assert figures["corner_px_90"] < 1e-3
    assert figures["translation_percent_90"] < 1e-4
    assert figures["rotation_deg_90"] < 1e-4
    assert figures["mask_iou_min"] == 1
    assert figures["gross_failures"] == 0


def test_known_errors_are_measured(records):
    held = records[0].annotations[0].cam_T_object.copy()
    off = held.copy()
    off[:3, 3] *= 1.02
    (error,) = pose_errors([replace(found(off), keypoints=found(held, 1.5).keypoints)], records[:1], THING)
    np.testing.assert_allclose(error.corners_px, 1.5, atol=1e-3)
    assert error.pose["translation_percent"] == pytest.approx(2, abs=1e-6)
    assert error.pose["translation_mm"] == pytest.approx(20 * np.linalg.norm(held[:3, 3]), rel=1e-6)
    assert error.pose["add_mm"] == pytest.approx(20 * np.linalg.norm(held[:3, 3]), rel=1e-6)
    assert 0.9 < error.mask_iou < 1
    assert summary([error])["pck@1"] == 0
    assert summary([error])["pck@2"] == 1


def test_what_was_not_found_counts_and_is_no_number_in_the_file(records):
    errors = pose_errors([None, found(records[1].annotations[0].cam_T_object)], records, THING)
    figures = summary(errors)
    assert figures["pck@5"] == 0.5
    assert figures["gross_failures"] == 1
    assert figures["mask_iou"] == 0.5
    assert figures["rotation_deg_90"] == np.inf
    assert errors[0].as_dict()["rotation_deg"] is None
    assert errors[1].as_dict()["rotation_deg"] == pytest.approx(0, abs=1e-4)


def test_the_rim_around_the_print_does_not_count(records):
    mask = found(records[0].annotations[0].cam_T_object).mask(SIZE_WH)
    (error,) = pose_errors([found(records[0].annotations[0].cam_T_object)], records[:1], THING)
    assert error.mask_iou == 1
    assert mask.sum() < 0.85 * np.prod(records[0].annotations[0].size_wh)
    assert mask_iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


def test_other_points_than_the_model_s_are_refused(records, tmp_path: Path):
    bare = replace(records[0], annotations=())
    assert not has_truth(bare)
    with pytest.raises(DataError, match="expected labelled keypoints, got none"):
        require_points([], THING)
    other = replace(records[0].annotations[0], keypoint_names=tuple(f"k{n}" for n in range(24)))
    with pytest.raises(DataError, match=r"the 24 keypoints of the model \(corner_00, ...\), got k0, k1, k2, ..."):
        require_points([replace(records[0], annotations=(other,))], THING)
