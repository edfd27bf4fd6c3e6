"""Joint adaptation networks: Long et al. 2017 (arXiv:1605.06636)."""

from typing import Any

import torch
from torch import Tensor

from simgen.adapters.functional.discrepancy import gaussian_kernels, squared_mmd
from simgen.adapters.functional.gradients import reversal_strength
from simgen.adapters.methods.base import Method, Setup
from simgen.adapters.target import Batch, Target


class Jan(Method):
    """The joint law of vectors and predicted classes is drawn together, not each on its own as in DAN.

    Minimises L_task(source) + weight * lambda(p) * JMMD^2 (eq. 10): the MMD^2 of the product of a kernel over the
    vectors and one over the softmax (eq. 7), both trained through, each the mean of five bandwidths about its median,
    estimated without bias from all pairs of the batch. lambda(p) = 2 / (1 + exp(-gamma p)) - 1 (sec. 5.1).

    Args:
        setup: what it is made for.
        weight: of the discrepancy.
        gamma: how fast lambda rises.
    """

    def __init__(self, setup: Setup, *, weight: float = 1.0, gamma: float = 10.0) -> None:
        super().__init__(setup)
        self.weight, self.gamma = weight, gamma

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        own, other = self.both(model, source, target.strong)
        vectors, logits = (torch.cat(pair) for pair in ((own.vectors, other.vectors), (own.logits, other.logits)))
        kernel = gaussian_kernels(vectors) * gaussian_kernels(logits.float().softmax(dim=1))
        distance = squared_mmd(kernel, len(own.vectors))
        strength = self.weight * reversal_strength(progress, self.gamma)
        return {**self.task.losses(own.output, source), "jmmd": strength * distance}
