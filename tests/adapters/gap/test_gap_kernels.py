"""MMD and KID against scikit-learn's kernels and direct sums; unbiased; the permutation test keeps its level."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from simgen.adapters.gap.kernels import (
    SCALES,
    kernel_distance,
    median_bandwidth,
    mmd2_of,
    mmd_test,
    rbf_kernels,
    squared_distances,
)
from simgen.rng import stream


def direct(kernel, n):
    """Gretton et al. 2012, equation 3, by loops over the definition."""
    m = len(kernel) - n
    xx, yy, xy = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    return (
        (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2 * xy.sum() / (n * m)
    )


def indicator(n, m):
    return np.repeat([1.0, 0.0], [n, m])[None]


def test_mmd_is_the_sum_of_scikit_learn_s_kernels():
    rng = stream(0, 0, "mmd")
    x, y = rng.normal(size=(7, 3)), rng.normal(0.5, 2, size=(11, 3))
    pooled = np.concatenate([x, y])
    pairs = [((a - b) ** 2).sum() for i, a in enumerate(pooled) for b in pooled[i + 1 :]]
    gammas = [1 / (scale * np.median(pairs)) for scale in SCALES]
    expected = direct(sum(rbf_kernel(pooled, gamma=gamma) for gamma in gammas), 7)
    assert mmd_test(x, y, rng, 9).mmd2 == pytest.approx(expected, rel=1e-9)


def test_the_bandwidth_is_the_median_squared_distance_and_never_zero():
    points = np.array([[0.0], [1.0], [3.0]])
    assert median_bandwidth(squared_distances(points, points)) == pytest.approx(4.0)
    assert median_bandwidth(np.zeros((4, 4))) > 0
    assert np.isfinite(mmd_test(np.ones((3, 2)), np.ones((4, 2)), stream(0, 0, "same"), 9).mmd2)


def test_mmd_is_unbiased_and_may_be_negative():
    values = []
    for number in range(300):
        rng = stream(1, number, "unbiased")
        kernel = rbf_kernels(rng.normal(size=(20, 2)))
        values.append(mmd2_of(kernel, indicator(8, 12))[0])
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0


def test_several_splits_at_once_are_each_alone():
    rng = stream(2, 0, "splits")
    kernel = rbf_kernels(rng.normal(size=(12, 2)))
    splits = np.stack([rng.permutation(indicator(5, 7)[0]) for _ in range(4)])
    for split, value in zip(splits, mmd2_of(kernel, splits), strict=True):
        order = np.argsort(-split, kind="stable")
        assert value == pytest.approx(direct(kernel[np.ix_(order, order)], 5))


def test_p_values_are_about_uniform_for_equal_laws_and_small_for_a_shift():
    equal, shifted = [], []
    for number in range(120):
        rng = stream(3, number, "level")
        x, y = rng.normal(size=(2, 15, 2))
        equal.append(mmd_test(x, y, rng, 99).p_value)
        shifted.append(mmd_test(x, y + 1.5, rng, 99).p_value)
    assert 0.4 < np.mean(equal) < 0.6
    assert np.mean(np.array(equal) <= 0.1) < 0.2
    assert np.median(shifted) == pytest.approx(0.01)


def test_kernel_distance_is_the_polynomial_mmd():
    rng = stream(4, 0, "kid")
    x, y = rng.normal(size=(9, 5)), rng.normal(1, 1, size=(6, 5))
    kernel = polynomial_kernel(np.concatenate([x, y]), degree=3, gamma=1 / 5, coef0=1)
    assert kernel_distance(x, y) == pytest.approx(direct(kernel, 9))
