"""Against scikit-learn, NumPy and closed forms."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel

from simgen.adapters.functional.discrepancy import SCALES, classifier_discrepancy, coral, gaussian_kernels, squared_mmd
from simgen.errors import ConfigError


def _normal(seed: int, *size: int) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def test_kernels_are_those_of_scikit_learn_about_the_median_of_all_pairs():
    vectors = _normal(0, 14, 5)
    differences = vectors.numpy()[:, None] - vectors.numpy()[None]
    squares = (differences**2).sum(-1)[~np.eye(14, dtype=bool)]
    expected = np.mean([rbf_kernel(vectors.numpy(), gamma=1 / (s * np.median(squares))) for s in SCALES], axis=0)
    assert gaussian_kernels(vectors).numpy() == pytest.approx(expected, abs=1e-5)
    assert len(SCALES) >= 5


@pytest.mark.parametrize(("n", "m"), [(7, 7), (9, 4), (2, 2), (2, 5)])
def test_the_estimate_is_made_of_sums_over_different_rows(n: int, m: int):
    source, target = _normal(1, n, 3).numpy(), _normal(2, m, 3).numpy() + 1
    within = [rbf_kernel(x, gamma=0.3) for x in (source, target)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    expected = sum(means) - 2 * rbf_kernel(source, target, gamma=0.3).mean()
    kernel = torch.from_numpy(rbf_kernel(np.concatenate([source, target]), gamma=0.3))
    assert float(squared_mmd(kernel, n)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n", "m"), [(16, 16), (8, 24)])
def test_it_is_about_zero_for_one_law_and_grows_with_the_shift(n: int, m: int):
    def draws(shift: float) -> torch.Tensor:
        shifted = torch.cat([torch.zeros(n, 1), torch.full((m, 1), shift)])
        return torch.stack([squared_mmd(gaussian_kernels(_normal(k, n + m, 4) + shifted), n) for k in range(200)])

    same, near, far = draws(0.0), draws(0.7), draws(1.4)
    assert abs(float(same.mean())) < 3 * float(same.std()) / 200**0.5
    assert float(same.min()) < 0
    assert 5 * float(same.std()) / 200**0.5 < float(near.mean()) < float(far.mean())


def test_rows_that_are_alike_give_numbers_and_gradients():
    vectors = torch.zeros(6, 3)
    vectors[5] = 1
    vectors.requires_grad_()
    kernel = gaussian_kernels(vectors)
    squared_mmd(kernel, 3).backward()
    assert kernel[0, 1].item() == 1
    assert kernel[0, 5].item() == 0
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def test_the_gradient_is_that_of_finite_differences_at_a_fixed_bandwidth():
    vectors = torch.tensor([[0.0, 0.2], [1.0, -0.3], [0.4, 0.9], [2.0, 1.5]], requires_grad=True)
    loss = squared_mmd(gaussian_kernels(vectors), 2)
    (gradient,) = torch.autograd.grad(loss, vectors)

    def value(moved: np.ndarray) -> float:
        squares = ((moved[:, None] - moved[None]) ** 2).sum(-1)
        kernel = np.mean([np.exp(-squares / (s * median)) for s in SCALES], axis=0)
        return float(kernel[0, 1] + kernel[2, 3] - 2 * kernel[:2, 2:].mean())

    start = vectors.detach().numpy().astype(np.float64)
    squares = ((start[:, None] - start[None]) ** 2).sum(-1)[~np.eye(4, dtype=bool)]
    median = float(np.sort(squares)[(len(squares) - 1) // 2])
    for row, column in np.ndindex(4, 2):
        shift = np.zeros((4, 2))
        shift[row, column] = 1e-5
        slope = (value(start + shift) - value(start - shift)) / 2e-5
        assert float(gradient[row, column]) == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize(("n", "m"), [(20, 20), (9, 30), (2, 2)])
def test_coral_is_the_distance_of_numpys_covariances(n: int, m: int):
    source, target = _normal(3, n, 6) * 2 + 5, _normal(4, m, 6)
    gap = np.cov(source.numpy(), rowvar=False) - np.cov(target.numpy(), rowvar=False)
    assert float(coral(source, target)) == pytest.approx((gap**2).sum() / (4 * 36), rel=1e-4)


def test_coral_does_not_see_the_means():
    source = _normal(5, 12, 3)
    assert float(coral(source, source + 7)) == pytest.approx(0, abs=1e-8)


def test_classifiers_differ_by_the_mean_absolute_difference_of_their_softmax():
    first = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]).log()
    second = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.2, 0.7]]).log()
    assert float(classifier_discrepancy(first, second)) == pytest.approx((0.3 + 0.3 + 0.1 + 0.1) / 6)
    assert float(classifier_discrepancy(first, first + 4)) == pytest.approx(0, abs=1e-7)


def test_mixed_precision_does_not_reach_them():
    vectors = _normal(6, 40, 8) + 30
    exact = squared_mmd(gaussian_kernels(vectors), 20), coral(vectors[:20], vectors[20:])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = squared_mmd(gaussian_kernels(vectors), 20), coral(vectors[:20], vectors[20:])
    assert [v.dtype for v in mixed] == [torch.float32] * 2
    assert torch.equal(torch.stack(mixed), torch.stack(exact))


def test_one_row_has_no_spread():
    with pytest.raises(ConfigError, match=r"at least 2 vectors .* got 3 of the source and 1 of the target"):
        squared_mmd(torch.eye(4), 3)
    with pytest.raises(ConfigError, match=r"got 1 of the source and 3 of the target; raise batch_size or target"):
        coral(torch.ones(1, 2), torch.ones(3, 2))
