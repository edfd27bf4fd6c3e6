"""ROC-AUC and average precision of scores that rank objects: sorted once, so that a resampled set costs two sums."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Ranking:
    """One class against the rest.

    Args:
        positive: (n,) bool, whether an object is of the class.
        scores: (n,) how much it is said to be.
    """

    def __init__(self, positive: NDArray[np.bool_], scores: Array) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._positive = positive[self._order]
        # Objects with equal scores are accepted together: only the last of each group is a threshold.
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)

    def _accepted(self, weights: Array | None) -> tuple[Array, Array]:
        """Return the weights of accepted positives and negatives at each threshold, from the highest down."""
        ranked = np.ones(len(self._order)) if weights is None else weights[self._order]
        hits = np.cumsum(np.where(self._positive, ranked, 0.0))[self._ends]
        alarms = np.cumsum(np.where(self._positive, 0.0, ranked))[self._ends]
        return hits, alarms

    def roc_auc(self, weights: Array | None = None) -> float | None:
        """Return the area under the ROC curve, ties counting half; None without positives or without negatives.

        Args:
            weights: (n,) how often each object counts; once by default.

        Source: Fawcett 2006, "An introduction to ROC analysis", algorithm 2 (trapezoids).
        """
        hits, alarms = self._accepted(weights)
        if not len(hits) or not hits[-1] or not alarms[-1]:
            return None
        heights = np.concatenate([[0.0], hits]) / hits[-1]
        steps = np.diff(alarms, prepend=0.0) / alarms[-1]
        return float(((heights[1:] + heights[:-1]) / 2 * steps).sum())

    def average_precision(self, weights: Array | None = None) -> float | None:
        """Return sum (R_k - R_(k-1)) P_k over the thresholds, scikit-learn's area under the precision-recall curve.

        None without positives; `weights` as for `roc_auc`.
        """
        hits, alarms = self._accepted(weights)
        if not len(hits) or not hits[-1]:
            return None
        gained = np.diff(hits, prepend=0.0) / hits[-1]
        return float((gained * hits / np.maximum(hits + alarms, 1e-12)).sum())
