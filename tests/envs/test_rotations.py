"""Rotations of estimates against SciPy and brute force."""

import numpy as np
import pytest

from simgen.envs.rotations import Symmetries, rotation_of_6d, rotation_of_yaw
from simgen.geometry import quat_about, rotation_from_quat

Rotation = pytest.importorskip("scipy.spatial.transform", reason="the extra [train] is not installed").Rotation


def drawn(count, seed=0):
    return Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix()


def test_six_numbers_are_the_first_two_columns():
    for truth in drawn(20):
        first, second = truth[:, 0], truth[:, 1]
        np.testing.assert_allclose(rotation_of_6d([*3 * first, *(0.5 * second + 2 * first)]), truth, atol=1e-12)


@pytest.mark.parametrize("numbers", [np.zeros(6), [1, 2, 3, 2, 4, 6], [0, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0]])
def test_six_numbers_without_a_rotation_still_give_one(numbers):
    found = rotation_of_6d(numbers)
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(found) == pytest.approx(1)


def test_a_direction_is_a_turn_about_the_vertical():
    for angle in np.linspace(-3, 3, 7):
        expected = rotation_from_quat(quat_about((0, 0, 1), angle))
        np.testing.assert_allclose(rotation_of_yaw([0.2 * np.cos(angle), 0.2 * np.sin(angle)]), expected, atol=1e-12)
    np.testing.assert_array_equal(rotation_of_yaw([0, 0]), np.eye(3))


def test_without_symmetry_the_angle_is_scipy_s_magnitude():
    a, b = drawn(30), drawn(30, 1)
    expected = (Rotation.from_matrix(a).inv() * Rotation.from_matrix(b)).magnitude()
    found = [Symmetries({}).angle_rad(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("symmetry", "count"),
    [({}, 1), ({"z": 4}, 4), ({"x": 2, "z": 2}, 4), ({"x": 2, "z": 6}, 12), ({"x": 4, "z": 4}, 24)],
)
def test_the_turns_make_the_known_groups(symmetry, count):
    assert len(Symmetries(symmetry)) == count


def test_turns_of_the_group_cost_nothing_and_others_do():
    brick, (truth, other) = Symmetries({"x": 2, "z": 2}), drawn(2)
    for axis in np.eye(3):
        assert brick.angle_rad(truth @ rotation_from_quat(quat_about(axis, np.pi)), truth) < 1e-6
        assert brick.angle_rad(truth @ rotation_from_quat(quat_about(axis, 0.3)), truth) == pytest.approx(0.3)
    assert brick.angle_rad(other, truth) <= Symmetries({}).angle_rad(other, truth)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_any_turn_about_an_axis_is_as_good_as_the_best_of_many(axis):
    any_turn, unit = Symmetries({axis: 0}), np.eye(3)["xyz".index(axis)]
    turns = Rotation.from_rotvec(np.linspace(0, 2 * np.pi, 3000)[:, None] * unit)
    for a, b in zip(drawn(10), drawn(10, 1), strict=True):
        best = (Rotation.from_matrix(a).inv() * Rotation.from_matrix(b) * turns).magnitude().min()
        assert any_turn.angle_rad(a, b) == pytest.approx(best, abs=2e-3)


def test_a_ball_has_no_orientation():
    a, b = drawn(2)
    assert Symmetries({"x": 0, "z": 0}).angle_rad(a, b) == 0
