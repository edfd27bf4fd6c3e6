"""What class probabilities tell: entropies of predictions. Pure functions, in nats."""

import math

import torch
from torch import Tensor


def mean_entropy(logits: Tensor) -> Tensor:
    """Return the mean over rows of H(p) = -sum p log p, p = softmax of logits (n, C)."""
    log_p = logits.float().log_softmax(dim=1)
    return -(log_p.exp() * log_p).sum(dim=1).mean()


def information_loss(logits: Tensor, prior: Tensor | None = None) -> Tensor:
    """Return mean H(p) - H(mean p): each prediction sure, all classes in use (arXiv:2002.08546, eq. 2 and 3).

    It is the negative mutual information of pictures and predictions (Gomes et al. 2010, "Discriminative clustering
    by regularized information maximization"). With a prior q, -H(mean p) = KL(mean p || uniform) - log C becomes
    KL(mean p || q) - log C.

    Args:
        logits: (n, C).
        prior: (C,) expected share of each class, > 0, of sum 1; uniform without.
    """
    n_classes = logits.shape[1]
    mean = logits.float().softmax(dim=1).mean(dim=0)
    log_q = torch.full_like(mean, -math.log(n_classes)) if prior is None else prior.to(mean).log()
    divergence = (mean * (mean.clamp(min=1e-12).log() - log_q)).sum()
    return mean_entropy(logits) + divergence - math.log(n_classes)
