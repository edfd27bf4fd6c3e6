"""Scores on a labelled image set, with confidence intervals. Pure functions on arrays; pycocotools is the engine.

Intervals are percentile bootstraps over *images* (Efron 1979): the objects of one photograph are not independent.
"""

import contextlib
import copy
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from simgen.adapters.predict import Detections
from simgen.adapters.tasks.scores import iou_pairs
from simgen.formats.coco import ImageRecord

Array = NDArray[np.float64]
MATCH_IOU = 0.5


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval over resampled images; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class Matches:
    """What a threshold makes of one image.

    Attributes:
        detections: for each kept detection its class and that of the object it was matched to, C for none.
        missed: the classes of the objects without a detection.
        kept: indices of the kept detections.
        missed_boxes: (k, 4).
    """

    detections: tuple[tuple[int, int], ...]
    missed: tuple[int, ...]
    kept: tuple[int, ...]
    missed_boxes: Array


class CocoScores:
    """pycocotools' evaluation of a whole set, kept by image so that resampled sets cost only the accumulation."""

    def __init__(self, found: Sequence[Detections], records: Sequence[ImageRecord], classes: Sequence[str]) -> None:
        self._n_images, self._classes = len(records), tuple(classes)
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = _coco_truth(records, classes)
            truth.createIndex()
            rows = _coco_rows(found)
            results = truth.loadRes(rows) if len(rows) else _empty_like(truth)
            self._eval = COCOeval(truth, results, "bbox")
            self._eval.evaluate()
        self._by_image = np.array(self._eval.evalImgs, object).reshape(
            len(classes), len(self._eval.params.areaRng), self._n_images
        )[:, :1]

    def precision(self, images: NDArray[np.int64] | None = None) -> Array:
        """Return precision (10 overlaps, 101 recalls, C), -1 without truth, of the images (with repetition)."""
        picked = np.arange(self._n_images) if images is None else images
        run = copy.copy(self._eval)
        params = copy.copy(self._eval.params)
        params.areaRng, params.areaRngLbl, params.maxDets = params.areaRng[:1], params.areaRngLbl[:1], [100]
        params.imgIds = list(range(len(picked)))
        run.params, run._paramsEval = params, params
        run.evalImgs = list(self._by_image[:, :, picked].ravel())
        with contextlib.redirect_stdout(io.StringIO()):
            run.accumulate()
        return np.asarray(run.eval["precision"][:, :, :, 0, 0], float)

    def summary(self, images: NDArray[np.int64] | None = None) -> dict[str, float | None]:
        """Return map, map50, map75 and, for each class, ap50/CLASS and ap/CLASS."""
        precision = self.precision(images)
        result = {"map": _mean(precision), "map50": _mean(precision[0]), "map75": _mean(precision[5])}
        for number, name in enumerate(self._classes):
            result[f"ap/{name}"] = _mean(precision[:, :, number])
            result[f"ap50/{name}"] = _mean(precision[0, :, number])
        return result


def match_images(
    found: Sequence[Detections], records: Sequence[ImageRecord], classes: Sequence[str], threshold: float
) -> list[Matches]:
    """Match the detections above a threshold to objects of any class at IoU 0.5, the best score first."""
    numbers = {name: i for i, name in enumerate(classes)}
    return [_match_image(d, r, numbers, threshold) for d, r in zip(found, records, strict=True)]


def _match_image(found: Detections, record: ImageRecord, numbers: dict[str, int], threshold: float) -> Matches:
    real = [a for a in record.annotations if not a.ignore]
    ignored = np.array([a.box_xyxy for a in record.annotations if a.ignore], float).reshape(-1, 4)
    boxes = np.array([a.box_xyxy for a in real], float).reshape(-1, 4)
    labels = [numbers[a.class_name] for a in real]
    free = np.ones(len(real), bool)
    pairs, kept = [], []
    for number in np.flatnonzero(found.scores >= threshold):
        box = found.boxes_xyxy[number : number + 1]
        overlap = np.where(free, iou_pairs(box, boxes)[0], -1.0) if len(real) else np.zeros(0)
        if len(real) and overlap.max() >= MATCH_IOU:
            partner = int(overlap.argmax())
            free[partner] = False
            pairs.append((int(found.classes[number]), labels[partner]))
        elif len(ignored) and iou_pairs(box, ignored).max() >= MATCH_IOU:
            continue
        else:
            pairs.append((int(found.classes[number]), len(numbers)))
        kept.append(int(number))
    missed = tuple(label for label, left in zip(labels, free, strict=True) if left)
    return Matches(tuple(pairs), missed, tuple(kept), boxes[free])


