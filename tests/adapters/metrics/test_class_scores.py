"""Scores of classifiers against scikit-learn, on random sets with missing classes and ties."""

import numpy as np
import pytest
import torch
from sklearn import metrics
from torchmetrics.functional.classification import multiclass_calibration_error

from simgen.adapters.metrics import ClassScores, confusion_table, reliability
from simgen.adapters.metrics.calibration import bin_of

N_CLASSES = 5
NAMES = tuple("abcde")


def random_set(seed: int, absent: int | None = None, ties: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true classes (n,), probabilities (n, C) and image numbers (n,) of a classifier that is often right."""
    rng = np.random.default_rng(seed)
    true = rng.integers(N_CLASSES, size=120)
    if absent is not None:
        true[true == absent] = (absent + 1) % N_CLASSES
    logits = rng.normal(size=(120, N_CLASSES)) + 1.5 * np.eye(N_CLASSES)[true]
    weights = np.exp(np.round(logits) if ties else logits)
    return true, weights / weights.sum(1, keepdims=True), np.sort(rng.integers(30, size=120))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("absent", [None, 2])
def test_every_figure_against_scikit_learn(seed, absent):
    true, probabilities, images = random_set(seed, absent)
    scores = ClassScores(true, probabilities, images, NAMES).summary()
    said, present = probabilities.argmax(1), np.unique(true)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(true, said))
    for name, reference in (
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ):
        macro = reference(true, said, labels=present, average="macro", zero_division=0)
        micro = reference(true, said, labels=range(N_CLASSES), average="micro")
        each = reference(true, said, labels=present, average=None, zero_division=0)
        assert scores[name] == pytest.approx(macro)
        assert scores[f"micro_{name}"] == pytest.approx(micro)
        assert [scores[f"{name}/{NAMES[k]}"] for k in present] == pytest.approx(list(each))
    areas = {k: metrics.roc_auc_score(true == k, probabilities[:, k]) for k in present}
    precisions = {k: metrics.average_precision_score(true == k, probabilities[:, k]) for k in present}
    for name, expected in (("roc_auc", areas), ("pr_auc", precisions)):
        assert {k: scores[f"{name}/{NAMES[k]}"] for k in present} == pytest.approx(expected)
        assert scores[name] == pytest.approx(np.mean(list(expected.values())))


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_area_is_scikit_learn_s_macro_one_versus_rest(seed):
    true, probabilities, images = random_set(seed)
    scores = ClassScores(true, probabilities, images, NAMES).summary()
    assert scores["roc_auc"] == pytest.approx(metrics.roc_auc_score(true, probabilities, multi_class="ovr"))


@pytest.mark.parametrize("seed", range(3))
def test_a_resampled_set_scores_as_if_it_were_one(seed):
    true, probabilities, images = random_set(seed)
    picked = np.random.default_rng(seed).integers(30, size=8)
    chosen = np.concatenate([np.flatnonzero(images == i) for i in picked])
    direct = ClassScores(true[chosen], probabilities[chosen], np.zeros(len(chosen), int), NAMES).summary()
    assert ClassScores(true, probabilities, images, NAMES).summary(picked) == pytest.approx(direct)


def test_an_absent_class_is_undefined_and_no_figure_is_nan():
    true, probabilities, images = random_set(0, absent=2)
    scores = ClassScores(true, probabilities, images, NAMES).summary()
    assert {name for name, value in scores.items() if value is None} == {
        f"{kind}/c" for kind in ("precision", "recall", "f1", "roc_auc", "pr_auc")
    }
    assert all(value is None or np.isfinite(value) for value in scores.values())


def test_a_set_of_one_class_has_no_roc_curve_and_images_without_objects_have_no_figures():
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6]])
    scores = ClassScores(np.array([0, 0]), probabilities, np.array([0, 1]), ("a", "b"))
    assert scores.summary()["roc_auc"] is None
    assert scores.summary()["pr_auc"] == 1
    assert set(scores.summary(np.array([5, 6])).values()) == {None}


@pytest.mark.parametrize("seed", range(5))
def test_calibration_error_against_torchmetrics(seed):
    true, probabilities, images = random_set(seed, ties=False)
    expected = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(true), N_CLASSES, n_bins=15)
    found = ClassScores(true, probabilities, images, NAMES).summary()["ece"]
    assert found == pytest.approx(float(expected), abs=1e-6)


def test_the_reliability_diagram_by_hand():
    diagram = reliability(np.array([0.5, 0.4, 0.9, 0.95]), np.array([True, False, True, True]), bins=2)
    assert diagram.weight.tolist() == [2, 2]  # 0.5 belongs below the edge
    assert diagram.confidence == pytest.approx([0.45, 0.925])
    assert diagram.accuracy.tolist() == [0.5, 1]
    assert diagram.ece == pytest.approx(0.5 * 0.05 + 0.5 * 0.075)
    assert reliability(np.zeros(0), np.zeros(0, bool)).ece is None
    assert bin_of(np.array([0.0, 1.0])).tolist() == [0, 14]


def test_a_model_whose_confidence_is_its_accuracy_is_calibrated():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 200_000)
    right = rng.uniform(size=200_000) < confidence
    assert reliability(confidence, right).ece == pytest.approx(0, abs=0.006)
    assert reliability(np.minimum(confidence + 0.1, 1), right).ece == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_table_of_mistakes_against_scikit_learn(seed):
    true, probabilities, _ = random_set(seed)
    said = probabilities.argmax(1)
    expected = metrics.confusion_matrix(true, said, labels=range(N_CLASSES))
    assert np.array_equal(confusion_table(true, said, N_CLASSES), expected)
