import numpy as np
import pytest

from simgen.adapters.metrics import Score, bootstrap, resamples
from simgen.rng import stream

VALUES = np.random.default_rng(2).normal(0, 1, 400)


def mean(images):
    return {"mean": float(VALUES.mean() if images is None else VALUES[images].mean())}


def test_the_interval_of_a_mean_is_about_two_standard_errors():
    score = bootstrap(mean, 400, 2000, stream(0, 0, "b"))["mean"]
    assert score.low is not None
    assert score.high is not None
    assert score.high - score.low == pytest.approx(2 * 1.96 * VALUES.std() / 20, rel=0.1)


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    first, again, other = (bootstrap(mean, 400, 50, stream(seed, 0, "b")) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert np.array_equal(resamples(9, 3, stream(0, 0, "b")), resamples(9, 3, stream(0, 0, "b")))


def test_undefined_draws_are_left_out():
    def sometimes(images):
        return {"x": None if images is not None and images[0] % 2 else 1.0, "never": None}

    assert bootstrap(sometimes, 10, 20, stream(0, 0, "b")) == {"x": Score(1, 1, 1), "never": Score(None)}
    assert bootstrap(mean, 400, 0, stream(0, 0, "b"))["mean"].low is None
