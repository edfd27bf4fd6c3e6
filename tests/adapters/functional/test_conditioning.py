import math

import numpy as np
import pytest
import torch

from simgen.adapters.functional.conditioning import entropy_weights, multilinear_map, randomized_map


def test_the_map_is_the_outer_product_of_each_row():
    vectors, probabilities = torch.randn(4, 3), torch.randn(4, 2).softmax(1)
    expected = np.stack([np.outer(f, g).ravel() for f, g in zip(vectors, probabilities, strict=True)])
    assert multilinear_map(vectors, probabilities).numpy() == pytest.approx(expected)


def test_dot_products_of_the_randomized_map_are_on_average_those_of_the_outer_product():
    generator = torch.Generator().manual_seed(0)
    vectors, probabilities = torch.randn(2, 6, generator=generator), torch.rand(2, 3, generator=generator)
    exact = multilinear_map(vectors, probabilities)
    products = []
    for _ in range(200):
        matrices = torch.randn(6, 64, generator=generator), torch.randn(3, 64, generator=generator)
        seen = randomized_map(vectors, probabilities, matrices)
        products.append(seen @ seen.T)
    found = torch.stack(products)
    error = found.std(0) / math.sqrt(200)
    assert ((found.mean(0) - exact @ exact.T).abs() < 4 * error).all()
    assert (error < 0.1 * (exact @ exact.T).abs().max()).all()


def test_weights_by_hand():
    logits = torch.tensor([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]).log().requires_grad_()
    sure = torch.tensor([[200.0, -200.0]])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    weights = entropy_weights(torch.cat([logits[:2], sure]))
    assert weights.tolist() == pytest.approx([1.5, 1 + math.exp(-entropy), 2.0])
    assert not weights.requires_grad
