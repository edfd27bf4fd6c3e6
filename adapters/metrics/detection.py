"""What a score threshold makes of detections: which objects were found, as what, and which were missed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.metrics.bootstrap import Figures, Picked
from simgen.adapters.metrics.coco import CocoScores
from simgen.adapters.metrics.counts import class_figures, named, total_figures
from simgen.adapters.metrics.overlaps import iou_pairs
from simgen.adapters.predict import Detections
from simgen.formats.coco import ImageRecord

Array = NDArray[np.float64]
MATCH_IOU = 0.5


@dataclass(frozen=True, eq=False)
class Matches:
    """What a threshold makes of one image.

    Attributes:
        detections: for each kept detection its class and that of the object it was matched to, C for none.
        missed: the classes of the objects without a detection.
        kept: indices of the kept detections.
        missed_boxes: (k, 4).
        missed_numbers: which of the record's annotations they are.
    """

    detections: tuple[tuple[int, int], ...]
    missed: tuple[int, ...]
    kept: tuple[int, ...]
    missed_boxes: Array
    missed_numbers: tuple[int, ...]


class DetectionScores:
    """Average precision, and precision, recall and F1 at a threshold, of a set whose images are resampled.

    Args:
        coco: the average precision.
        matches: what the threshold made of each image.
        classes: the class names.
    """

    def __init__(self, coco: CocoScores, matches: Sequence[Matches], classes: Sequence[str]) -> None:
        self._coco, self._classes = coco, tuple(classes)
        self._tables = np.stack([confusion_of([m], len(classes)) for m in matches])

    def summary(self, images: Picked | None = None) -> Figures:
        """Return the figures of the images with the given numbers (repetition counts), of all for None."""
        table = (self._tables if images is None else self._tables[images]).sum(0)
        at_threshold = precision_recall_f1(table, len(self._classes))
        return {**self._coco.summary(images), **named(at_threshold, self._classes)}


def match_images(
    found: Sequence[Detections], records: Sequence[ImageRecord], classes: Sequence[str], threshold: float
) -> list[Matches]:
    """Match the detections above a threshold to objects of any class at IoU 0.5 of boxes, the best score first."""
    return [match_image(d, r, box_overlaps(d, r), classes, threshold) for d, r in zip(found, records, strict=True)]


def box_overlaps(found: Detections, record: ImageRecord) -> Array:
    """Return the (n, m) overlaps of the detections' boxes and those of the record's annotations."""
    return iou_pairs(found.boxes_xyxy, np.array([a.box_xyxy for a in record.annotations], float).reshape(-1, 4))


def match_image(
    found: Detections, record: ImageRecord, overlaps: Array, classes: Sequence[str], threshold: float
) -> Matches:
    """As `match_images`, of one image whose (n, m) overlaps of detections and annotations are given."""
    labels = [list(classes).index(a.class_name) for a in record.annotations]
    ignored = np.array([a.ignore for a in record.annotations], bool)
    free = ~ignored
    pairs, kept = [], []
    for number in np.flatnonzero(found.scores >= threshold):
        candidates = np.where(free, overlaps[number], -1.0)
        if candidates.max(initial=-1.0) >= MATCH_IOU:
            partner = int(candidates.argmax())
            free[partner] = False
            pairs.append((int(found.classes[number]), labels[partner]))
        elif overlaps[number][ignored].max(initial=0.0) >= MATCH_IOU:
            continue
        else:
            pairs.append((int(found.classes[number]), len(classes)))
        kept.append(int(number))
    left = [int(k) for k in np.flatnonzero(free)]
    boxes = np.array([record.annotations[k].box_xyxy for k in left], float).reshape(-1, 4)
    return Matches(tuple(pairs), tuple(labels[k] for k in left), tuple(kept), boxes, tuple(left))


def confusion_of(matches: Sequence[Matches], n_classes: int) -> NDArray[np.int64]:
    """Return (C + 1, C + 1) counts: rows are the truth, columns what was said, the last of each is background."""
    table = np.zeros((n_classes + 1, n_classes + 1), np.int64)
    for image in matches:
        for said, true in image.detections:
            table[true, said] += 1
        for true in image.missed:
            table[true, n_classes] += 1
    return table


def precision_recall_f1(confusion: NDArray[np.int64], n_classes: int) -> Figures:
    """Return precision, recall and f1 over all objects (micro), macro_precision ... over classes, and f1/K ... of each.

    A right place with a wrong class counts as a false alarm and as a miss.

    Args:
        confusion: (C + 1, C + 1) counts with background last.
        n_classes: C.
    """
    right = np.diag(confusion)[:n_classes]
    said, true = confusion[:, :n_classes].sum(0), confusion[:n_classes].sum(1)
    totals = total_figures(float(right.sum()), float(said.sum()), float(true.sum()))
    return {**totals, **class_figures(right, said, true)}
