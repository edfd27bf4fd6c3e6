"""Quality figures against closed forms, scikit-learn and brute force."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.metrics.pairwise import polynomial_kernel

from simgen.errors import DataError
from simgen.rare.density import own_distances
from simgen.rare.pixels.descriptor import describe
from simgen.rare.pixels.quality import (
    coverage,
    density_coverage,
    fid,
    kid,
    kid_blocks,
    kid_difference,
    memorisation,
    precision_recall,
    quality,
)


def rows(n: int, d: int = 3, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def test_kid_is_that_of_scikit_learns_kernel():
    x, y = rows(9), rows(7, seed=1, shift=0.5)
    k = [polynomial_kernel(a, b, degree=3, gamma=1 / 3, coef0=1) for a, b in ((x, x), (y, y), (x, y))]
    expected = (k[0].sum() - np.trace(k[0])) / 72 + (k[1].sum() - np.trace(k[1])) / 42 - 2 * k[2].mean()
    assert kid(x, y) == pytest.approx(expected, rel=1e-12)


def test_kid_has_no_bias_where_laws_agree():
    values = [kid(rows(20, seed=k), rows(20, seed=1000 + k)) for k in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 20
    assert np.std(values) > 0


def test_kid_of_blocks_has_the_mean_of_the_blocks_and_its_error():
    x, y = rows(200), rows(200, seed=1, shift=0.3)
    mean, error = kid_blocks(x, y, np.random.default_rng(0))
    assert abs(mean - kid(x, y)) < 4 * error
    assert 0 < error < mean
    assert np.isnan(kid_blocks(x[:12], y[:12], np.random.default_rng(0))[1])


def test_the_difference_of_two_kids_is_that_and_its_error_is_the_spread_over_samples():
    def once(k: int) -> tuple[float, float]:
        real, first, second = rows(60, seed=k), rows(50, seed=100 + k, shift=0.6), rows(55, seed=200 + k, shift=0.3)
        found = kid_difference(real, first, second, np.random.default_rng(k), draws=60)
        assert found[0] == pytest.approx(kid(real, second) - kid(real, first), rel=1e-9)
        return found

    differences, errors = np.transpose([once(k) for k in range(40)])
    assert 0.6 < errors.mean() / differences.std(ddof=1) < 1.6
    assert differences.mean() < 0


@pytest.mark.parametrize("n", [200, 5])
def test_fid_is_the_formula_with_the_matrix_root(n):
    x, y = rows(n, 8), 1.3 * rows(n, 8, seed=1, shift=0.4)
    a, b = np.cov(x.T), np.cov(y.T)
    # Of singular covariances the root is ill-conditioned: its trace is that of the eigenvalues' roots.
    root = np.sqrt(np.abs(linalg.eigvals(a @ b))).sum()
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * root
    assert fid(x, y) == pytest.approx(expected, rel=1e-4)


def test_fid_of_shifted_copies_is_the_squared_shift():
    x = rows(50, 4)
    assert fid(x, x + np.array([1.0, 2.0, 0, 0])) == pytest.approx(5.0)
    assert fid(x, x) == pytest.approx(0.0, abs=1e-9)


def test_neighbourhood_figures_are_those_of_brute_force():
    x, y, k = rows(30, 2), rows(25, 2, seed=1, shift=0.7), 3
    d = [np.linalg.norm(a[:, None] - b, axis=2) for a, b in ((x, x), (y, y), (x, y))]
    reach_x, reach_y = np.sort(d[0], 1)[:, k], np.sort(d[1], 1)[:, k]
    assert own_distances(x, k) == pytest.approx(reach_x)
    near = d[2] <= reach_x[:, None]
    back = reach_y[:, None] >= d[2].T
    assert precision_recall(x, y, k) == pytest.approx((near.any(0).mean(), back.any(0).mean()))
    assert density_coverage(x, y, k) == pytest.approx((near.sum() / (k * 25), near.any(1).mean()))
    assert coverage(x, y, k) == pytest.approx(near.any(1).mean())


def test_coverage_of_a_collapsed_generator_is_near_zero():
    x = rows(200, 4)
    assert coverage(x, x[:1].repeat(200, 0)) < 0.1
    assert coverage(x, rows(200, 4, seed=5)) > 0.85


def test_memorisation_tells_copies_from_new_rows():
    train, held_out, new = (rows(300, 4, seed=k) for k in range(3))
    honest = memorisation(train, held_out, new)
    assert honest.ratio == pytest.approx(1, abs=0.2)
    assert honest.copies < 0.05
    copied = memorisation(train, held_out, train[:100] + 1e-4)
    assert copied.ratio < 0.01
    assert copied.copies == 1.0


def test_all_figures_together_and_too_few_rows():
    x, y = rows(60), rows(60, seed=1, shift=2.0)
    found = quality(x, y, np.random.default_rng(0))
    assert found.kid > 0
    assert found.fid == pytest.approx(fid(x, y))
    assert found.precision == precision_recall(x, y, 5)[0]
    with pytest.raises(DataError, match="expected more than 5 real and generated crops, got 60 and 4"):
        quality(x, y[:4], np.random.default_rng(0))


def test_the_plain_descriptor_ignores_what_alpha_hides():
    rgba = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 4), dtype=np.uint8)
    rgba[..., 3] = 0
    rgba[:, 4:12, 4:12, 3] = 255
    other = rgba.copy()
    other[..., :3][rgba[..., 3] == 0] = 9
    assert describe(rgba).shape == (3, 384)
    assert (describe(rgba) == describe(other)).all()
    assert not np.allclose(describe(rgba)[0], describe(rgba)[1])
