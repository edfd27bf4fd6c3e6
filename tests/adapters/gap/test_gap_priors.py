"""Label-shifted Gaussians, whose target frequencies are known, and the calibration behind the estimates."""

import numpy as np
import pytest

from simgen.adapters.gap.concept import conditional_disagreement
from simgen.adapters.gap.priors import bbse, calibrated, calibrated_em, calibration, em, share_test, with_intervals
from simgen.rng import stream

MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
SOURCE, TARGET = np.full(3, 1 / 3), np.array([0.7, 0.2, 0.1])


def drawn(rng, shares, count):
    """Return labels, and the probabilities of the model that knows the Gaussians and the source's frequencies."""
    labels = rng.choice(3, size=count, p=shares)
    points = MEANS[labels] + rng.normal(size=(count, 2))
    likelihood = np.exp(-((points[:, None] - MEANS) ** 2).sum(-1) / 2)
    return labels, likelihood / likelihood.sum(1, keepdims=True)


def test_bbse_solves_the_equation_of_known_frequencies():
    # Two classes: said = true in 80 % and 60 %; the target has 0.9 of class 0, so "0" is said of 0.9 0.8 + 0.1 0.4.
    true = np.repeat([0, 1], 50)
    said = np.concatenate([np.repeat([0, 1], [40, 10]), np.repeat([0, 1], [20, 30])])
    target = np.repeat([0, 1], [76, 24])
    assert bbse(said, true, target, 2) == pytest.approx([0.9, 0.1])


def test_em_is_exact_for_probabilities_that_tell_everything():
    certain = np.eye(3)[np.repeat([0, 1, 2], [7, 2, 1])]
    assert em(certain, SOURCE) == pytest.approx(TARGET)


@pytest.mark.parametrize("method", ["BBSE", "EM"])
def test_label_shifted_gaussians_are_recovered_within_the_interval(method):
    inside = []
    for seed in range(6):
        rng = stream(seed, 0, "gaussians")
        true, known = drawn(rng, SOURCE, 500)
        _, seen = drawn(rng, TARGET, 500)

        def estimate(rows, others, true=true, known=known, seen=seen):
            if method == "EM":
                return calibrated_em(known[rows], true[rows], seen[others])
            return bbse(known[rows].argmax(1), true[rows], seen[others].argmax(1), 3)

        found = with_intervals(estimate, (np.arange(500), np.arange(500)), rng, 40)
        assert found.share.sum() == pytest.approx(1)
        assert np.all(found.high - found.low < 0.35)
        assert found.high[1] < 1 / 3 < found.low[0]
        inside.append((found.low <= TARGET) & (found.high >= TARGET))
    assert np.sum(inside) >= 15  # of 18; 17.1 are expected


def test_calibration_undoes_an_overconfident_model():
    true, honest = drawn(stream(1, 0, "calibration"), SOURCE, 3000)
    skewed = honest**3 * np.array([1.0, 2.0, 0.5])
    skewed /= skewed.sum(1, keepdims=True)
    inverse, bias = calibration(skewed, true)
    assert inverse == pytest.approx(1 / 3, abs=0.04)
    assert bias[0] - bias[1] == pytest.approx(np.log(2) / 3, abs=0.15)
    assert np.abs(calibrated(skewed, (inverse, bias)) - honest).mean() < 0.02


def test_whole_pictures_are_resampled():
    groups = (np.array([0, 1, 0, 1]), np.array([3, 3, 9]))
    seen = []
    with_intervals(lambda a, b: seen.append((a, b)) or np.ones(1), groups, stream(2, 0, "groups"), 20)
    for rows, others in seen:
        assert np.bincount(rows, minlength=4)[0] == np.bincount(rows, minlength=4)[2]
        assert np.bincount(others, minlength=3)[0] == np.bincount(others, minlength=3)[1]


def test_the_share_test_sees_a_shift_and_keeps_its_level():
    rng = stream(3, 0, "shares")
    source, same = rng.multinomial(4, SOURCE, size=(2, 60))
    shifted = rng.multinomial(4, TARGET, size=60)
    assert share_test(source, same, rng, 200)[1] > 0.05
    variation, p_value = share_test(source, shifted, rng, 200)
    assert variation == pytest.approx(0.367, abs=0.08)
    assert p_value == pytest.approx(1 / 201)


def test_errors_that_follow_the_confidence_are_no_concept_shift():
    rng = stream(4, 0, "concept")
    confident, unsure = rng.uniform(0.7, 1, 800), rng.uniform(0.4, 1, 800)
    wrong = tuple(rng.uniform(size=800) > confidence for confidence in (confident, unsure))
    found = conditional_disagreement((confident, unsure), wrong, rng, 300)
    assert found.target_error > found.source_error + 0.1
    assert abs(found.excess_error) < 0.06
    assert found.p_value > 0.05


def test_errors_beyond_the_confidence_are_a_concept_shift():
    rng = stream(5, 0, "concept")
    source, target = rng.uniform(0.5, 1, (2, 800))
    wrong = (rng.uniform(size=800) > source, rng.uniform(size=800) > target - 0.25)
    found = conditional_disagreement((source, target), wrong, rng, 300)
    assert found.excess_error == pytest.approx(0.25, abs=0.06)
    assert found.p_value == pytest.approx(1 / 301)
