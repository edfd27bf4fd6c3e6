"""Divergences and distances of two samples that need no classifier.

Of scalars by histograms and quantiles, of vectors by nearest neighbours and by Gaussians.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import entropy, wasserstein_distance
from sklearn.covariance import ledoit_wolf

Array = NDArray[np.float64]
BINS = 20
PSEUDO_COUNT = 0.5
KNN_DIMENSIONS = 8
KNN_NEIGHBOURS = 5


def shared_histograms(source: Array, target: Array, bins: int = BINS) -> tuple[Array, Array]:
    """Return the probabilities of two scalar samples in shared bins.

    The bins hold equally many values of both samples together (fewer bins where values are tied), so that a few
    outliers do not make the rest fall into one. `PSEUDO_COUNT` is added to every bin (Jeffreys' prior of a multinomial,
    Krichevsky and Trofimov 1981), so that no divergence is infinite.

    Args:
        source: (n,) values.
        target: (m,) values.
        bins: at most so many.

    Returns:
        Two (k,) arrays with sum 1, k <= bins.
    """
    quantiles = np.quantile(np.concatenate([source, target]), np.linspace(0, 1, bins + 1)[1:-1])
    edges = np.unique(quantiles)
    p, q = (np.bincount(np.digitize(v, edges), minlength=len(edges) + 1) + PSEUDO_COUNT for v in (source, target))
    return p / p.sum(), q / q.sum()


def kl_bits(p: Array, q: Array) -> float:
    """Return the Kullback-Leibler divergence sum p log2(p / q) of two (k,) distributions, in bits."""
    return float(entropy(p, q, base=2))


def js_bits(p: Array, q: Array) -> float:
    """Return the Jensen-Shannon divergence of two (k,) distributions, in bits: 0 for equal ones, at most 1.

    Source: Lin 1991, "Divergence measures based on the Shannon entropy".
    """
    middle = (p + q) / 2
    return (kl_bits(p, middle) + kl_bits(q, middle)) / 2


def scaled_wasserstein(source: Array, target: Array) -> float:
    """Return the 1-Wasserstein distance of two scalar samples over the standard deviation within them.

    That deviation is taken from each sample's own mean, and is at least a thousandth of the pooled one, so that two
    sets without any variation have a finite distance.
    """
    pooled = float(np.concatenate([source, target]).std())
    if pooled == 0:
        return 0.0
    within = float(np.concatenate([source - source.mean(), target - target.mean()]).std())
    return float(wasserstein_distance(source, target)) / max(within, 1e-3 * pooled)


def neighbour_kl_bits(source: Array, target: Array) -> float:
    """Return the divergence KL(target || source) of two vector samples by nearest neighbours, in bits.

        D = d / n sum_i log2(s_k(x_i) / r_k(x_i)) + log2(m / (n - 1))

    with r_k and s_k the distances from a target row to its k-th neighbour in the target and in the source. It assumes
    no shape of the laws, unlike the Gaussian formula, which the Frechet distance covers; but it loses sharpness with
    the dimension, so the rows are first reduced to their `KNN_DIMENSIONS` principal components.

    Source: Perez-Cruz 2008, "Kullback-Leibler divergence estimation of continuous distributions", ISIT, equation 14.

    Args:
        source: (m, d) rows.
        target: (n, d) rows.
    """
    reduced = principal_components(np.concatenate([source, target]), KNN_DIMENSIONS)
    ours, theirs = reduced[len(source) :], reduced[: len(source)]
    k = max(1, min(KNN_NEIGHBOURS, len(ours) - 1, len(theirs)))
    within = cKDTree(ours).query(ours, [k + 1])[0][:, 0]  # the nearest one is the point itself
    across = cKDTree(theirs).query(ours, [k])[0][:, 0]
    tiny = 1e-12
    ratio = np.log2(np.maximum(across, tiny) / np.maximum(within, tiny))
    return float(reduced.shape[1] * ratio.mean() + np.log2(len(theirs) / (len(ours) - 1)))


def principal_components(rows: Array, most: int) -> Array:
    """Return the (n, k) coordinates of (n, d) rows along at most `most` principal components."""
    count = min(most, rows.shape[1], len(rows) - 1)
    left, spread, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    return np.asarray(left[:, :count] * spread[:count], float)


def frechet_distance(source: Array, target: Array) -> float:
    """Return the squared Frechet distance of the Gaussians of two vector samples.

        |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)

    Source: Dowson and Landau 1982; the distance behind FID (Heusel et al. 2017, arXiv:1706.08500). The covariances are
    shrunk (Ledoit and Wolf 2004), and the root is that of a symmetric matrix, so small samples give no NaN.

    Args:
        source: (n, d) rows, n >= 2.
        target: (m, d) rows, m >= 2.
    """
    return gaussian_frechet(source.mean(0), _covariance(source), target.mean(0), _covariance(target))


def _covariance(rows: Array) -> Array:
    if rows.shape[1] == 1:  # nothing to shrink towards
        return np.asarray(rows.var(axis=0)[None], float)
    return np.asarray(ledoit_wolf(rows)[0], float)


def gaussian_frechet(mean_1: Array, covariance_1: Array, mean_2: Array, covariance_2: Array) -> float:
    """Return the squared Frechet distance of two Gaussians given by (d,) means and (d, d) covariances."""
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ covariance_2 @ root)
    trace = np.trace(covariance_1) + np.trace(covariance_2) - 2 * np.sqrt(np.maximum(inner, 0)).sum()
    return float(((mean_1 - mean_2) ** 2).sum() + max(float(trace), 0.0))
