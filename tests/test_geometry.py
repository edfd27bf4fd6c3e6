import numpy as np

from simgen.geometry import (
    cross,
    look_at,
    pose_matrices,
    pose_matrix,
    project,
    quat_about,
    quat_from_rotation,
    quat_multiply,
    rotation_from_quat,
    transform,
)

K = np.array([[100.0, 0, 50], [0, 100, 40], [0, 0, 1]])


def test_quaternion_turns_x_to_y():
    turned = rotation_from_quat(quat_about([0, 0, 1], np.pi / 2)) @ [1, 0, 0]
    np.testing.assert_allclose(turned, [0, 1, 0], atol=1e-12)


def test_quaternion_product_is_the_product_of_the_rotations():
    a, b = quat_about([1, 2, 3], 0.7), quat_about([-1, 0.5, 2], -1.1)
    product = rotation_from_quat(a) @ rotation_from_quat(b)
    np.testing.assert_allclose(rotation_from_quat(quat_multiply(a, b)), product, atol=1e-12)


def test_a_rotation_gives_its_quaternion_back_also_at_half_a_turn():
    rng = np.random.default_rng(0)
    turns = [*rng.normal(size=(50, 4)), [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0.6, 0, 0.8, 1e-9]]
    for quat in turns:
        rotation = rotation_from_quat(quat)
        found = quat_from_rotation(rotation)
        np.testing.assert_allclose(rotation_from_quat(found), rotation, atol=1e-12)
        assert found[3] >= 0
        np.testing.assert_allclose(np.linalg.norm(found), 1)


def test_the_point_looked_at_is_on_the_optical_axis():
    camera = look_at([0.3, -0.4, 0.5], [0.1, 0.2, 0.0], roll_rad=0.3)
    point = transform(camera, [[0.1, 0.2, 0.0]])
    np.testing.assert_allclose(point[0, :2], 0, atol=1e-12)
    np.testing.assert_allclose(project(K, point), [[50, 40]], atol=1e-9)


def test_looking_from_the_south_north_is_up_and_east_is_right():
    camera = look_at([0, -0.5, 0.5], [0, 0, 0])
    north, east = project(K, transform(camera, [[0, 0.1, 0], [0.1, 0, 0]]))
    assert north[1] < 40
    assert east[0] > 50


def test_pose_moves_points():
    pose = pose_matrix([1, 2, 3], quat_about([0, 0, 1], np.pi))
    np.testing.assert_allclose(transform(pose, [[1, 0, 0]]), [[0, 2, 3]], atol=1e-12)


def test_many_poses_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(4)
    places, turns = rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    one_by_one = [pose_matrix(place, turn) for place, turn in zip(places, turns, strict=True)]
    np.testing.assert_allclose(pose_matrices(places, turns), one_by_one, rtol=0, atol=1e-15)
    assert pose_matrices([], []).shape == (0, 4, 4)


def test_the_cross_product_is_that_of_numpy():
    a, b = np.random.default_rng(3).normal(size=(2, 3))
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
