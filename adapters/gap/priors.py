"""Prior-probability shift: how frequent each class is in the target, from a model's answers or from labels.

Both estimators assume label shift: the same class looks alike in both sets, p(x | y) = q(x | y). Where that does not
hold, and between simulation and photographs it never quite does, they tell what the model's answers suggest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.optimize import minimize, nnls

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
_LEAST = 1e-12
_EM_ROUNDS = 1000


@dataclass(frozen=True, eq=False)
class Shares:
    """Estimated class frequencies with an interval.

    Attributes:
        share: (C,) that sum to 1.
        low: (C,) lower ends of the 95 % intervals.
        high: (C,) upper ends.
    """

    share: Array
    low: Array
    high: Array


def bbse(said_source: Numbers, true_source: Numbers, said_target: Numbers, n_classes: int) -> Array:
    """Return the (C,) class frequencies of the target by black-box shift estimation.

    Solves C w = mu for w >= 0, with C_ij = p(said = i, true = j) on the source, mu_i = q(said = i) on the target and
    w_j = q(j) / p(j). The source must be held out from training, or C is too good.

    Source: Lipton, Wang and Smola 2018, arXiv:1802.03916, section 4; w by non-negative least squares.

    Args:
        said_source: (k,) what the model says of source objects.
        true_source: (k,) what they are.
        said_target: (l,) what it says of target objects.
        n_classes: C.
    """
    confusion = np.zeros((n_classes, n_classes))
    np.add.at(confusion, (said_source, true_source), 1 / len(said_source))
    weights = nnls(confusion, np.bincount(said_target, minlength=n_classes) / len(said_target))[0]
    return _normalised(weights * confusion.sum(axis=0))


def calibration(probabilities: Array, true: Numbers) -> tuple[float, Array]:
    """Return inverse temperature and (C,) biases that make held-out probabilities fit their labels best.

    Source: bias-corrected temperature scaling, Alexandari et al. 2020, arXiv:1901.06852, section 3.3.

    Args:
        probabilities: (k, C).
        true: (k,).
    """
    logits, rows = np.log(np.maximum(probabilities, _LEAST)), np.arange(len(true))
    hot = np.zeros_like(logits)
    hot[rows, true] = 1

    def loss(parameters: Array) -> tuple[float, Array]:
        said = _softmax(parameters[0] * logits + parameters[1:])
        wrong = (said - hot) / len(true)
        gradient = np.concatenate([[(wrong * logits).sum()], wrong.sum(axis=0)])
        value = -np.log(np.maximum(said[rows, true], _LEAST)).mean()
        # A touch of ridge: the loss does not change when the same number is added to all biases.
        return value + 1e-6 * (parameters[1:] ** 2).sum(), gradient + 2e-6 * np.concatenate([[0], parameters[1:]])

    start = np.concatenate([[1.0], np.zeros(probabilities.shape[1])])
    bounds = [(1e-3, None)] + [(None, None)] * probabilities.shape[1]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), np.asarray(found[1:], float)


def calibrated(probabilities: Array, parameters: tuple[float, Array]) -> Array:
    """Return (k, C) probabilities under a `calibration`."""
    return _softmax(parameters[0] * np.log(np.maximum(probabilities, _LEAST)) + parameters[1])


def em(target: Array, source_share: Array) -> Array:
    """Return the (C,) class frequencies of the target that make its probabilities likeliest.

        q_j <- mean_i of q_j / p_j P(j | x_i) / sum_l q_l / p_l P(l | x_i)

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14, equation 2.6. Calibrate first.

    Args:
        target: (l, C) calibrated probabilities.
        source_share: (C,) class frequencies that they were calibrated for.
    """
    share = source_share
    for _ in range(_EM_ROUNDS):
        weighted = target * (share / np.maximum(source_share, _LEAST))
        updated = (weighted / np.maximum(weighted.sum(axis=1, keepdims=True), _LEAST)).mean(axis=0)
        done = np.abs(updated - share).max() < 1e-7
        share = updated
        if done:
            break
    return _normalised(share)


def calibrated_em(source: Array, true_source: Numbers, target: Array) -> Array:
    """Return `em` of raw (l, C) target probabilities after calibration on (k, C) held-out source probabilities."""
    parameters = calibration(source, true_source)
    # After calibration the mean of the probabilities is the source's frequency of each class.
    return em(calibrated(target, parameters), calibrated(source, parameters).mean(axis=0))


def with_intervals(
    estimate: Callable[[Numbers, Numbers], Array], groups: tuple[Numbers, Numbers], rng: Generator, repeats: int
) -> Shares:
    """Return an estimate with percentile intervals, resampling whole pictures of both sets.

    Args:
        estimate: maps chosen rows of the source and of the target, with repetition, to (C,) frequencies.
        groups: the picture of each source row and of each target row.
        rng: draws the samples.
        repeats: how many.
    """
    share = estimate(np.arange(len(groups[0])), np.arange(len(groups[1])))
    drawn = np.stack([estimate(*(_resampled(g, rng) for g in groups)) for _ in range(repeats)])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return Shares(share, low, high)


def _resampled(groups: Numbers, rng: Generator) -> Numbers:
    """Return the rows of as many groups as there are, drawn with repetition."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups.min() - 1))
    blocks = np.split(order, starts[1:])
    return np.concatenate([blocks[k] for k in rng.integers(len(blocks), size=len(blocks))])


def share_test(source: Numbers, target: Numbers, rng: Generator, permutations: int = 500) -> tuple[float, float]:
    """Return the total variation distance of two sets' class frequencies, and its p-value by permuting the pictures.

    Args:
        source: (n, C) objects of each class in each picture.
        target: (m, C).
        rng: draws the permutations.
        permutations: how many.
    """
    pooled, n = np.concatenate([source, target]), len(source)
    observed = _variation(pooled[:n], pooled[n:])
    drawn = []
    for _ in range(permutations):
        order = rng.permutation(len(pooled))
        drawn.append(_variation(pooled[order[:n]], pooled[order[n:]]))
    reached = int((np.array(drawn) >= observed - 1e-12).sum())
    return observed, (reached + 1) / (permutations + 1)


def _variation(source: Numbers, target: Numbers) -> float:
    return float(np.abs(_normalised(source.sum(axis=0)) - _normalised(target.sum(axis=0))).sum() / 2)


def _normalised(values: NDArray[Any]) -> Array:
    return np.asarray(values / max(float(values.sum()), _LEAST), float)


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), float)
