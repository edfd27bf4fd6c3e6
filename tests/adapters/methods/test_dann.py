import math

import pytest
import torch
import torch.nn.functional as F

from simgen.adapters.functional.gradients import reversal_strength, reverse_gradient
from simgen.adapters.methods.dann import domain_loss


def test_the_gradient_is_the_negative_of_finite_differences():
    x = torch.linspace(-1, 1, 5, dtype=torch.float64, requires_grad=True)

    def value(points: torch.Tensor) -> torch.Tensor:
        return (points.sin() * points).sum()

    value(reverse_gradient(x, 0.7)).backward()
    step = 1e-6
    for k in range(5):
        shift = torch.zeros(5, dtype=torch.float64)
        shift[k] = step
        with torch.no_grad():
            slope = float(value(x + shift) - value(x - shift)) / (2 * step)
            assert torch.equal(reverse_gradient(x, 0.7), x)
        assert x.grad is not None
        assert float(x.grad[k]) == pytest.approx(-0.7 * slope, abs=1e-7)


def test_the_strength_rises_from_nothing_to_one_whatever_the_length_of_the_run():
    assert reversal_strength(0.0) == 0
    assert reversal_strength(0.5) == pytest.approx(math.tanh(2.5))
    assert reversal_strength(1.0) > 0.9999


def test_domains_weigh_the_same_whatever_their_sizes():
    logits = torch.tensor([[2.0], [-1.0], [0.5]])
    source = F.softplus(logits[:2, 0]).mean()
    target = F.softplus(-logits[2:, 0]).mean()
    assert float(domain_loss(logits, 2)) == pytest.approx(float((source + target) / 2))


def test_rows_count_by_their_weight():
    logits, weights = torch.tensor([[2.0], [-1.0], [0.5]]), torch.tensor([3.0, 0.0, 1.0])
    expected = (F.softplus(logits[0, 0]) + F.softplus(-logits[2, 0])) / 2
    assert float(domain_loss(logits, 2, weights)) == pytest.approx(float(expected))
