from statistics import NormalDist

import numpy as np
import pytest

from simgen.randomize.distributions import DISTRIBUTIONS, parse_distribution, weighted

CASES = {
    "constant": {"value": 2.0},
    "uniform": {"low": 1, "high": 3},
    "log_uniform": {"low": 0.1, "high": 10},
    "normal": {"mean": 1, "std": 0.5},
    "truncated_normal": {"mean": 1, "std": 2, "low": 0.5, "high": 3},
    "log_normal": {"median": 100, "spread": 2},
    "dome": {"low": 0.2, "high": 1.2},
    "choice": {"values": [1, 2, 3], "weights": [1, 0, 3]},
    "mixture": {"parts": [[0, 1], 5, {"kind": "normal", "mean": -9, "std": 0.1}], "weights": [2, 1, 1]},
}


def drawn(section, count=20_000):
    rng = np.random.default_rng(0)
    distribution = parse_distribution(section)
    return np.array([distribution.sample(rng) for _ in range(count)])


def test_every_distribution_has_a_case():
    assert set(CASES) == set(DISTRIBUTIONS)


@pytest.mark.parametrize("kind", CASES)
def test_the_same_seed_draws_the_same_numbers(kind):
    section = {"kind": kind, **CASES[kind]}
    assert np.array_equal(drawn(section, 50), drawn(section, 50))


def test_a_truncated_normal_has_no_heap_at_its_ends():
    values = drawn({"kind": "truncated_normal", **CASES["truncated_normal"]})
    assert 0.5 <= values.min() < 0.51
    assert 2.99 < values.max() <= 3
    assert len(np.unique(values)) > 19_990
    normal = NormalDist(1, 2)
    mean = 1 + 4 * (normal.pdf(0.5) - normal.pdf(3)) / (normal.cdf(3) - normal.cdf(0.5))
    assert values.mean() == pytest.approx(mean, abs=0.02)


def test_a_truncated_normal_far_from_its_mean_stays_inside():
    values = drawn({"kind": "truncated_normal", "mean": 0, "std": 1, "low": 4, "high": 5}, 500)
    assert 4 <= values.min() <= values.max() <= 5
    with pytest.raises(ValueError, match=r"expected a range that the normal reaches, got \[40, 50\]"):
        parse_distribution({"kind": "truncated_normal", "mean": 0, "std": 1, "low": 40, "high": 50})


def test_a_log_normal_has_its_median_and_spread():
    values = drawn({"kind": "log_normal", "median": 100, "spread": 2})
    assert np.median(values) == pytest.approx(100, rel=0.03)
    assert np.percentile(values, 84.1) == pytest.approx(200, rel=0.05)


def test_dome_heights_are_even_over_the_sphere():
    values = drawn({"kind": "dome", "low": 0.0, "high": np.pi / 2})
    assert np.sin(values).mean() == pytest.approx(0.5, abs=0.01)
    assert (values < np.pi / 6).mean() == pytest.approx(0.5, abs=0.02)


def test_a_mixture_draws_each_part_by_its_weight():
    values = drawn({"kind": "mixture", **CASES["mixture"]})
    assert ((values >= 0) & (values <= 1)).mean() == pytest.approx(0.5, abs=0.02)
    assert (values == 5).mean() == pytest.approx(0.25, abs=0.02)
    assert (values < -8).mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"kind": "lognormal"}, r'unknown kind "lognormal" \(did you mean "log_normal"\?\)'),
        ({"kind": "mixture", "parts": [[0, 1]], "weights": [1, 2]}, "expected 1 weights with a positive sum"),
        ({"kind": "mixture", "parts": []}, "parts"),
        ({"kind": "mixture", "parts": [[3, 1]]}, r"upside down: \[3, 1\]"),
        ({"kind": "log_normal", "median": 0, "spread": 2}, "median"),
        ({"kind": "dome", "low": 1, "high": 0.5}, "upside down"),
    ],
)
def test_mistakes(section, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_distribution(section)


def test_a_weighted_draw_is_the_one_that_numpy_makes():
    weights = (0.5, 0.0, 3.0, 1.25)
    ours, numpys = np.random.default_rng(4), np.random.default_rng(4)
    shares = np.array(weights) / sum(weights)
    for _ in range(500):
        assert weighted(weights, ours) == numpys.choice(len(weights), p=shares)


@pytest.mark.parametrize("kind", CASES)
def test_many_numbers_at_once_are_of_the_same_distribution(kind):
    distribution = parse_distribution({"kind": kind, **CASES[kind]})
    assert distribution.samples(np.random.default_rng(1), 1) == [distribution.sample(np.random.default_rng(1))]
    rng = np.random.default_rng(1)
    assert distribution.samples(np.random.default_rng(1), 5) == [distribution.sample(rng) for _ in range(5)]
    many = np.array(distribution.samples(np.random.default_rng(0), 20_000))
    one = drawn({"kind": kind, **CASES[kind]})
    np.testing.assert_allclose(np.quantile(many, [0.1, 0.4, 0.9]), np.quantile(one, [0.1, 0.4, 0.9]), rtol=0.05)
