"""Correlation alignment: Sun and Saenko 2016 (arXiv:1607.01719)."""

from typing import Any

from torch import Tensor

from simgen.adapters.functional import discrepancy
from simgen.adapters.methods.base import Method, Setup, require_amounts
from simgen.adapters.target import Batch, Target


class Coral(Method):
    """The covariances of both domains' vectors are drawn together.

    Minimises L_task(source) + weight * |C_s - C_t|_F^2 / (4 d^2) (eq. 1 and 6), without a term for the means. The
    weight is constant; the paper chooses it so that both losses end about equal.

    Args:
        setup: what it is made for.
        weight: of the distance.
    """

    def __init__(self, setup: Setup, *, weight: float = 1.0) -> None:
        super().__init__(setup)
        require_amounts(weight=weight)
        self.weight = weight

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        own, other = self.both(model, source, target.strong)
        distance = discrepancy.coral(own.vectors, other.vectors)
        return {**self.task.losses(own.output, source), "coral": self.weight * distance}
