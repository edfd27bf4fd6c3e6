import math

import pytest
import torch
from scipy.stats import entropy

from simgen.adapters.functional.information import information_loss, mean_entropy

P = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.25, 0.5, 0.25], [0.98, 0.01, 0.01]])


def test_the_entropy_is_scipys():
    assert float(mean_entropy(P.log())) == pytest.approx(entropy(P.numpy(), axis=1).mean(), abs=1e-6)
    assert float(mean_entropy(P.log() + 3)) == pytest.approx(float(mean_entropy(P.log())), abs=1e-6)


def test_information_by_hand():
    expected = entropy(P.numpy(), axis=1).mean() - entropy(P.mean(0).numpy())
    assert float(information_loss(P.log())) == pytest.approx(expected, abs=1e-6)
    # Sure and balanced: all that can be told of 3 classes. Sure and all of one class: nothing.
    assert float(information_loss(100 * torch.eye(3))) == pytest.approx(-math.log(3), abs=1e-5)
    assert float(information_loss(100 * torch.eye(3)[[1, 1, 1]])) == pytest.approx(0, abs=1e-5)


def test_a_prior_moves_the_best_mean_to_itself():
    prior = torch.tensor([0.6, 0.3, 0.1])
    expected = entropy(P.numpy(), axis=1).mean() + entropy(P.mean(0).numpy(), prior.numpy()) - math.log(3)
    assert float(information_loss(P.log(), prior)) == pytest.approx(expected, abs=1e-6)
    uniform = torch.full((3,), 1 / 3)
    assert float(information_loss(P.log(), uniform)) == pytest.approx(float(information_loss(P.log())), abs=1e-6)
    shares = 100 * torch.eye(3)[[0] * 6 + [1] * 3 + [2]]
    assert float(information_loss(shares, prior)) < float(information_loss(100 * torch.eye(3)[[0, 1, 2]], prior))
