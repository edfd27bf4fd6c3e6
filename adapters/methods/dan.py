"""Deep adaptation networks, several kernels' mean discrepancy: Long et al. 2015 (arXiv:1502.02791)."""

from typing import Any

import torch
from torch import Tensor

from simgen.adapters.functional.discrepancy import gaussian_kernels, squared_mmd
from simgen.adapters.functional.gradients import reversal_strength
from simgen.adapters.methods.base import Method, Setup, require_amounts
from simgen.adapters.target import Batch, Target


class Dan(Method):
    """Vectors and logits of both domains are drawn to the same mean in the space of Gaussian kernels.

    Minimises L_task(source) + weight * lambda(p) * sum over the two layers of MMD^2 (eq. 4), estimated without bias
    (the paper's linear-time estimate (eq. 5) is unbiased, too, but noisier; the pairs of a batch cost little) by
    equally weighted kernels of five bandwidths about the median. lambda(p) = 2 / (1 + exp(-gamma p)) - 1 over the run's
    progress p, as the authors' code has it.

    Args:
        setup: what it is made for.
        weight: of the discrepancy.
        gamma: how fast lambda rises.
    """

    term = "mmd"

    def __init__(self, setup: Setup, *, weight: float = 1.0, gamma: float = 10.0) -> None:
        super().__init__(setup)
        require_amounts(weight=weight, gamma=gamma)
        self.weight, self.gamma = weight, gamma

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        own, other = self.both(model, source, target.strong)
        vectors, logits = torch.cat([own.vectors, other.vectors]), torch.cat([own.logits, other.logits])
        strength = self.weight * reversal_strength(progress, self.gamma)
        distance = self.distance(vectors, logits, len(own.vectors))
        return {**self.task.losses(own.output, source), self.term: strength * distance}

    def distance(self, vectors: Tensor, logits: Tensor, n_source: int) -> Tensor:
        """Return the squared discrepancy of (n, F) vectors and (n, C) logits, the source's `n_source` rows first."""
        return torch.stack([squared_mmd(gaussian_kernels(layer), n_source) for layer in (vectors, logits)]).sum()
