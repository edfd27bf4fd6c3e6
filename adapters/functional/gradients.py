"""The gradient-reversal layer of Ganin and Lempitsky 2015 (arXiv:1409.7495), and its schedule."""

import math
from typing import Any

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(values: Tensor, strength: float = 1.0) -> Tensor:
    """Return the values as they are; their gradient comes back multiplied by -strength."""
    reversed_: Tensor = _Reverse.apply(values, strength)  # type: ignore[no-untyped-call]
    return reversed_


def reversal_strength(progress: float, gamma: float = 10.0) -> float:
    """Return lambda_p = 2 / (1 + exp(-gamma p)) - 1, from 0 at p = 0 towards 1 (arXiv:1505.07818, sec. 5.2.2)."""
    return 2 / (1 + math.exp(-gamma * progress)) - 1
