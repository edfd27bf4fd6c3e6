import numpy as np
import pytest

from simgen.adapters.metrics import (
    CocoScores,
    bootstrap,
    classification_scores,
    confusion_of,
    match_images,
    precision_recall_f1,
)
from simgen.adapters.predict import Detections
from simgen.formats.coco import ImageRecord
from simgen.rng import stream
from simgen.samples import Annotation

CLASSES = ("a", "b")


def image(*objects, path="x.jpg"):
    annotations = tuple(Annotation(name, np.array(box, float)) for name, box in objects)
    return ImageRecord(path, 1, (100, 100), annotations)  # type: ignore[arg-type]


def found(*rows):
    rows = sorted(rows, key=lambda r: -r[1])
    boxes = np.array([r[2] for r in rows], float).reshape(-1, 4)
    return Detections(boxes, np.array([r[1] for r in rows]), np.array([CLASSES.index(r[0]) for r in rows], np.int64))


A, B, C = [0, 0, 20, 20], [40, 40, 60, 60], [70, 0, 90, 20]


def test_perfect_detections_score_one_and_none_score_zero():
    records = [image(("a", A), ("b", B)), image(("a", C))]
    perfect = [found(("a", 0.9, A), ("b", 0.8, B)), found(("a", 0.7, C))]
    assert CocoScores(perfect, records, CLASSES).summary()["map"] == pytest.approx(1)
    assert CocoScores([found(), found()], records, CLASSES).summary()["map50"] == 0


def test_average_precision_by_hand():
    # Ranked: right, false, right of 2 objects: precision 1 up to recall 0.5, then 2/3.
    records = [image(("a", A), ("a", B))]
    scores = CocoScores([found(("a", 0.9, A), ("a", 0.8, C), ("a", 0.7, B))], records, CLASSES).summary()
    assert scores["ap50/a"] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    assert scores["ap50/b"] is None


def test_confusion_has_wrong_classes_false_alarms_and_misses():
    records = [image(("a", A), ("b", B), ("b", C))]
    matches = match_images([found(("b", 0.9, A), ("b", 0.8, B), ("a", 0.6, [0, 70, 20, 90]))], records, CLASSES, 0.5)
    table = confusion_of(matches, 2)
    assert table.tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]
    scores = precision_recall_f1(table, 2)
    assert scores["precision"] == pytest.approx(1 / 3)
    assert scores["recall"] == pytest.approx(1 / 3)


def test_resampling_equals_evaluating_the_resampled_set():
    rng = np.random.default_rng(0)
    records, detections = [], []
    for _ in range(12):
        boxes = [[x, y, x + 20, y + 20] for x, y in rng.integers(0, 80, (3, 2))]
        names = rng.choice(CLASSES, 3)
        records.append(image(*zip(names, boxes, strict=True)))
        moved = np.array(boxes) + rng.normal(0, 3, (3, 4))
        detections.append(found(*[(str(rng.choice(CLASSES)), float(rng.uniform()), b) for b in moved]))
    picked = rng.integers(12, size=12)
    resampled = CocoScores(detections, records, CLASSES).summary(picked)
    direct = CocoScores([detections[i] for i in picked], [records[i] for i in picked], CLASSES).summary()
    assert resampled == pytest.approx(direct)


def test_classification_scores_against_scikit_learn():
    from sklearn.metrics import f1_score, precision_score

    rng = np.random.default_rng(1)
    true, said = rng.integers(0, 4, (2, 200))
    scores = classification_scores(true, said, 4)
    assert scores["accuracy"] == (true == said).mean()
    assert scores["f1"] == pytest.approx(f1_score(true, said, average="macro"))
    assert scores["precision"] == pytest.approx(precision_score(true, said, average="macro"))


def test_bootstrap_interval_of_a_mean_is_about_two_standard_errors():
    values = np.random.default_rng(2).normal(0, 1, 400)
    measure = lambda images: {"mean": float(values.mean() if images is None else values[images].mean())}  # noqa: E731
    score = bootstrap(measure, 400, 2000, stream(0, 0, "b"))["mean"]
    assert score.low is not None
    assert score.high is not None
    assert score.high - score.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
