"""What boxes hide by formula, against rays."""

import numpy as np

from simgen.catalog.mesh import box_mesh
from simgen.envs.boxes import Boxes
from simgen.envs.sight import Sight

SIZES = [(2.0, 2.0, 0.04), (0.03, 0.13, 0.14), (0.04, 0.08, 0.1), (0.02, 0.11, 0.12)]


def turned(rng):
    quat = rng.normal(size=4)
    return quat / np.linalg.norm(quat)


def test_boxes_hide_what_rays_say():
    rng = np.random.default_rng(0)
    boxes, sight = Boxes(SIZES), Sight([box_mesh(size) for size in SIZES], [(0, 0, 0)] * len(SIZES))
    same, hidden = [], []
    for _ in range(20):
        poses = [(np.array([0, 0, -0.02]), np.array([0.0, 0, 0, 1]))]
        poses += [(np.array([0.15 * np.cos(k), 0.15 * np.sin(k), 0.08]), turned(rng)) for k in rng.uniform(0, 6.28, 3)]
        boxes.move(poses)
        for number, pose in enumerate(poses):
            sight.place(number, *pose)
        points = rng.uniform(-0.04, 0.04, (60, 3)) + np.array([0, 0, 0.05])
        eyes = rng.uniform(-1, 1, (12, 3)) + np.array([0, 0, 0.6])
        eyes *= (0.6 / np.linalg.norm(eyes, axis=1))[:, None]
        free = np.stack([sight.sees([eye], points, _unit(eye - points))[0] for eye in eyes])
        found = boxes.hide(eyes, points)
        same.append(found == ~free)
        hidden.append(found)
    assert 0.2 < np.mean(hidden) < 0.8
    assert np.mean(same) > 0.999


def test_a_line_along_a_side_is_in_the_slab_or_beside_it():
    boxes = Boxes([(2.0, 2.0, 2.0)])
    boxes.move([(np.zeros(3), np.array([0.0, 0, 0, 1]))])
    eyes = np.array([[5.0, 0.0, 0.0], [5.0, 2.0, 0.0]])
    points = np.array([[-5.0, 0.0, 0.0], [-5.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    np.testing.assert_array_equal(boxes.hide(eyes, points), [[True, True, False], [True, False, False]])


def test_what_stands_on_a_box_is_not_hidden_by_it_and_no_boxes_hide_nothing():
    boxes = Boxes([(2.0, 2.0, 0.04)])
    boxes.move([(np.array([0, 0, -0.02]), np.array([0.0, 0, 0, 1]))])
    points = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.05]])
    assert not boxes.hide(np.array([[0.3, 0.0, 0.4]]), points).any()
    assert boxes.hide(np.array([[0.3, 0.0, -0.4]]), points).all()
    assert not Boxes([]).hide(np.ones((2, 3)), points).any()


def _unit(rays):
    return rays / np.linalg.norm(rays, axis=1)[:, None]
