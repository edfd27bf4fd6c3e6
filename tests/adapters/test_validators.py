import inspect
import itertools
import math

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy

from simgen.adapters import validators
from simgen.adapters.validators import (
    a_distance,
    deep_embedded_validation,
    density_ratio,
    entropy,
    guarded,
    information_maximisation,
    reverse_validation,
    soft_neighbourhood_density,
    source_accuracy,
)
from simgen.rng import stream

SURE = np.eye(3)[[0, 1, 2, 0, 1, 2]]
SAME = np.eye(3)[[0, 0, 0]]


def _soft(n: int = 20) -> np.ndarray:
    return stream(0, 0, "probabilities").dirichlet(np.ones(4), size=n)


def test_entropy_is_that_of_scipy():
    assert entropy(_soft()) == pytest.approx(-scipy_entropy(_soft(), axis=1).mean())
    assert entropy(SURE) == pytest.approx(0, abs=1e-9)
    assert entropy(np.full((5, 4), 0.25)) == pytest.approx(-math.log(4))


def test_information_wants_certainty_and_all_classes():
    assert information_maximisation(SURE) == pytest.approx(math.log(3))
    assert information_maximisation(SAME) == pytest.approx(0, abs=1e-9)
    assert information_maximisation(np.full((5, 3), 1 / 3)) == pytest.approx(0, abs=1e-9)
    by_hand = scipy_entropy(_soft().mean(0)) - scipy_entropy(_soft(), axis=1).mean()
    assert information_maximisation(_soft()) == pytest.approx(by_hand)


def test_density_is_that_of_the_formula():
    p = _soft(5)
    unit = p / np.linalg.norm(p, axis=1, keepdims=True)
    rows = []
    for i in range(5):
        weights = np.array([math.exp(unit[i] @ unit[j] / 0.05) for j in range(5) if j != i])
        rows.append(scipy_entropy(weights / weights.sum()))
    assert soft_neighbourhood_density(p) == pytest.approx(np.mean(rows))
    assert soft_neighbourhood_density(SAME) == pytest.approx(math.log(2))


def test_deep_embedded_validation_is_the_mean_loss_where_domains_are_one():
    losses = np.array([0.1, 0.5, 0.9])
    assert deep_embedded_validation(losses, np.ones(3)) == pytest.approx(-0.5)


def test_the_control_variate_takes_the_weights_noise_away():
    weights = np.array([0.5, 1.0, 3.0])
    # Equal losses: whatever the weights are, the risk is that loss.
    assert deep_embedded_validation(np.full(3, 0.7), weights) == pytest.approx(-0.7)


def test_the_density_ratio_of_two_gaussians_is_known():
    rng = stream(0, 0, "gaussians")
    source, target = rng.normal(0, 1, (4000, 1)), rng.normal(1, 1, (2000, 1))
    x = np.array([[-1.0], [0.0], [1.0], [2.0]])
    expected = np.exp(x[:, 0] - 0.5)
    assert density_ratio((source, target), x) == pytest.approx(expected, rel=0.2)


def test_a_distance_is_nothing_for_one_domain_and_two_for_two():
    rng = stream(0, 0, "domains")
    one, other = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    assert a_distance(one, other) > -0.4
    assert a_distance(one, other + 20) == -2


def test_source_accuracy_counts():
    assert source_accuracy(SURE, np.array([0, 1, 2, 0, 1, 1])) == pytest.approx(5 / 6)


def test_the_guard_leaves_out_who_forgot_the_source():
    assert guarded(np.array([1.0, 1.5, 2.0]), np.array([0.95, 0.94, 0.5])) == 1
    assert guarded(np.array([1.0, np.nan]), np.array([0.9, 0.91])) == 0
    assert guarded(np.array([np.nan, np.nan]), np.array([0.9, 0.95])) == 1


def test_no_validator_takes_target_labels():
    for name, function in inspect.getmembers(validators, inspect.isfunction):
        if not name.startswith("_") and function.__module__ == validators.__name__:
            of_source = {"labels"} if name in ("source_accuracy", "reverse_validation") else set()
            assert not {"target_labels", "labels"} & set(inspect.signature(function).parameters) - of_source


def _clusters(n: int, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """Return n points of each of three classes about the corners of a triangle, moved by an offset, and the classes."""
    labels = np.repeat(np.arange(3), n)
    corners = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    return corners[labels] + stream(0, n, "clusters").normal(size=(3 * n, 2)) + offset, labels


def test_reverse_validation_accepts_the_right_labelling_and_no_other():
    (target, right), held_out = _clusters(60, offset=1.0), _clusters(40, offset=0.0)
    assert reverse_validation(target, right, *held_out) > 0.95
    for permutation in itertools.permutations(range(3)):
        fixed = np.mean(np.array(permutation) == np.arange(3))
        score = reverse_validation(target, np.array(permutation)[right], *held_out)
        assert score == pytest.approx(fixed, abs=0.05), permutation
    assert reverse_validation(target, np.zeros_like(right), *held_out) == pytest.approx(1 / 3)
    merged = np.where(right == 2, 1, right)
    assert reverse_validation(target, merged, *held_out) == pytest.approx(2 / 3, abs=0.1)
    shuffled = stream(1, 0, "labels").permutation(right)
    assert reverse_validation(target, shuffled, *held_out) < 0.6


def test_the_guard_by_reverse_validation_picks_the_right_candidate():
    (target, right), held_out = _clusters(60, offset=1.0), _clusters(40, offset=0.0)
    # Surer than the right one, and wrong: two classes swapped, and all objects of one class.
    candidates = [right, np.array([1, 0, 2])[right], np.zeros_like(right)]
    reverse = np.array([reverse_validation(target, said, *held_out) for said in candidates])
    assert guarded(np.array([1.0, 1.08, 1.09]), reverse) == 0
