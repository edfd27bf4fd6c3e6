"""Scores of semantic segmentation, from counts of pixels; average precision of instance masks is in `coco.py`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.metrics.bootstrap import Figures, Picked
from simgen.adapters.metrics.counts import mean_of, named
from simgen.adapters.metrics.detection import DetectionScores

IGNORED = 255
"""The label of pixels that do not count."""


def pixel_confusion(
    true: NDArray[np.integer], said: NDArray[np.integer], n_classes: int, ignored: int = IGNORED
) -> NDArray[np.int64]:
    """Return (C, C) counts of pixels: rows are the truth, columns what was said.

    Args:
        true: (H, W) class numbers, or `ignored`.
        said: (H, W) class numbers.
        n_classes: C.
        ignored: the label of pixels that do not count.
    """
    counts = true != ignored
    cells = true[counts].astype(np.int64) * n_classes + said[counts]
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes).astype(np.int64)


def iou_figures(confusion: NDArray[np.int64]) -> Figures:
    """Return miou, pixel_accuracy and iou/K of class number K = TP / (TP + FP + FN).

    A class that is neither there nor said is undefined, and the mean leaves it out.

    Source: Long et al. 2015, "Fully Convolutional Networks for Semantic Segmentation", section 5.
    """
    right = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - right
    known = [float(r / u) if u else None for r, u in zip(right, union, strict=True)]
    total = int(confusion.sum())
    accuracy = float(right.sum() / total) if total else None
    return {"miou": mean_of(known), "pixel_accuracy": accuracy, **{f"iou/{k}": v for k, v in enumerate(known)}}


class SegmentScores:
    """Figures of pixels and of objects of a set whose images are resampled.

    Args:
        pixels: (n, C + 1, C + 1) counts of each image's pixels, background last.
        objects: of the masks.
        classes: the class names.
    """

    def __init__(self, pixels: NDArray[np.int64], objects: DetectionScores, classes: Sequence[str]) -> None:
        self._pixels, self._objects, self._classes = pixels, objects, tuple(classes)

    def summary(self, images: Picked | None = None) -> Figures:
        """Return the figures of the images with the given numbers (repetition counts), of all for None.

        miou and pixel_accuracy count the background; iou_background is its own IoU.
        """
        figures = iou_figures((self._pixels if images is None else self._pixels[images]).sum(0))
        background = figures.pop(f"iou/{len(self._classes)}")
        return {**named(figures, self._classes), "iou_background": background, **self._objects.summary(images)}
