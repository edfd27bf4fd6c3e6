"""The lenses against OpenCV's, their inverses, and what cannot be inverted."""

import dataclasses

import cv2
import numpy as np
import pytest

from simgen.errors import ConfigError, RenderError
from simgen.lens import (
    LENSES,
    build_lens,
    camera_matrix,
    lens_of,
    lens_section,
    pinhole_around,
    pixel_rays,
    source_pixels,
)
from simgen.scene import CameraSpec

POINTS = np.random.default_rng(0).uniform(-0.6, 0.6, (200, 2))
BROWN = [
    {"k1": -0.28, "k2": 0.08, "p1": 0.001, "p2": -0.0007, "k3": -0.01},
    {"k1": 0.2, "k2": 0.05},
    {"p1": 0.01, "p2": 0.02},
]
FISHEYE = [{}, {"k1": 0.03, "k2": -0.01, "k3": 0.004, "k4": -0.001}, {"k1": -0.1}]
ALL = [{"kind": "brown", **c} for c in BROWN] + [{"kind": "fisheye", **c} for c in FISHEYE]


@pytest.mark.parametrize("coefficients", BROWN)
def test_brown_is_opencvs(coefficients):
    lens = build_lens({"kind": "brown", **coefficients})
    solid = np.column_stack([POINTS, np.ones(len(POINTS))])
    expected, _ = cv2.projectPoints(solid, np.zeros(3), np.zeros(3), np.eye(3), np.array(lens.coefficients()))
    np.testing.assert_allclose(lens.distort(POINTS), expected[:, 0], atol=1e-12)


@pytest.mark.parametrize("coefficients", FISHEYE)
def test_fisheye_is_opencvs(coefficients):
    lens = build_lens({"kind": "fisheye", **coefficients})
    expected = cv2.fisheye.distortPoints(POINTS[None] * 3, np.eye(3), np.array(lens.coefficients()))
    np.testing.assert_allclose(lens.distort(POINTS * 3), expected[0], atol=1e-12)


@pytest.mark.parametrize("section", ALL)
def test_undistort_is_the_inverse(section):
    lens = build_lens(section)
    np.testing.assert_allclose(lens.undistort(lens.distort(POINTS)), POINTS, atol=1e-9)
    assert lens.undistort(np.zeros((1, 2))) == pytest.approx(0)


@pytest.mark.parametrize("section", ALL)
def test_the_slopes_are_the_derivatives(section):
    lens = build_lens(section)
    step = 1e-6 * np.eye(2)
    numeric = np.stack([(lens._bend(POINTS + s) - lens._bend(POINTS - s)) / 2e-6 for s in step], -1)
    np.testing.assert_allclose(lens._slopes(POINTS), numeric, atol=1e-7)


def test_beyond_its_reach_a_lens_keeps_moving_outwards():
    lens = build_lens({"kind": "brown", "k1": -0.3})
    along = np.stack([np.linspace(0, 20, 400), np.zeros(400)], 1)
    assert lens.reach() == pytest.approx((1 / 0.9) ** 0.5)
    assert (np.diff(lens.distort(along)[:, 0]) > 0).all()
    with pytest.raises(RenderError, match=r"expected a distortion that can be undone, got none at \(3\.000, 0\.000\)"):
        lens.undistort([[3.0, 0.0]])


def test_a_distortion_must_be_undone_over_the_whole_image():
    barrel = {"kind": "brown", "k1": -0.2}  # lets nothing land farther out than 0.861
    fine = CameraSpec(size_wh=(640, 480), focal_px=(500, 500), center_px=(319.5, 239.5), lens=barrel)
    assert lens_of(fine) is not None
    with pytest.raises(RenderError, match=r"camera\.lens: expected a distortion that can be undone over the image"):
        lens_of(dataclasses.replace(fine, focal_px=(450, 450)))
    assert lens_of(CameraSpec()) is None


@pytest.mark.parametrize("section", ALL)
def test_coefficients_and_sections_are_inverses(section):
    lens = build_lens(section)
    assert build_lens(lens_section(section["kind"], lens.coefficients())) == lens


def test_mistakes_are_one_sentence():
    with pytest.raises(ConfigError, match=r'lens\.kind: unknown kind "fish" \(did you mean "fisheye"\?\)'):
        build_lens({"kind": "fish"})
    with pytest.raises(ConfigError, match='unknown key "k4"'):
        build_lens({"kind": "brown", "k4": 0.1})
    with pytest.raises(ConfigError, match='expected at most 4 coefficients of "fisheye", got 5'):
        lens_section("fisheye", [0] * 5)
    assert set(LENSES) == {"brown", "fisheye"}


def test_the_camera_matrix_has_the_skew():
    matrix = camera_matrix(CameraSpec(focal_px=(300, 310), center_px=(50, 40), skew=2.5))
    assert matrix.tolist() == [[300, 2.5, 50], [0, 310, 40], [0, 0, 1]]


WIDE = CameraSpec(size_wh=(161, 120), focal_px=(150, 140), center_px=(84.0, 57.0), skew=2.0)


@pytest.mark.parametrize("section", [None, *ALL])
def test_the_rays_of_the_pixels_land_on_the_pixels(section):
    camera = dataclasses.replace(WIDE, lens=section)
    rays = pixel_rays(camera).reshape(-1, 2)
    landed = rays if section is None else build_lens(section).distort(rays)
    pixels = np.column_stack([landed, np.ones(len(landed))]) @ camera_matrix(camera).T
    v, u = np.mgrid[:120, :161]
    np.testing.assert_allclose(pixels[:, :2], np.stack([u.ravel(), v.ravel()], 1), atol=0.003)


@pytest.mark.parametrize("section", ALL)
def test_a_pinhole_around_a_lens_holds_all_that_the_lens_lets_in(section):
    camera = dataclasses.replace(WIDE, lens=section)
    pinhole = pinhole_around(camera)
    source = source_pixels(camera, pinhole)
    assert (pinhole.lens, pinhole.skew) == (None, 0)
    assert pinhole.focal_px == camera.focal_px
    assert source.shape == (120, 161, 2)
    for axis, size in enumerate(pinhole.size_wh):
        assert 0.5 <= source[..., axis].min() < 3
        assert size - 4 < source[..., axis].max() <= size - 1.5


def test_a_view_too_wide_for_a_plane_is_refused():
    camera = dataclasses.replace(WIDE, focal_px=(72, 72), lens={"kind": "fisheye"})
    with pytest.raises(RenderError, match="expected a view that a plane of 4 times the image's size holds"):
        pinhole_around(camera)
