"""Average precision of boxes and masks; pycocotools is the engine."""

import contextlib
import copy
import io
from collections.abc import Sequence
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

Array = NDArray[np.float64]
Masks = Sequence[NDArray[np.bool_]]
"""For each image (n, H, W) bool, one mask for each detection."""


class CocoScores:
    """pycocotools' evaluation of a whole set, kept by image so that resampled sets cost only the accumulation.

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
        self._by_image = np.array(self._eval.evalImgs, object).reshape(len(classes), 1, self._n_images)

    def precision(self, images: Picked | None = None) -> Array:
        """Return precision (10 overlaps, 101 recalls, C), -1 without truth, of the images (with repetition)."""
        picked = np.arange(self._n_images) if images is None else images
        run = copy.copy(self._eval)
        params = copy.copy(self._eval.params)
        params.maxDets, params.imgIds = [100], list(range(len(picked)))
        run.params, run._paramsEval = params, params
        run.evalImgs = list(self._by_image[:, :, picked].ravel())
        with contextlib.redirect_stdout(io.StringIO()):
            run.accumulate()
        return np.asarray(run.eval["precision"][:, :, :, 0, 0], float)

    def summary(self, images: Picked | None = None) -> Figures:
        """Return map, map50, map75 and, for each class, ap50/CLASS and ap/CLASS."""
        precision = self.precision(images)
        result = {"map": _mean(precision), "map50": _mean(precision[0]), "map75": _mean(precision[5])}
        for number, name in enumerate(self._classes):
            result[f"ap/{name}"] = _mean(precision[:, :, number])
            result[f"ap50/{name}"] = _mean(precision[0, :, number])
        return result


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
                    **({"segmentation": _shape(shape, record)} if segmented else {}),
                }
            )
    return {
        "images": [{"id": i, "width": r.size_wh[0], "height": r.size_wh[1]} for i, r in enumerate(records)],
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes)],
        "info": {},
    }


def _shape(segmentation: Any, record: ImageRecord) -> Any:
    if segmentation is None:
        raise DataError(f'image "{record.path}": expected a mask of every object, got one without')
    return segmentation


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
