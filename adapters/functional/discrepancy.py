"""How far apart two domains' vectors or two classifiers' answers are: pure functions, computed in float32.

Domains may have different numbers of rows. Matrix products are kept out of mixed precision: differences of nearly equal
numbers are what is measured here.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from simgen.errors import ConfigError

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Bandwidths of the kernels over the median of the squared distances."""

_NARROWEST = 1e-6


def gaussian_kernels(vectors: Tensor, scales: Sequence[float] = SCALES) -> Tensor:
    """Return the mean over scales s of exp(-|x - y|^2 / (s median)): Long et al. 2015 (arXiv:1502.02791, sec. 4.1).

    Args:
        vectors: (n, d) of all domains together, n >= 2.
        scales: of the bandwidths; the median is that of the squared distances between different rows, a constant to
            the gradient, and at least 1e-6, for half of the rows may be alike.

    Returns:
        (n, n) float32.
    """
    distances = squared_distances(vectors)
    between = ~torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    bandwidth = distances.detach()[between].median().clamp(min=_NARROWEST)
    return torch.stack([torch.exp(-distances / (scale * bandwidth)) for scale in scales]).mean(dim=0)


def squared_distances(vectors: Tensor) -> Tensor:
    """Return the (n, n) float32 squared Euclidean distances between the rows of (n, d) vectors."""
    centred = vectors.float()
    centred = centred - centred.detach().mean(dim=0)
    with torch.autocast(vectors.device.type, enabled=False):
        products = centred @ centred.T
    squares = products.diagonal()
    return (squares[:, None] + squares - 2 * products).clamp(min=0)


def squared_mmd(kernel: Tensor, n_source: int) -> Tensor:
    """Return the unbiased estimate of the squared maximum mean discrepancy; it may be negative.

    Gretton et al. 2012 (JMLR 13, eq. 3), of n source and m target rows:

        1/(n(n-1)) sum_{i != j} k(s_i, s_j) + 1/(m(m-1)) sum_{i != j} k(t_i, t_j) - 2/(nm) sum_{i,j} k(s_i, t_j)

    Args:
        kernel: (n + m, n + m), the source's rows first.
        n_source: n.

    Raises:
        ConfigError: n or m below 2.
    """
    _require_two(n_source, len(kernel) - n_source)
    source, target = kernel[:n_source, :n_source], kernel[n_source:, n_source:]
    return _mean_off_diagonal(source) + _mean_off_diagonal(target) - 2 * kernel[:n_source, n_source:].mean()


def coral(source: Tensor, target: Tensor) -> Tensor:
    """Return |C_s - C_t|_F^2 / (4 d^2), C the covariance: Sun and Saenko 2016 (arXiv:1607.01719, eq. 1-3).

    Args:
        source: (n, d).
        target: (m, d).

    Raises:
        ConfigError: n or m below 2.
    """
    _require_two(len(source), len(target))
    return (_covariance(source) - _covariance(target)).square().sum() / (4 * source.shape[1] ** 2)


def classifier_discrepancy(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean of |p_1 - p_2| over rows and classes: Saito et al. 2018 (arXiv:1712.02560, eq. 2).

    Args:
        first: (n, C) logits; p is their softmax.
        second: (n, C) logits of the same rows.
    """
    return (first.float().softmax(dim=1) - second.float().softmax(dim=1)).abs().mean()


def _mean_off_diagonal(kernel: Tensor) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1))


def _covariance(vectors: Tensor) -> Tensor:
    centred = vectors.float() - vectors.float().mean(dim=0)
    with torch.autocast(vectors.device.type, enabled=False):
        return centred.T @ centred / (len(vectors) - 1)


def _require_two(n_source: int, n_target: int) -> None:
    if min(n_source, n_target) < 2:
        raise ConfigError(
            "train: expected at least 2 vectors of either domain a step to compare them, "
            f"got {n_source} of the source and {n_target} of the target; raise batch_size or target.batch_size"
        )
