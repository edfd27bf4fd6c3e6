"""What a discriminator sees beside features: the classes that they are taken for. Long et al. 2018 (arXiv:1705.10667).

Pure functions, computed in float32.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def multilinear_map(vectors: Tensor, probabilities: Tensor) -> Tensor:
    """Return f (x) g, each feature times each class probability (sec. 3.2).

    Args:
        vectors: (n, d).
        probabilities: (n, C).

    Returns:
        (n, d * C); the classes of a feature are neighbours.
    """
    return (vectors.float()[:, :, None] * probabilities.float()[:, None, :]).flatten(1)


def randomized_map(vectors: Tensor, probabilities: Tensor, matrices: tuple[Tensor, Tensor]) -> Tensor:
    """Return (R_f f) * (R_g g) / sqrt(k) (eq. 6), whose dot products are, on average, those of f (x) g.

    Args:
        vectors: (n, d).
        probabilities: (n, C).
        matrices: R_f (d, k) and R_g (C, k), independent entries of mean 0 and variance 1.

    Returns:
        (n, k).
    """
    first, second = matrices
    with torch.autocast(vectors.device.type, enabled=False):
        return (vectors.float() @ first) * (probabilities.float() @ second) / math.sqrt(first.shape[1])


def entropy_weights(logits: Tensor) -> Tensor:
    """Return 1 + exp(-H(softmax(logits))) of (n, C) logits (sec. 3.3): certain rows count up to twice; no gradient."""
    log_p = F.log_softmax(logits.detach().float(), dim=1)
    entropy = -(log_p.exp() * log_p).sum(dim=1)
    return 1 + torch.exp(-entropy)
