"""Kernel distances of two samples: MMD with a permutation test, and the kernel distance of generated images (KID).

Samples are (n, d) float arrays, one row for each image or object. All estimators are unbiased, so they may be negative
where the two laws agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Factors on the median bandwidth: 2^-2 to 2^2."""
_LEAST_BANDWIDTH = 1e-12


@dataclass(frozen=True)
class KernelTest:
    """A squared maximum mean discrepancy and how often chance alone reaches it.

    Attributes:
        mmd2: the unbiased estimate, from 0 for equal laws; may be negative.
        p_value: share of label permutations (the observed one among them) with at least this value.
    """

    mmd2: float
    p_value: float


def squared_distances(x: Array, y: Array) -> Array:
    """Return the (n, m) squared Euclidean distances of (n, d) and (m, d) rows."""
    products = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T
    return np.asarray(np.maximum(products, 0.0), float)


def median_bandwidth(distances: Array) -> float:
    """Return the median off-diagonal entry of a square matrix of squared distances, at least a tiny positive number."""
    above = distances[np.triu_indices(len(distances), 1)]
    return max(float(np.median(above)), _LEAST_BANDWIDTH)


def rbf_kernels(pooled: Array) -> Array:
    """Return the (N, N) sum over `SCALES` of exp(-|x - y|^2 / (scale * median))."""
    distances = squared_distances(pooled, pooled)
    bandwidth = median_bandwidth(distances)
    total = np.zeros_like(distances)
    for scale in SCALES:
        total += np.exp(-distances / (scale * bandwidth))
    return total


def mmd2_of(kernel: Array, in_first: Array) -> Array:
    """Return the unbiased squared MMD of several splits of one pooled sample.

        MMD_u^2 = sum_{i != j} k(x_i, x_j) / n(n-1) + sum_{i != j} k(y_i, y_j) / m(m-1) - 2 sum_{ij} k(x_i, y_j) / nm

    Source: Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13, equation 3.

    Args:
        kernel: (N, N) kernel values of the pooled sample.
        in_first: (S, N) of 0 and 1: for each split, which points are in the first sample; at least 2 in each.

    Returns:
        (S,) estimates.
    """
    first, second = in_first, 1.0 - in_first
    rows = first @ kernel
    diagonal = np.diag(kernel)
    n, m = first.sum(1), second.sum(1)
    within_first = (rows * first).sum(1) - first @ diagonal
    across = (rows * second).sum(1)
    within_second = kernel.sum() - diagonal.sum() - within_first - 2 * across
    return np.asarray(within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * across / (n * m), float)


def mmd_test(source: Array, target: Array, rng: Generator, permutations: int = 500) -> KernelTest:
    """Return the multi-kernel MMD of two samples and its p-value by permuting who belongs to which.

    Args:
        source: (n, d), n >= 2.
        target: (m, d), m >= 2.
        rng: draws the permutations.
        permutations: how many; the smallest possible p-value is 1 / (permutations + 1).
    """
    kernel = rbf_kernels(np.concatenate([source, target]))
    observed = np.zeros((1, len(kernel)))
    observed[0, : len(source)] = 1.0
    values = mmd2_of(kernel, np.concatenate([observed, rng.permuted(np.repeat(observed, permutations, 0), axis=1)]))
    # Rounding must not make an equal split look larger.
    reached = int((values[1:] >= values[0] - 1e-12).sum())
    return KernelTest(float(values[0]), (reached + 1) / (permutations + 1))


def kernel_distance(source: Array, target: Array) -> float:
    """Return KID: the unbiased squared MMD under the kernel (x.y / d + 1)^3.

    Source: Binkowski et al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, section 4; here of whole samples
    instead of the mean over blocks of them.

    Args:
        source: (n, d), n >= 2.
        target: (m, d), m >= 2.
    """
    pooled = np.concatenate([source, target])
    kernel = (pooled @ pooled.T / pooled.shape[1] + 1) ** 3
    in_first = (np.arange(len(pooled)) < len(source)).astype(float)[None]
    return float(mmd2_of(kernel, in_first)[0])
