"""Scores of a classifier from its probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.metrics.bootstrap import Figures, Picked
from simgen.adapters.metrics.calibration import reliability
from simgen.adapters.metrics.counts import class_figures, mean_of, named
from simgen.adapters.metrics.ranking import Ranking

Array = NDArray[np.float64]


class ClassScores:
    """Everything about a classified set that does not change when its images are resampled.

    Args:
        true: (n,) class numbers of all objects.
        probabilities: (n, C), rows that sum to 1.
        images: (n,) the number of the image that each object is in.
        classes: the C class names.
    """

    def __init__(
        self, true: NDArray[np.int64], probabilities: Array, images: NDArray[np.int64], classes: Sequence[str]
    ) -> None:
        self._true, self._images, self._classes = true, images, tuple(classes)
        self._said = probabilities.argmax(1)
        self._confidence = probabilities.max(1, initial=0.0)
        self._rankings = [Ranking(true == k, probabilities[:, k]) for k in range(len(classes))]

    def summary(self, images: Picked | None = None) -> Figures:
        """Return the figures of the images with the given numbers (repetition counts), of all for None.

        accuracy; precision, recall, f1, the means over classes (macro); micro_precision, micro_recall and micro_f1,
        which are equal to the accuracy, for each object is said to be of one class; roc_auc (mean of each class
        against the rest); pr_auc (mean of average precisions); ece; and precision/CLASS, recall/CLASS, f1/CLASS,
        roc_auc/CLASS and pr_auc/CLASS. None where one is undefined: a class without objects, a set of one class.
        """
        weights = self._weights(images)
        total = float(weights.sum())
        right = float(weights[self._true == self._said].sum())
        accuracy = right / total if total else None
        figures: Figures = {"accuracy": accuracy}
        for name, value in self._counted(weights).items():
            figures[name.removeprefix("macro_")] = value
        figures |= dict.fromkeys(("micro_precision", "micro_recall", "micro_f1"), accuracy)
        return named({**figures, **self._ranked(weights), "ece": self._ece(weights)}, self._classes)

    def _weights(self, images: Picked | None) -> Array:
        """Return how often each object counts."""
        if images is None:
            return np.ones(len(self._true))
        return np.bincount(images, minlength=self._images.max(initial=-1) + 1)[self._images].astype(float)

    def _counted(self, weights: Array) -> Figures:
        n = len(self._classes)
        hits = np.where(self._true == self._said, weights, 0.0)
        right = np.bincount(self._true, hits, n)
        return class_figures(right, np.bincount(self._said, weights, n), np.bincount(self._true, weights, n))

    def _ranked(self, weights: Array) -> Figures:
        areas = [ranking.roc_auc(weights) for ranking in self._rankings]
        precisions = [ranking.average_precision(weights) for ranking in self._rankings]
        figures: Figures = {"roc_auc": mean_of(areas), "pr_auc": mean_of(precisions)}
        figures |= {f"roc_auc/{k}": value for k, value in enumerate(areas)}
        return {**figures, **{f"pr_auc/{k}": value for k, value in enumerate(precisions)}}

    def _ece(self, weights: Array) -> float | None:
        return reliability(self._confidence, self._true == self._said, weights).ece


def confusion_table(true: NDArray[np.int64], said: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return (C, C) counts of (n,) labels: rows are the truth, columns what was said."""
    cells = np.bincount(true * n_classes + said, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64)
