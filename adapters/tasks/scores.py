"""Average precision and the best threshold, for validation while training. Pure functions on arrays.

The scores on real photographs (adapters/evaluate.py) come from pycocotools; this is the same measure at one overlap
(IoU 0.5, the area under the whole precision-recall curve), quick enough to run between steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.predict import Detections

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord

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


@dataclass(frozen=True, eq=False)
class Judged:
    """One image: what was found, what is there, and how they cover each other.

    Attributes:
        scores: (n,) of what was found, best first.
        said: (n,) its classes.
        true: (m,) the classes of the objects.
        ignored: (m,) which of them count neither as found nor as missed.
        overlaps: (n, m) intersection over union.
    """

    scores: Array
    said: NDArray[np.int64]
    true: NDArray[np.int64]
    ignored: NDArray[np.bool_]
    overlaps: Array


def judged(
    found: Detections, record: "ImageRecord", overlaps: Array, labels: Mapping[str, int], min_visible: float
) -> Judged:
    """Return one image's detections beside its objects.

    Args:
        found: the detections.
        record: whose annotations are the truth.
        overlaps: (n, m) of the two.
        labels: class numbers by name.
        min_visible: objects less visible than this are ignored, as are those that are marked so.
    """
    true = np.array([labels[a.class_name] for a in record.annotations], np.int64)
    ignored = np.array([a.ignore or a.visible_fraction < min_visible for a in record.annotations], bool)
    return Judged(found.scores, found.classes, true, ignored, overlaps)


def match(overlaps: Array, ignored: Array, iou_min: float = 0.5) -> NDArray[np.int8]:
    """Match what was found of one class in one image to its truth, greedily from the best score down.

    Args:
        overlaps: (n, m) with the truth, best score first.
        ignored: (n, k) with places that count neither as found nor as missed.
        iou_min: least overlap of a match.

    Returns:
        (n,): 1 = found, 0 = false alarm, -1 = does not count.
    """
    result = np.zeros(len(overlaps), np.int8)
    free = np.ones(overlaps.shape[1], bool)
    for number, row in enumerate(overlaps):
        candidates = np.where(free, row, -1.0)
        if candidates.max(initial=-1.0) >= iou_min:
            free[candidates.argmax()] = False
            result[number] = 1
        elif ignored[number].max(initial=0.0) >= iou_min:
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


def detection_scores(images: Sequence[Judged], n_classes: int) -> Validation:
    """Return mAP50, F1 and its threshold over a list of images; a class without any truth is left out of the mean."""
    precisions, all_scores, all_hits, total = [], [], [], 0
    for label in range(n_classes):
        scores, hits, n_truth = _one_class(images, label)
        precisions.append(average_precision(scores, hits, n_truth))
        all_scores.append(scores)
        all_hits.append(hits)
        total += n_truth
    threshold, f1 = best_threshold(np.concatenate(all_scores), np.concatenate(all_hits), total)
    known = [value for value in precisions if not np.isnan(value)]
    return Validation({"map50": float(np.mean(known)) if known else 0.0, "f1": f1}, threshold)


def _one_class(images: Sequence[Judged], label: int) -> tuple[Array, NDArray[np.bool_], int]:
    scores, hits, n_truth = [np.zeros(0)], [np.zeros(0, bool)], 0
    for image in images:
        mine, wanted = image.said == label, (image.true == label) & ~image.ignored
        outcome = match(image.overlaps[mine][:, wanted], image.overlaps[mine][:, image.ignored])
        scores.append(image.scores[mine][outcome >= 0])
        hits.append(outcome[outcome >= 0] == 1)
        n_truth += int(wanted.sum())
    return np.concatenate(scores), np.concatenate(hits), n_truth
