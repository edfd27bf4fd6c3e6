"""How dense the neighbourhood of each row of an embedding is, and how much of one set another covers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]
NEIGHBOURS = 5
COMPONENTS = 32


@dataclass(frozen=True, eq=False)
class Axes:
    """The principal components of a set of rows: the mean (D,), and the directions (D, d)."""

    mean: Array
    directions: Array

    @staticmethod
    def of(rows: NDArray[np.float32], most: int = COMPONENTS) -> "Axes":
        """Return at most `most` components of (n, D) rows, scaled so that the first has unit variance."""
        mean = rows.mean(axis=0, dtype=np.float64)
        _, values, turned = np.linalg.svd(rows - mean, full_matrices=False)
        kept = min(most, int((values > 1e-6 * max(float(values[0]), 1e-12)).sum()))
        scale = max(float(values[0]) / max(len(rows) - 1, 1) ** 0.5, 1e-12)
        return Axes(mean, turned[: max(kept, 1)].T / scale)

    def project(self, rows: NDArray[np.float32]) -> Array:
        """Return rows (n, D) as (n, d)."""
        return np.asarray((rows - self.mean) @ self.directions, float)


def own_distances(points: Array, k: int = NEIGHBOURS) -> Array:
    """Return the (n,) distance of each of n points to its k-th nearest other one.

    The larger, the rarer (Ramaswamy, Rastogi and Shim 2000, "Efficient algorithms for mining outliers from large data
    sets"). With fewer than k others, to the farthest of them; 0 for a point alone.
    """
    if len(points) < 2:
        return np.zeros(len(points))
    found = cKDTree(points).query(points, min(k, len(points) - 1) + 1)[0]
    return np.asarray(found[:, -1], float)


def distances_to(points: Array, others: Array, k: int = NEIGHBOURS) -> Array:
    """Return the (n,) distance of each of n points to its k-th nearest one of the others, infinite without any.

    Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors", equation 1.
    """
    if not len(others):
        return np.full(len(points), np.inf)
    found = cKDTree(others).query(points, min(k, len(others)))[0]
    return np.asarray(found.reshape(len(points), -1)[:, -1], float)


def covered(real: Array, synthetic: Array, k: int = NEIGHBOURS) -> NDArray[np.bool_]:
    """Return (n,) whether each real point has a synthetic one nearer than its k-th nearest real neighbour.

    Their share is the coverage of Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models",
    equation 9.
    """
    return np.asarray(distances_to(real, synthetic, 1) <= own_distances(real, k), bool)


def rank_share(values: Array) -> Array:
    """Return the (n,) ranks of values over n - 1: 0 is the least, 1 the largest; equal values in their order."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks / max(len(values) - 1, 1)
