"""Density in an embedding: outliers come first, by both scores."""

import numpy as np
import pytest

from simgen.cutting import crop_box
from simgen.rare.density import Axes, covered, distances_to, own_distances, rank_share
from simgen.rare.likelihood import likelihood_bound
from simgen.rare.patches import thumbnails
from simgen.rng import stream


def cloud(n, seed=0):
    return stream(seed, 0, "cloud").normal(size=(n, 6))


def test_distances_are_those_of_a_table():
    points = cloud(12)
    gaps = np.sort(np.linalg.norm(points[:, None] - points[None], axis=-1), axis=1)
    assert own_distances(points, 3) == pytest.approx(gaps[:, 3])
    assert distances_to(points[:4], points[4:], 1) == pytest.approx(
        np.linalg.norm(points[:4, None] - points[None, 4:], axis=-1).min(axis=1)
    )


def test_a_few_points_have_distances_too():
    assert own_distances(cloud(1)).tolist() == [0]
    assert own_distances(np.array([[0.0], [3.0]])) == pytest.approx([3, 3])
    assert np.isinf(distances_to(cloud(2), np.zeros((0, 6)))).all()


def test_what_lies_elsewhere_is_not_covered():
    real = np.concatenate([cloud(40), cloud(10, 1) + 30])
    assert covered(real, cloud(400, 2)).tolist() == [True] * 40 + [False] * 10


def test_the_likelihood_bound_finds_the_outlier_and_repeats():
    points = np.concatenate([cloud(80), np.full((1, 6), 6.0)])
    bound = likelihood_bound(points, stream(3, 0, "vae"))
    assert bound is not None
    assert int(np.argmin(bound)) == 80
    assert bound.tolist() == likelihood_bound(points, stream(3, 0, "vae")).tolist()
    assert likelihood_bound(cloud(19), stream(0, 0, "vae")) is None


def test_ranks_and_axes_are_scaled():
    assert rank_share(np.array([3.0, 1.0, 2.0])).tolist() == [1, 0, 0.5]
    rows = cloud(50).astype(np.float32) * [9, 1, 1, 1, 1, 1]
    points = Axes.of(rows.astype(np.float32), 2).project(rows.astype(np.float32))
    assert points.shape == (50, 2)
    assert points[:, 0].std(ddof=1) == pytest.approx(1, abs=1e-4)
    alike = np.ones((5, 4), np.float32)
    assert Axes.of(alike).project(alike).tolist() == [[0.0]] * 5


def test_crops_repeat_the_border_and_thumbnails_tell_colours_apart():
    rgb = np.zeros((20, 30, 3), np.uint8)
    rgb[:, 25:] = (200, 0, 0)
    tile = crop_box(rgb, np.array([25.0, 0, 30, 5]), 2.0, 16)
    assert tile.shape == (16, 16, 3)
    assert tile[0, -1].tolist() == [200, 0, 0]
    assert tile[0, 0].tolist() == [0, 0, 0]
    red, blue = np.zeros((2, 1, 16, 16, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    rows = thumbnails(np.concatenate([red, blue, red]))
    assert rows.dtype == np.float32
    assert np.array_equal(rows[0], rows[2])
    assert np.linalg.norm(rows[0] - rows[1]) > 1
