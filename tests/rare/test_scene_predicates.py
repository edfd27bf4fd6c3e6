"""Rare events of the dice scene: what touches, what leans, what is hidden in the dark."""

from math import pi

import numpy as np
import pytest

from simgen.geometry import pose_matrix, quat_about
from simgen.rare.scenes.boxes import Boxes, gaps_m
from simgen.rare.scenes.predicates import PREDICATES, leaning_on_wall, occluded_in_low_light, same_face_touching
from simgen.samples import Annotation, Sample

UP = (0.0, 0.0, 0.0, 1.0)
HALF = 0.008


def die(name, x, z=HALF, quat=UP):
    spec = {"name": name, "model": {"kind": "die", "size_m": 2 * HALF}}
    return spec, pose_matrix((x, 0, z), quat).ravel().tolist()


def wall(x, height=0.03):
    spec = {"name": "wall_east", "model": {"kind": "box", "size_m": [0.01, 0.2, height]}}
    return spec, pose_matrix((x, 0, height / 2), UP).ravel().tolist()


def sample(*bodies):
    metadata = {
        "scene": {"objects": [spec for spec, _ in bodies]},
        "poses": {spec["name"]: pose for spec, pose in bodies},
    }
    return Sample(0, np.zeros((1, 1, 3), np.uint8), (), metadata=metadata)


@pytest.mark.parametrize(
    ("place", "angle", "gap"),
    [(0.03, 0.0, 0.014), (0.016, 0.0, 0.0), (0.01, 0.0, 0.0), (0.03, pi / 4, 0.022 - HALF * 2**0.5)],
)
def test_the_gap_of_two_boxes(place, angle, gap):
    first = Boxes.of([pose_matrix((0, 0, 0), UP)], [[HALF] * 3])
    second = Boxes.of([pose_matrix((place, 0, 0), quat_about([0, 0, 1], angle))], [[HALF] * 3])
    assert float(gaps_m(first, second)[0]) == pytest.approx(gap, abs=1e-5)


def test_gaps_agree_with_random_points_of_the_boxes():
    rng = np.random.default_rng(0)
    poses = [pose_matrix(rng.normal(0, 0.03, 3), rng.normal(size=4)) for _ in range(40)]
    boxes = Boxes.of(poses, rng.uniform(0.004, 0.02, (40, 3)))
    first, second = boxes.take(np.arange(20)), boxes.take(np.arange(20, 40))
    found = gaps_m(first, second)
    for k in range(20):
        inside = rng.uniform(-1, 1, (3000, 3)) * first.half_m[k]
        points = inside @ first.world_T_box[k, :3, :3].T + first.world_T_box[k, :3, 3]
        other = Boxes(np.repeat(second.world_T_box[k][None], 3000, 0), np.repeat(second.half_m[k][None], 3000, 0))
        nearest = np.linalg.norm(points - other.nearest(points), axis=1).min()
        assert found[k] <= nearest + 1e-9
        assert nearest - found[k] < 0.004


def test_dice_side_by_side_with_one_face_up_touch():
    assert same_face_touching(sample(die("a", 0), die("b", 2 * HALF + 0.0001)))
    assert not same_face_touching(sample(die("a", 0), die("b", 2 * HALF + 0.001)))
    assert not same_face_touching(sample(die("a", 0), die("b", 2 * HALF, quat=quat_about([1, 0, 0], pi / 2))))
    assert not same_face_touching(sample(die("a", 0), die("b", 0, z=3 * HALF)))
    assert not same_face_touching(sample(die("a", 0), die("b", 2 * HALF, z=-1.0)))
    assert not same_face_touching(sample())


def test_a_die_that_leans_on_a_wall():
    askew = quat_about([0, 1, 0], 0.5)
    reach = HALF * (np.cos(0.5) + np.sin(0.5))
    assert leaning_on_wall(sample(die("a", 0.0, reach, askew), wall(reach + 0.005)))
    assert not leaning_on_wall(sample(die("a", 0.0, reach, askew), wall(reach + 0.006)))
    assert not leaning_on_wall(sample(die("a", 0.0), wall(HALF + 0.005)))
    assert not leaning_on_wall(sample(die("a", 0.0, reach, askew)))


@pytest.mark.parametrize(
    ("fraction", "truncated", "level", "held"),
    [
        (0.3, False, 50, True),
        (0.2, False, 50, True),
        (0.3, True, 50, False),
        (0.5, False, 50, False),
        (0.1, False, 50, False),
        (0.3, False, 150, False),
    ],
)
def test_a_hidden_die_in_the_dark(fraction, truncated, level, held):
    die_seen = Annotation("one", np.array([0.0, 0, 4, 4]), visible_fraction=fraction, truncated=truncated)
    picture = np.full((8, 8, 3), level, np.uint8)
    assert occluded_in_low_light(Sample(0, picture, (die_seen,))) is held


def test_the_table_says_what_needs_a_picture():
    assert {name for name, predicate in PREDICATES.items() if predicate.needs_picture} == {"occluded_in_low_light"}
