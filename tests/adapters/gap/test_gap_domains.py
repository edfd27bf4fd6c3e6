"""The domain classifier: what it says of equal and of separable sets, and that images never leak between folds."""

import numpy as np
import pytest

from simgen.adapters.gap.domains import domain_test, proxy_a_distance
from simgen.rng import stream


def judged(source, target, groups=None, seed=0):
    groups = np.arange(len(source) + len(target)) if groups is None else groups
    return domain_test(source, target, groups, seed)


@pytest.mark.parametrize(("error", "distance"), [(0.0, 2), (0.25, 1), (0.5, 0), (0.7, 0)])
def test_the_a_distance_is_clipped(error, distance):
    assert proxy_a_distance(error) == distance


def test_equal_sets_are_near_zero_and_separable_sets_are_two():
    rng = stream(0, 0, "domain")
    source, target = rng.normal(size=(2, 200, 4))
    same, apart = judged(source, target), judged(source, target + 8)
    assert same.a_distance < 0.35
    assert same.p_value > 0.01
    assert same.js_bits < 0.05
    assert apart.a_distance == 2
    assert apart.p_value < 1e-6
    assert apart.js_bits > 0.9


def test_unequal_sizes_do_not_pass_for_a_difference():
    rng = stream(1, 0, "unequal")
    assert judged(rng.normal(size=(300, 3)), rng.normal(size=(30, 3))).a_distance < 0.6


def test_p_values_keep_their_level():
    p_values = []
    for number in range(16):
        source, target = stream(2, number, "level").normal(size=(2, 40, 3))
        p_values.append(judged(source, target).p_value)
    assert np.mean(np.array(p_values) < 0.1) <= 0.1
    assert judged(source, target + 1.5).p_value < 0.05


def test_rows_of_one_image_are_never_on_both_sides():
    # Each image's rows are alike and say nothing of its set: only a leak could tell the sets apart.
    rng = stream(3, 0, "leak")
    images = rng.normal(size=(30, 20))
    rows = np.repeat(images, 8, axis=0) + 0.01 * rng.normal(size=(240, 20))
    groups = np.repeat(np.arange(30), 8)
    kept = judged(rows[:120], rows[120:], groups)
    leaked = judged(rows[:120], rows[120:])
    assert leaked.accuracy > 0.85
    assert kept.accuracy < 0.7