def confusion_of(matches: Sequence[Matches], n_classes: int) -> NDArray[np.int64]:
    """Return (C + 1, C + 1) counts: rows are the truth, columns what was said, the last of each is background."""
    table = np.zeros((n_classes + 1, n_classes + 1), np.int64)
    for image in matches:
        for said, true in image.detections:
            table[true, said] += 1
        for true in image.missed:
            table[true, n_classes] += 1
    return table


def precision_recall_f1(confusion: NDArray[np.int64], n_classes: int) -> dict[str, float]:
    """Return precision, recall and f1 over all objects (micro), macro_f1 over classes, and f1/K of class number K.

    A right place with a wrong class counts as a false alarm and as a miss.
    """
    right = np.diag(confusion)[:n_classes].astype(float)
    said, true = confusion[:, :n_classes].sum(0), confusion[:n_classes].sum(1)
    f1 = 2 * right / np.maximum(said + true, 1)
    total = float(right.sum())
    return {
        "precision": total / max(float(said.sum()), 1.0),
        "recall": total / max(float(true.sum()), 1.0),
        "f1": 2 * total / max(float(said.sum() + true.sum()), 1.0),
        "macro_f1": float(f1.mean()),
        **{f"f1/{k}": float(v) for k, v in enumerate(f1)},
    }


def classification_scores(true: NDArray[np.int64], said: NDArray[np.int64], n_classes: int) -> dict[str, float]:
    """Return accuracy, macro precision, recall and f1 of (n,) labels."""
    table = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(table, (true, said), 1)
    right = np.diag(table).astype(float)
    precision, recall = right / np.maximum(table.sum(0), 1), right / np.maximum(table.sum(1), 1)
    f1 = 2 * right / np.maximum(table.sum(0) + table.sum(1), 1)
    means = {"precision": precision, "recall": recall, "f1": f1}
    return {"accuracy": float(right.sum() / max(len(true), 1)), **{k: float(v.mean()) for k, v in means.items()}}


def bootstrap(
    measure: Callable[[NDArray[np.int64] | None], dict[str, float | None]], n_images: int, repeats: int, rng: Generator
) -> dict[str, Score]:
    """Return each figure of `measure` with its 95 % interval.

    Args:
        measure: figures of the images with the given numbers (repetition counts), of all for None.
        n_images: size of the set.
        repeats: resampled sets; 0 for no intervals.
        rng: generator.
    """
    whole = measure(None)
    draws = [measure(rng.integers(n_images, size=n_images)) for _ in range(repeats)]
    scores = {}
    for name, value in whole.items():
        drawn = [v for v in (d[name] for d in draws) if v is not None]
        low, high = np.percentile(drawn, [2.5, 97.5]) if drawn else (None, None)
        scores[name] = Score(value, None if low is None else float(low), None if high is None else float(high))
    return scores


def _mean(precision: Array) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _coco_truth(records: Sequence[ImageRecord], classes: Sequence[str]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for number, record in enumerate(records):
        for a in record.annotations:
            (x, y), (width, height) = a.box_xyxy[:2], a.size_wh
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": list(classes).index(a.class_name),
                    "bbox": [float(x), float(y), width, height],
                    "area": width * height,
                    "iscrowd": int(a.ignore),
                }
            )
    return {
        "images": [{"id": i} for i in range(len(records))],
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes)],
        "info": {},
    }


def _coco_rows(found: Sequence[Detections]) -> Array:
    rows = []
    for number, d in enumerate(found):
        xywh = np.concatenate([d.boxes_xyxy[:, :2], d.boxes_xyxy[:, 2:] - d.boxes_xyxy[:, :2]], 1)
        image = np.full((len(xywh), 1), number, float)
        rows.append(np.concatenate([image, xywh, d.scores[:, None], d.classes[:, None].astype(float)], 1))
    return np.concatenate(rows) if rows else np.zeros((0, 7))


def _empty_like(truth: Any) -> Any:
    empty = COCO()
    empty.dataset = {**truth.dataset, "annotations": []}
    empty.createIndex()
    return empty
