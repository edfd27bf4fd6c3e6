"""Average precision of boxes and masks; pycocotools is the engine."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from simgen.adapters.metrics.bootstrap import Figures, Picked
from simgen.adapters.predict import Detections
from simgen.errors import DataError
from simgen.formats.coco import ImageRecord
from simgen.formats.masks import encode
from simgen.samples import Annotation, Region

Array = NDArray[np.float64]
Masks = Sequence[Sequence[Region]]
"""For each image one mask for each detection."""


@dataclass(frozen=True, eq=False)
class _Ranked:
    """The detections of one class, best first.

    Attributes:
        hits: (10, D) bool, whether one found an object, at each overlap.
        alarms: (10, D) bool, whether it found none; neither where it does not count.
        images: (D,) image numbers.
        objects: (n_images,) how many objects there are to find.
    """

    hits: NDArray[np.bool_]
    alarms: NDArray[np.bool_]
    images: NDArray[np.int64]
    objects: Array


class CocoScores:
    """pycocotools' evaluation of a whole set, kept by image so that resampled sets cost only sums.

    Args:
        found: the detections of each image.
        records: the images.
        classes: the class names.
        masks: of the detections; where they are given, masks overlap and not boxes.

    Raises:
        DataError: masks are to be scored, and an object has none.
    """

    def __init__(
        self,
        found: Sequence[Detections],
        records: Sequence[ImageRecord],
        classes: Sequence[str],
        masks: Masks | None = None,
    ) -> None:
        self._n_images, self._classes = len(records), tuple(classes)
        with contextlib.redirect_stdout(io.StringIO()):
            truth = _as_coco(_truth(records, classes, segmented=masks is not None))
            rows = _box_rows(found) if masks is None else _mask_rows(found, masks)
            results = truth.loadRes(rows) if len(rows) else _as_coco({**truth.dataset, "annotations": []})
            self._eval = COCOeval(truth, results, "bbox" if masks is None else "segm")
            params = self._eval.params
            params.areaRng, params.areaRngLbl = params.areaRng[:1], params.areaRngLbl[:1]
            self._eval.evaluate()
        by_image = np.array(self._eval.evalImgs, object).reshape(len(classes), self._n_images)
        self._ranked = [_ranked(row) for row in by_image]

    def precision(self, images: Picked | None = None) -> Array:
        """Return precision (10 overlaps, 101 recalls, C), -1 without truth, of the images (with repetition)."""
        counts = None if images is None else np.bincount(images, minlength=self._n_images)
        weights = np.ones(self._n_images) if counts is None else counts.astype(float)
        recalls = self._eval.params.recThrs
        return np.stack([_precision(ranked, weights, recalls) for ranked in self._ranked], axis=-1)

    def summary(self, images: Picked | None = None) -> Figures:
        """Return map, map50, map75 and, for each class, ap50/CLASS and ap/CLASS."""
        precision = self.precision(images)
        result = {"map": _mean(precision), "map50": _mean(precision[0]), "map75": _mean(precision[5])}
        for number, name in enumerate(self._classes):
            result[f"ap/{name}"] = _mean(precision[:, :, number])
            result[f"ap50/{name}"] = _mean(precision[0, :, number])
        return result


def _ranked(by_image: NDArray[np.object_]) -> _Ranked:
    """Sort what pycocotools made of each image (None: neither detections nor objects of this class)."""
    there = [(number, found) for number, found in enumerate(by_image) if found is not None]
    objects = np.zeros(len(by_image))
    for number, found in there:
        objects[number] = np.count_nonzero(np.asarray(found["gtIgnore"]) == 0)
    overlaps = np.zeros((10, 0), bool)
    matched = np.concatenate([overlaps, *(f["dtMatches"] > 0 for _, f in there)], axis=1)
    counts = ~np.concatenate([overlaps, *(np.asarray(f["dtIgnore"], bool) for _, f in there)], axis=1)
    order = np.argsort(-np.concatenate([np.zeros(0), *(f["dtScores"] for _, f in there)]), kind="stable")
    images = np.repeat([number for number, _ in there], [len(f["dtScores"]) for _, f in there]).astype(np.int64)
    return _Ranked((matched & counts)[:, order], (~matched & counts)[:, order], images[order], objects)


def _precision(ranked: _Ranked, weights: Array, recalls: Array) -> Array:
    """Return the (10, 101) precision of one class: COCOeval.accumulate, where an image may count several times.

    The copies of a detection have one score; only the last of them is a point of the curve. That changes nothing, for
    a found object's copies raise precision and recall together, and precision is made monotone.
    """
    n_objects = float(ranked.objects @ weights)
    if not n_objects:
        return np.full((len(ranked.hits), len(recalls)), -1.0)
    counted = weights[ranked.images]
    hits, alarms = np.cumsum(ranked.hits * counted, axis=1), np.cumsum(ranked.alarms * counted, axis=1)
    precision = hits / (hits + alarms + np.spacing(1))
    highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    highest = np.pad(highest, ((0, 0), (0, 1)))  # a recall that is never reached has precision 0
    rows = zip(highest, hits / n_objects, strict=True)
    return np.stack([row[np.searchsorted(recall, recalls, side="left")] for row, recall in rows])


def _mean(precision: Array) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _as_coco(dataset: dict[str, Any]) -> Any:
    coco = COCO()
    coco.dataset = dataset
    coco.createIndex()
    return coco


def _truth(records: Sequence[ImageRecord], classes: Sequence[str], *, segmented: bool) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for number, record in enumerate(records):
        shapes = record.masks if segmented else (None,) * len(record.annotations)
        for a, shape in zip(record.annotations, shapes, strict=True):
            (x, y), (width, height) = a.box_xyxy[:2], a.size_wh
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": list(classes).index(a.class_name),
                    "bbox": [float(x), float(y), width, height],
                    "area": width * height,
                    "iscrowd": int(a.ignore),
                    **({"segmentation": _shape(shape, a, record)} if segmented else {}),
                }
            )
    return {
        "images": [{"id": i, "width": r.size_wh[0], "height": r.size_wh[1]} for i, r in enumerate(records)],
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes)],
        "info": {},
    }


def _shape(segmentation: Any, annotation: Annotation, record: ImageRecord) -> Any:
    if segmentation is not None:
        return segmentation
    if not annotation.ignore:
        raise DataError(f'image "{record.path}": expected a mask of every object, got one without')
    x1, y1, x2, y2 = (float(v) for v in annotation.box_xyxy)
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


def _box_rows(found: Sequence[Detections]) -> Array:
    rows = []
    for number, d in enumerate(found):
        xywh = np.concatenate([d.boxes_xyxy[:, :2], d.boxes_xyxy[:, 2:] - d.boxes_xyxy[:, :2]], 1)
        image = np.full((len(xywh), 1), number, float)
        rows.append(np.concatenate([image, xywh, d.scores[:, None], d.classes[:, None].astype(float)], 1))
    return np.concatenate(rows) if rows else np.zeros((0, 7))


def _mask_rows(found: Sequence[Detections], masks: Masks) -> list[dict[str, Any]]:
    rows = []
    for number, (d, drawn) in enumerate(zip(found, masks, strict=True)):
        for score, label, mask in zip(d.scores, d.classes, drawn, strict=True):
            row = {"image_id": number, "category_id": int(label), "score": float(score)}
            rows.append({**row, "segmentation": encode(mask)})
    return rows
