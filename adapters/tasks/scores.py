"""Average precision and the best threshold, for validation while training. Pure functions on arrays.

The scores on real photographs (adapters/evaluate.py) come from pycocotools; this is the same measure at one overlap
(IoU 0.5, the area under the whole precision-recall curve), quick enough to run between steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        metrics: names to values; the first is the one to look at.
        threshold: the score with the best F1, or None where scores are not thresholded.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    threshold: float | None = None


def iou_pairs(first: Array, second: Array) -> Array:
    """Return the (n, m) overlaps of (n, 4) and (m, 4) boxes xyxy."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def match(boxes: Array, truth: Array, ignored: Array, iou_min: float = 0.5) -> NDArray[np.int8]:
    """Match one image's boxes of one class to its truth, greedily from the best score down.

    Args:
        boxes: (n, 4), best score first.
        truth: (m, 4).
        ignored: (k, 4) places that count neither as found nor as missed.
        iou_min: least overlap of a match.

    Returns:
        (n,): 1 = found, 0 = false alarm, -1 = does not count.
    """
    result = np.zeros(len(boxes), np.int8)
    free = np.ones(len(truth), bool)
    overlaps = iou_pairs(boxes, truth)
    for number in range(len(boxes)):
        candidates = np.where(free, overlaps[number], -1.0)
        if len(truth) and candidates.max() >= iou_min:
            free[candidates.argmax()] = False
            result[number] = 1
        elif len(ignored) and iou_pairs(boxes[number : number + 1], ignored).max() >= iou_min:
            result[number] = -1
    return result


def average_precision(scores: Array, found: NDArray[np.bool_], n_truth: int) -> float:
    """Return the area under the precision-recall curve with precision made monotone; NaN without truth.

    Args:
        scores: (n,) of all images together, any order.
        found: (n,) whether each is a match.
        n_truth: how many objects there are.
    """
    if n_truth == 0:
        return float("nan")
    hits = np.cumsum(found[np.argsort(-scores, kind="stable")])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = hits / n_truth
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def best_threshold(scores: Array, found: NDArray[np.bool_], n_truth: int) -> tuple[float, float]:
    """Return the threshold with the best F1 = 2 TP / (detections + truth), and that F1.

    The threshold lies halfway between the last score that is kept and the first that is not.
    """
    if not len(scores) or n_truth == 0:
        return 0.5, 0.0
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    f1 = 2 * np.cumsum(found[order]) / (np.arange(1, len(order) + 1) + n_truth)
    # Equal scores are kept or left together.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0
    best = int(np.argmax(f1))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2), float(f1[best])


def detection_scores(
    found: Sequence[tuple[Array, Array, NDArray[np.int64]]],
    truth: Sequence[tuple[Array, NDArray[np.int64], NDArray[np.bool_]]],
    n_classes: int,
) -> Validation:
    """Return mAP50, F1 and its threshold over a list of images.

    Args:
        found: for each image boxes (n, 4), scores (n,), classes (n,), best first.
        truth: for each image boxes (m, 4), classes (m,), ignored (m,).
        n_classes: classes without any truth are left out of the mean.
    """
    precisions, all_scores, all_hits, total = [], [], [], 0
    for label in range(n_classes):
        scores, hits, n_truth = _one_class(found, truth, label)
        precisions.append(average_precision(scores, hits, n_truth))
        all_scores.append(scores)
        all_hits.append(hits)
        total += n_truth
    threshold, f1 = best_threshold(np.concatenate(all_scores), np.concatenate(all_hits), total)
    known = [value for value in precisions if not np.isnan(value)]
    return Validation({"map50": float(np.mean(known)) if known else 0.0, "f1": f1}, threshold)


def _one_class(
    found: Sequence[tuple[Array, Array, NDArray[np.int64]]],
    truth: Sequence[tuple[Array, NDArray[np.int64], NDArray[np.bool_]]],
    label: int,
) -> tuple[Array, NDArray[np.bool_], int]:
    scores, hits, n_truth = [np.zeros(0)], [np.zeros(0, bool)], 0
    for (boxes, box_scores, classes), (true_boxes, true_classes, ignored) in zip(found, truth, strict=True):
        mine, wanted = classes == label, (true_classes == label) & ~ignored
        outcome = match(boxes[mine], true_boxes[wanted], true_boxes[ignored])
        scores.append(box_scores[mine][outcome >= 0])
        hits.append(outcome[outcome >= 0] == 1)
        n_truth += int(wanted.sum())
    return np.concatenate(scores), np.concatenate(hits), n_truth
