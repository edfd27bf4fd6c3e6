"""The law of the latents: a class keeps its normal law, examples are repeated or left, few teach what they can."""

import numpy as np
import pytest
import torch

from simgen.rare.pixels.law import LatentLaw

CENTRES = torch.tensor([[3.0, 0.0], [-3.0, 1.0]])
SHAPES = torch.tensor([[[1.0, 0.0], [0.9, 0.3]], [[0.4, 0.0], [-0.4, 0.8]]])


def examples(counts: tuple[int, ...], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    noise = torch.randn((len(labels), 2), generator=torch.Generator().manual_seed(seed))
    means = CENTRES[labels] + (SHAPES[labels] @ noise[:, :, None])[:, :, 0]
    return means, torch.full_like(means, -4.0), labels


def draws(law: LatentLaw, label: int, boldness: float, count: int = 40_000) -> np.ndarray:
    noise = torch.Generator().manual_seed(label)
    chances, normal = torch.rand(count, generator=noise), torch.randn((2, count, 2), generator=noise)
    return law.draw(torch.full((count,), label), chances, normal, boldness).numpy()


@pytest.mark.parametrize("boldness", [0.0, 0.5, 1.0])
def test_whatever_the_boldness_a_class_keeps_its_mean_and_covariance(boldness):
    means, log_vars, labels = examples((4000, 4000))
    law = LatentLaw.fit(means, log_vars, labels, 2)
    for k in range(2):
        drawn = draws(law, k, boldness)
        assert drawn.mean(0) == pytest.approx(means[labels == k].mean(0).numpy(), abs=0.03)
        expected = (SHAPES[k] @ SHAPES[k].T).numpy() + np.exp(-4.0) * np.eye(2)
        assert np.cov(drawn.T) == pytest.approx(expected, abs=0.06)


def test_without_boldness_an_example_is_repeated_and_with_more_it_is_left():
    means, log_vars, labels = examples((5, 5))
    law = LatentLaw.fit(means, log_vars - 20, labels, 2)
    nearest = [
        float(torch.cdist(torch.from_numpy(draws(law, 1, b, 500)), means[labels == 1]).min(1).values.mean())
        for b in (0.0, 0.3, 1.0)
    ]
    assert nearest[0] < 1e-3
    assert nearest[0] < nearest[1] < nearest[2]


def test_a_class_of_few_takes_the_covariance_within_all_classes():
    means, log_vars, labels = examples((4000, 1))
    law = LatentLaw.fit(means, log_vars, labels, 2)
    assert law.centres[1] == pytest.approx(means[-1])
    pooled = (SHAPES[0] @ SHAPES[0].T).numpy()
    assert (law.roots[1] @ law.roots[1].T).numpy() == pytest.approx(pooled, abs=0.06)


def test_a_class_without_examples_takes_those_of_all():
    means, log_vars, labels = examples((40, 40))
    law = LatentLaw.fit(means, log_vars, labels, 3)
    assert law.centres[2] == pytest.approx(means.mean(0), abs=1e-6)
    assert np.isfinite(draws(law, 2, 0.5, 100)).all()
    assert len(np.unique(np.sign(draws(law, 2, 0.0, 100)[:, 0]))) == 2


def test_its_state_is_the_whole_law():
    law = LatentLaw.fit(*examples((10, 10)), 2)
    again = LatentLaw(**law.state())
    assert (draws(again, 0, 0.5, 50) == draws(law, 0, 0.5, 50)).all()
