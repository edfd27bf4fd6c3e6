"""Domain-adversarial training: Ganin et al. 2016 (arXiv:1505.07818)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.functional.gradients import reversal_strength, reverse_gradient
from simgen.adapters.methods.base import Method, Setup, require_amounts
from simgen.adapters.target import Batch, Target


class Dann(Method):
    """A discriminator learns to tell the domains apart; the encoder learns, by a reversed gradient, to look alike.

    Minimises L_task(source) + weight * BCE(D(R(f)), domain) (eq. 9-13), where R is the identity forward and multiplies
    the gradient by -lambda(p) backward; lambda(p) = 2 / (1 + exp(-gamma p)) - 1 over the run's progress p (sec. 5.2.2),
    so that a discriminator that has learnt nothing yet steers nothing. Only the encoder's gradient is scaled: the
    discriminator learns at full rate from the first step.

    Args:
        setup: what it is made for.
        weight: of the domain loss.
        hidden: width of the discriminator's two hidden layers.
        gamma: how fast lambda rises.
    """

    def __init__(self, setup: Setup, *, weight: float = 1.0, hidden: int = 128, gamma: float = 10.0) -> None:
        super().__init__(setup)
        require_amounts(weight=weight, gamma=gamma)
        self.weight, self.gamma = weight, gamma
        self.discriminator = discriminator(setup.n_features, hidden)

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        own, other = self.both(model, source, target.strong)
        strength = reversal_strength(progress, self.gamma)
        vectors = reverse_gradient(torch.cat([own.vectors, other.vectors]), strength)
        domain = domain_loss(self.discriminator(vectors.float()), len(own.vectors))
        return {**self.task.losses(own.output, source), "domain": self.weight * domain}


def discriminator(n_features: int, hidden: int) -> nn.Sequential:
    """Return the domain classifier: (n, n_features) to (n, 1) logits, > 0 for target."""
    return nn.Sequential(
        nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )


def domain_loss(logits: Tensor, n_source: int, weights: Tensor | None = None) -> Tensor:
    """Return the binary cross-entropy of domain logits (n, 1), the mean of both domains' (weighted) means.

    Args:
        logits: the first `n_source` rows are of the source, the others of the target.
        n_source: how many.
        weights: (n,) of the rows; equal without.
    """
    truth = (torch.arange(len(logits), device=logits.device) >= n_source).float()
    each = F.binary_cross_entropy_with_logits(logits[:, 0].float(), truth, reduction="none")
    weights = torch.ones_like(each) if weights is None else weights
    parts = [(each[p] * weights[p]).sum() / weights[p].sum() for p in (slice(n_source), slice(n_source, None))]
    return torch.stack(parts).mean()
