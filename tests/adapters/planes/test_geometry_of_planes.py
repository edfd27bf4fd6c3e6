import cv2
import numpy as np
import pytest
from planes_for_tests import MATRIX, PLATE, POINTS_M, SIZE_WH, THING, photograph, pose

from simgen.adapters.planes.geometry import (
    PlaneObject,
    aligned,
    crop_transform,
    in_front,
    likeness,
    mapped,
    plane_homography,
    polygon_mask,
    portrait,
    warped,
)
from simgen.errors import CheckpointError


def grey(cam_T_object: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(photograph(cam_T_object), cv2.COLOR_RGB2GRAY), np.uint8)


def test_the_homography_of_a_pose_is_opencv_s_projection():
    held = pose(30)
    pixels, _ = cv2.projectPoints(POINTS_M, cv2.Rodrigues(held[:3, :3])[0], held[:3, 3], MATRIX, None)
    np.testing.assert_allclose(mapped(plane_homography(MATRIX, held), THING.places_m), pixels[:, 0], atol=1e-9)


def test_points_beyond_the_horizon_are_told_apart():
    flat = np.array([[1, 0, 0], [0, 1, 0], [0, 0.01, 1.0]])
    seen = in_front(flat, np.array([[0, 0], [5, 50], [0, -90], [0, -110]]))
    assert seen.tolist() == [True, True, True, False]


def test_a_crop_puts_its_middle_in_the_middle_and_turns_clockwise():
    crop = crop_transform((100, 50), 80, np.pi / 2, 160)
    np.testing.assert_allclose(mapped(crop, [[100, 50], [110, 50]]), [[79.5, 79.5], [79.5, 99.5]], atol=1e-9)


@pytest.mark.parametrize("scale", [0.19, 0.6, 1.7])
def test_what_is_warped_lies_where_the_transform_says(scale):
    picture = np.zeros((300, 400, 3), np.uint8)
    cv2.circle(picture, (200 * 16, 140 * 16), 24 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    crop = crop_transform((200, 150), 200 / scale, 0.3, 200)
    image = warped(picture, crop, (200, 200), fill=0).astype(float)[..., 0]
    y, x = np.mgrid[:200, :200]
    found = np.array([(image * x).sum(), (image * y).sum()]) / image.sum()
    np.testing.assert_allclose(found, mapped(crop, [[200, 140]])[0], atol=0.1)


@pytest.mark.parametrize("order", [1, -1])
def test_a_polygon_s_mask_counts_pixel_centres(order):
    corners = np.array([[10.2, 5.5], [60.7, 12.3], [52.1, 40.9], [8.4, 33.3]])[::order]
    found = polygon_mask(corners, (70, 50))
    wanted = np.array(
        [[cv2.pointPolygonTest(corners.astype(np.float32), (x, y), False) >= 0 for x in range(70)] for y in range(50)]
    )
    np.testing.assert_array_equal(found, wanted)


def test_the_portrait_is_the_print_and_tells_which_way_is_up():
    held = pose(200, 40)
    homography = plane_homography(MATRIX, held)
    face = portrait(grey(held), homography, THING)
    width, height = THING.portrait_wh
    texture = PLATE.paint(np.full((*PLATE.texture_size_wh()[::-1], 3), 235, np.uint8))
    rim = int(np.ceil(PLATE.rim_m / PLATE.square_m * PLATE.square_px))
    printed = cv2.resize(texture[rim:-rim, rim:-rim, 0], (width, height), interpolation=cv2.INTER_AREA)
    right = likeness(face, printed.astype(np.float32))
    wrong = likeness(portrait(grey(held), homography @ THING.half_turn(), THING), printed.astype(np.float32))
    assert right > 0.95
    assert right > wrong + 0.02


def test_what_is_outside_the_picture_is_not_compared():
    homography = plane_homography(MATRIX, pose())
    aside = homography.copy()
    aside[0] += 250 * homography[2]
    face = portrait(grey(pose()), aside, THING)
    assert 0.1 < np.isnan(face).mean() < 0.9
    noise = np.random.default_rng(0).normal(size=face.shape).astype(np.float32)
    both = np.where(np.isnan(face), 0, face)
    assert likeness(np.where(np.isnan(face), np.nan, noise).astype(np.float32), noise) == pytest.approx(1, abs=1e-5)
    assert likeness(noise, -3 * noise + 1) == pytest.approx(-1, abs=1e-5)
    assert likeness(np.full_like(both, np.nan), noise) == -1


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_what_lies_less_than_half_a_square_off_is_drawn_in(share):
    held = pose(20, 35)
    true = plane_homography(MATRIX, held)
    face = portrait(grey(pose(0, 1)), plane_homography(MATRIX, pose(0, 1)), THING).astype(np.uint8)
    shift = share * PLATE.square_m
    off = true @ np.array([[1, 0.02, shift], [0.01, 1, -0.3 * shift], [0, 0, 1]])
    found = aligned(grey(held), off, THING, face)
    before = np.linalg.norm(mapped(off, THING.places_m) - mapped(true, THING.places_m), axis=1)
    after = np.linalg.norm(mapped(found, THING.places_m) - mapped(true, THING.places_m), axis=1)
    assert before.min() > 5 * share
    assert after.max() < 0.5


def test_where_nothing_is_to_be_seen_nothing_is_moved():
    true = plane_homography(MATRIX, pose())
    face = np.full(THING.portrait_wh[::-1], 128, np.uint8)
    np.testing.assert_array_equal(aligned(np.full((480, 640), 90, np.uint8), true, THING, face), true)


def test_plain_data_gives_the_object_back():
    assert PlaneObject.from_plain(THING.as_plain()) == THING
    assert THING.portrait_wh == (160, 224)
    np.testing.assert_allclose(THING.places(THING.normalised(THING.places_m)), THING.places_m)
    assert polygon_mask(mapped(plane_homography(MATRIX, pose()), THING.corners_m), SIZE_WH).any()


@pytest.mark.parametrize(
    "damage",
    [{"names": ["a"]}, {"points_m": [[0, 0, 1]] * 24}, {"outline_m": [1]}, {"outline_m": [0, 1]}, {"points_m": "x"}],
)
def test_a_damaged_object_is_refused(damage):
    with pytest.raises(CheckpointError, match="model file: expected"):
        PlaneObject.from_plain({**THING.as_plain(), **damage})
