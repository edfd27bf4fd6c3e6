import cv2
import numpy as np
import pytest
from planes_for_tests import MATRIX, POINTS_M, THING, photograph, pose

from simgen.adapters.planes.corners import Corners, fit_homography, refine, solve_pose
from simgen.adapters.planes.geometry import mapped, plane_homography
from simgen.adapters.planes.scores import rotation_deg
from simgen.geometry import project, transform


def grey(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def shaken(homography: np.ndarray, sigma_px: float) -> np.ndarray:
    corners = mapped(homography, THING.corners_m)
    moved = corners + np.random.default_rng(1).normal(0, sigma_px, corners.shape)
    return cv2.findHomography(THING.corners_m, moved)[0]


def test_a_homography_is_found_among_forty_percent_of_nonsense():
    rng = np.random.default_rng(0)
    true = plane_homography(MATRIX, pose(70))
    places = rng.uniform([0, 0], THING.outline_m, (400, 2))
    pixels = mapped(true, places) + rng.normal(0, 0.5, (400, 2))
    pixels[:160] = rng.uniform(0, 600, (160, 2))
    found = fit_homography(places, pixels, 2.0)
    assert found is not None
    np.testing.assert_allclose(mapped(found, THING.places_m), mapped(true, THING.places_m), atol=0.3)
    assert fit_homography(places[:3], pixels[:3], 2.0) is None
    assert fit_homography(np.zeros((9, 2)), np.zeros((9, 2)), 2.0) is None


@pytest.mark.parametrize("turn_deg", [0, 110, 250])
def test_corners_are_found_to_a_tenth_of_a_pixel_and_the_pose_with_them(turn_deg):
    held = pose(turn_deg, 30)
    corners = refine(grey(photograph(held)), shaken(plane_homography(MATRIX, held), 2.5), THING, 0.2)
    assert corners.refined.all()
    wanted = project(MATRIX, transform(held, POINTS_M))
    np.testing.assert_allclose(corners.pixels, wanted, atol=0.15)
    found = solve_pose(corners, THING, MATRIX)
    assert found is not None
    assert np.linalg.norm(found[:3, 3] - held[:3, 3]) < 0.001 * held[2, 3]
    assert rotation_deg(found[:3, :3], held[:3, :3]) < 0.1


def test_a_hidden_corner_follows_from_the_others():
    held = pose(15)
    wanted = project(MATRIX, transform(held, POINTS_M))
    picture = photograph(held)
    x, y = np.rint(wanted[9]).astype(int)
    cv2.rectangle(picture, (x - 14, y - 9), (x + 8, y + 12), (40, 90, 200), -1)
    corners = refine(grey(picture), shaken(plane_homography(MATRIX, held), 2.0), THING, 0.2)
    assert not corners.refined[9]
    assert corners.refined.sum() >= 20
    np.testing.assert_allclose(corners.pixels, wanted, atol=0.3)


def test_without_a_window_points_stay():
    true = plane_homography(MATRIX, pose())
    corners = refine(grey(photograph(pose())), true, THING, 0.0)
    np.testing.assert_allclose(corners.pixels, mapped(true, THING.places_m))
    assert not corners.refined.any()


def test_on_an_empty_picture_the_points_stay_where_they_were_thought():
    true = plane_homography(MATRIX, pose())
    corners = refine(np.full((480, 640), 90, np.uint8), true, THING, 0.2)
    assert np.isfinite(corners.pixels).all()
    np.testing.assert_allclose(corners.pixels, mapped(true, THING.places_m), atol=1e-6)


def test_exact_points_give_the_exact_pose():
    for held in (pose(40, 50), pose(-130, 3), pose(90, 60, 1.3)):
        homography = plane_homography(MATRIX, held)
        corners = Corners(mapped(homography, THING.places_m), np.ones(24, bool), homography)
        found = solve_pose(corners, THING, MATRIX)
        assert found is not None
        np.testing.assert_allclose(found, held, atol=1e-5)
