"""Divergences against SciPy and the closed forms of Gaussians."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.decomposition import PCA

from simgen.adapters.gap.divergences import (
    PSEUDO_COUNT,
    frechet_distance,
    gaussian_frechet,
    js_bits,
    kl_bits,
    neighbour_kl_bits,
    principal_components,
    scaled_wasserstein,
    shared_histograms,
)
from simgen.rng import stream


def test_kl_and_js_are_scipy_s():
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.1, 0.3])
    assert kl_bits(p, q) == pytest.approx(entropy(p, q, base=2))
    assert js_bits(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert js_bits(p, p) == 0
    assert js_bits(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)


def test_histograms_share_their_bins_and_have_no_empty_one():
    source, target = np.arange(10.0), np.arange(10.0, 20.0)
    p, q = shared_histograms(source, target, 4)
    total = 10 + 4 * PSEUDO_COUNT
    assert p == pytest.approx(np.array([5.5, 5.5, 0.5, 0.5]) / total)
    assert q == pytest.approx(np.array([0.5, 0.5, 5.5, 5.5]) / total)


def test_histograms_of_constants_agree():
    p, q = shared_histograms(np.ones(5), np.ones(9))
    assert js_bits(p, q) == pytest.approx(0, abs=0.01)


def test_scaled_wasserstein_is_the_shift_in_deviations():
    values = stream(0, 0, "w").normal(3, 2, size=4000)
    assert scaled_wasserstein(values, values + 5) == pytest.approx(5 / values.std())
    assert scaled_wasserstein(np.ones(4), np.ones(6)) == 0
    assert np.isfinite(scaled_wasserstein(np.zeros(4), np.ones(4)))


def test_neighbours_find_the_divergence_of_gaussians():
    rng = stream(1, 0, "kl")
    source, target = rng.normal(0, 1, (3000, 2)), rng.normal([1, 0], 0.5, (3000, 2))
    # KL(N(m, s^2) || N(0, 1)) summed over the dimensions, in nats.
    nats = sum(-np.log(0.5) + (0.25 + m**2) / 2 - 0.5 for m in (1, 0))
    assert neighbour_kl_bits(source, target) == pytest.approx(nats / np.log(2), rel=0.1)
    assert neighbour_kl_bits(source, rng.normal(0, 1, (3000, 2))) == pytest.approx(0, abs=0.1)


def test_principal_components_are_scikit_learn_s_up_to_sign():
    rows = stream(4, 0, "pca").normal(size=(30, 5)) * [5, 4, 3, 2, 1]
    assert np.abs(principal_components(rows, 3)) == pytest.approx(np.abs(PCA(3).fit_transform(rows)))
    assert principal_components(rows[:2], 8).shape == (2, 1)


def test_frechet_is_the_closed_form():
    rng = stream(2, 0, "frechet")
    a, b = rng.normal(size=(2, 4, 4))
    first, second = a @ a.T, b @ b.T
    shift = np.array([1.0, -2.0, 0.0, 0.5])
    expected = shift @ shift + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    assert gaussian_frechet(np.zeros(4), first, shift, second) == pytest.approx(expected)


def test_frechet_of_samples_nears_that_of_their_laws_and_is_finite_for_few():
    rng = stream(3, 0, "samples")
    source, target = rng.normal(0, 1, (4000, 3)), rng.normal(1, 2, (4000, 3))
    assert frechet_distance(source, target) == pytest.approx(3 * (1 + 1), rel=0.1)
    few = frechet_distance(rng.normal(size=(3, 50)), rng.normal(size=(2, 50)))
    assert np.isfinite(few)
    assert frechet_distance(source, source) == pytest.approx(0, abs=1e-6)
