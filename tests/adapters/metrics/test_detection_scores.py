from dataclasses import replace

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from simgen.adapters.metrics import (
    CocoScores,
    DetectionScores,
    confusion_of,
    match_images,
    precision_recall_f1,
)
from simgen.adapters.predict import Detections
from simgen.errors import DataError
from simgen.formats.coco import ImageRecord
from simgen.formats.masks import encode
from simgen.samples import Annotation, Region

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
    assert (scores["precision/0"], scores["recall/1"]) == (0, 0.5)
    assert scores["macro_precision"] == pytest.approx((0 + 1 / 2) / 2)


def test_without_objects_nothing_is_defined():
    matches = match_images([found(("a", 0.9, A))], [image()], CLASSES, 0.5)
    assert set(precision_recall_f1(confusion_of(matches, 2), 2).values()) == {None}


def random_images(seed):
    """Twelve images, a few of them with an ignored object, and detections that are near."""
    rng = np.random.default_rng(seed)
    records, detections = [], []
    for number in range(12):
        boxes = [[x, y, x + 20, y + 20] for x, y in rng.integers(0, 80, (3, 2))]
        record = image(*zip(rng.choice(CLASSES, 3), boxes, strict=True))
        first, *others = record.annotations
        records.append(replace(record, annotations=(replace(first, ignore=number % 4 == 0), *others)))
        moved = np.array(boxes) + rng.normal(0, 3, (3, 4))
        detections.append(found(*[(str(rng.choice(CLASSES)), float(rng.uniform()), b) for b in moved]))
    return records, detections


@pytest.mark.parametrize("seed", range(5))
def test_resampling_equals_evaluating_the_resampled_set(seed):
    records, detections = random_images(seed)
    picked = np.random.default_rng(seed).integers(12, size=12)
    resampled = CocoScores(detections, records, CLASSES).summary(picked)
    direct = CocoScores([detections[i] for i in picked], [records[i] for i in picked], CLASSES).summary()
    assert resampled == pytest.approx(direct)


@pytest.mark.parametrize("seed", range(5))
def test_precision_is_that_of_pycocotools(seed):
    records, detections = random_images(seed)
    picked = np.random.default_rng(seed).integers(12, size=12)
    chosen = [records[i] for i in picked]
    rows = [
        {"image_id": n, "category_id": int(k), "score": float(s), "bbox": [b[0], b[1], b[2] - b[0], b[3] - b[1]]}
        for n, i in enumerate(picked)
        for b, s, k in zip(detections[i].boxes_xyxy, detections[i].scores, detections[i].classes, strict=True)
    ]
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": n} for n in range(12)],
        "categories": [{"id": 0}, {"id": 1}],
        "annotations": [
            {
                "id": 100 * n + m + 1,
                "image_id": n,
                "category_id": CLASSES.index(a.class_name),
                "bbox": [*a.box_xyxy[:2], 20, 20],
                "area": 400,
                "iscrowd": int(a.ignore),
            }
            for n, record in enumerate(chosen)
            for m, a in enumerate(record.annotations)
        ],
    }
    truth.createIndex()
    reference = COCOeval(truth, truth.loadRes(rows), "bbox")
    reference.evaluate()
    reference.accumulate()
    found_here = CocoScores(detections, records, CLASSES).precision(picked)
    assert found_here == pytest.approx(reference.eval["precision"][:, :, :, 0, -1])


def test_the_figures_of_a_set_and_of_resampled_ones_have_class_names():
    records = [image(("a", A)), image(("b", B), ("a", C))]
    detections = [found(("a", 0.9, A)), found(("b", 0.8, B), ("b", 0.7, C))]
    matches = match_images(detections, records, CLASSES, 0.5)
    scores = DetectionScores(CocoScores(detections, records, CLASSES), matches, CLASSES)
    assert scores.summary()["recall/a"] == 0.5
    first = scores.summary(np.array([0, 0]))
    assert first["recall/a"] == 1
    assert first["recall/b"] is None
    assert first["ap/b"] is None


def masks(*boxes):
    drawn = np.zeros((len(boxes), 100, 100), bool)
    for mask, (x1, y1, x2, y2) in zip(drawn, boxes, strict=True):
        mask[y1:y2, x1:x2] = True
    return [Region.of(mask) for mask in drawn]


def test_average_precision_of_masks_by_hand():
    # A mask of the upper half of its object overlaps it by 1/2, though the boxes given here are equal.
    truth = tuple(encode(mask) for mask in masks(A, B))
    records = [replace(image(("a", A), ("a", B)), masks=truth)]
    detections = [found(("a", 0.9, A), ("a", 0.8, B))]
    drawn = [masks([0, 0, 20, 10], B)]
    scores = CocoScores(detections, records, CLASSES, drawn).summary()
    # At IoU 0.5 both are right; above it only the second is: precision 1/2 up to recall 1/2.
    assert scores["ap50/a"] == pytest.approx(1)
    assert scores["map75"] == pytest.approx(51 * 0.5 / 101)
    assert scores["map"] == pytest.approx((1 + 9 * 51 * 0.5 / 101) / 10)
    assert CocoScores(detections, records, CLASSES).summary()["map"] == pytest.approx(1)


def test_polygons_are_truth_too_and_an_object_without_a_mask_is_refused():
    square = [[40.0, 40, 60, 40, 60, 60, 40, 60]]
    record = replace(image(("b", B)), masks=(square,))
    detections = [found(("b", 0.8, B))]
    assert CocoScores(detections, [record], CLASSES, [masks(B)]).summary()["map"] == pytest.approx(1)
    with pytest.raises(DataError, match=r'image "x.jpg": expected a mask of every object, got one without'):
        CocoScores(detections, [replace(record, masks=(None,))], CLASSES, [masks(B)])
