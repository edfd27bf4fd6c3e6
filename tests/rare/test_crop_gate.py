"""The gate refuses what it must, and says why."""

from dataclasses import replace

import numpy as np
import pytest
from pixel_fakes import crops

from simgen.errors import DataError
from simgen.rare.pixels.gate import Gate, GateRules, Verdict, rejection_rates

REAL = crops(200)


def by_corner(rgba: np.ndarray) -> np.ndarray:
    """Return probabilities by the share of alpha in its box: squares fill it, discs do not."""
    alpha = rgba[..., 3] >= 128
    wide = np.array([np.ptp(np.nonzero(a)[0]) + 1 for a in alpha])
    full = alpha.sum((1, 2)) / wide**2
    square = np.clip((full - 0.91) * 20 + 0.5, 0.02, 0.98)
    return np.column_stack([1 - square, square])


def test_fresh_crops_of_the_same_law_enter():
    verdicts = Gate(REAL, by_corner).judge(crops(40, seed=5))
    assert sum(v.accepted for v in verdicts) >= 34
    assert all(v.probability >= 0.5 for v in verdicts if v.accepted)


def test_a_wrong_label_does_not_enter():
    other = crops(10, seed=5)
    verdicts = Gate(REAL, by_corner).judge(replace(other, labels=1 - other.labels))
    assert {v.reason for v in verdicts} == {"class"}


def test_an_unsure_classifier_lets_nothing_in():
    gate = Gate(REAL, lambda rgba: np.full((len(rgba), 2), 0.5), rules=GateRules(confidence=0.6))
    assert {v.reason for v in gate.judge(crops(6, seed=5))} == {"class"}


def test_what_looks_like_no_real_crop_does_not_enter():
    rgba = crops(10, seed=5).rgba.copy()
    rgba[..., 3] = 255 * np.random.default_rng(0).integers(0, 2, rgba.shape[:3])
    trusting = Gate(REAL, lambda rgba: np.eye(2)[crops(10, seed=5).labels])
    verdicts = trusting.judge(replace(crops(10, seed=5), rgba=rgba))
    assert {v.reason for v in verdicts} == {"unreal"}
    assert min(v.realism for v in verdicts) > 1


def test_a_copy_does_not_enter_and_the_quantiles_decide():
    copies = REAL.take(range(10))
    verdicts = Gate(REAL, by_corner).judge(copies)
    assert {v.reason for v in verdicts} <= {"copy", "unreal"}
    assert sum(v.reason == "copy" for v in verdicts) >= 9
    assert all(v.nearest < 1 for v in verdicts)


def test_the_thresholds_are_quantiles_of_the_real_crops_without_themselves():
    some, rows = crops(40), np.random.default_rng(0).normal(size=(40, 3))
    found = {crop.tobytes(): row for crop, row in zip(some.rgba, rows, strict=True)}
    gate = Gate(
        some,
        by_corner,
        lambda rgba: np.array([found[crop.tobytes()] for crop in rgba]),
        GateRules(neighbours=3, realism=0.9, copies=0.2),
    )
    apart = np.sort(np.linalg.norm(rows[:, None] - rows, axis=2), 1)
    assert gate.levels.farthest == pytest.approx(np.quantile(apart[:, 3], 0.9))
    assert gate.levels.nearest == pytest.approx(np.quantile(apart[:, 1], 0.2))


def test_rates_are_those_of_each_cell():
    verdicts = [Verdict(reason, 0.9, 0.5, 2.0) for reason in ("", "class", "copy", "")]
    rates = rejection_rates(verdicts, ["dark", "dark", "dark", "bright"])
    assert rates["dark"] == pytest.approx({"judged": 3, "accepted": 1 / 3, "class": 1 / 3, "unreal": 0, "copy": 1 / 3})
    assert rates["bright"]["accepted"] == 1.0


def test_mistakes_are_sentences():
    with pytest.raises(DataError, match="expected at least 7 real crops to judge by, got 5"):
        Gate(crops(5), by_corner)
    gate = Gate(REAL, lambda rgba: np.ones((len(rgba), 3)))
    with pytest.raises(DataError, match=r"expected 6 x 2 finite probabilities .* of the shape \(6, 3\)"):
        gate.judge(crops(6))
    with pytest.raises(DataError, match="expected crops of the classes disc, square, got a, b"):
        gate.judge(replace(crops(6), classes=("a", "b")))
    assert gate.judge(crops(6).take([])) == ()
