"""How dense the neighbourhood of each row of an embedding is, and how much of one set another covers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

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
    found = NearestNeighbors(n_neighbors=min(k, len(points) - 1)).fit(points).kneighbors()[0]
    return np.asarray(found[:, -1], float)


def distances_to(points: Array, others: Array, k: int = NEIGHBOURS) -> Array:
    """Return the (n,) distance of each of n points to its k-th nearest one of the others, infinite without any.

    Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors", equation 1.
    """
    if not len(others):
        return np.full(len(points), np.inf)
    if not len(points):
        return np.zeros(0)
    found = NearestNeighbors(n_neighbors=min(k, len(others))).fit(others).kneighbors(points)[0]
    return np.asarray(found[:, -1], float)


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


@dataclass(frozen=True, eq=False)
class Levels:
    """What is near enough to real points to look real, and what so near to a training point that it is its copy.

    Attributes:
        real: (n, d).
        training: (m, d) what the maker learned from; may be the real points.
        neighbours: k of the distance to the real points.
        farthest: a point whose k-th nearest real one is farther does not look real.
        nearest: a point that is nearer to a training point is a copy.
    """

    real: Array
    training: Array
    neighbours: int
    farthest: float
    nearest: float

    @staticmethod
    def of(
        real: Array, training: Array, neighbours: int = NEIGHBOURS, realism: float = 0.99, copies: float = 0.01
    ) -> "Levels":
        """Set the levels by what the points are among themselves, each without itself.

        Args:
            real: (n, d).
            training: (m, d).
            neighbours: k.
            realism: the quantile of the real points' own distances that a point must not exceed.
            copies: the quantile of the training points' distances to their nearest other one that it must exceed.
        """
        farthest = float(np.quantile(own_distances(real, neighbours), realism))
        return Levels(real, training, neighbours, farthest, float(np.quantile(own_distances(training, 1), copies)))

    def shares(self, points: Array) -> tuple[Array, Array]:
        """Return two shares (n,) of n points.

        The distance to the k-th nearest real point over `farthest`, above 1 for what does not look real; that to the
        nearest training point over `nearest`, below 1 for a copy.
        """
        apart = distances_to(points, self.real, self.neighbours), distances_to(points, self.training, 1)
        return apart[0] / max(self.farthest, 1e-12), apart[1] / max(self.nearest, 1e-12)
