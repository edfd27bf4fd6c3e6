"""Whether a model that is 80 % sure is right in 80 % of the cases."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """The reliability diagram: what was said and what was true, by confidence.

    Attributes:
        weight: (B,) objects in each of B bins of equal width over (0, 1].
        confidence: (B,) their mean confidence, 0 in an empty bin.
        accuracy: (B,) how many of them were right, 0 in an empty bin.
    """

    weight: Array
    confidence: Array
    accuracy: Array

    @property
    def ece(self) -> float | None:
        """The expected calibration error: sum_b n_b / n |accuracy_b - confidence_b|; None without objects.

        Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3.
        """
        total = self.weight.sum()
        if not total:
            return None
        return float((self.weight * np.abs(self.accuracy - self.confidence)).sum() / total)

    def as_dict(self) -> dict[str, list[float]]:
        """Return plain data."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}


def reliability(
    confidence: Array, right: NDArray[np.bool_], weights: Array | None = None, bins: int = BINS
) -> Reliability:
    """Sort objects into bins of equal width by confidence; bin b holds (b / B, (b + 1) / B].

    Args:
        confidence: (n,) the probability of the class that was said.
        right: (n,) bool, whether it was the true one.
        weights: (n,) how often each object counts; once by default.
        bins: B.
    """
    places = bin_of(confidence, bins)
    counted = np.ones(len(confidence)) if weights is None else weights
    weight = np.bincount(places, counted, bins).astype(float)
    sums = (np.bincount(places, counted * values, bins) for values in (confidence, right))
    said, true = (values / np.maximum(weight, 1e-12) for values in sums)
    return Reliability(weight, said, true)


def bin_of(confidence: Array, bins: int = BINS) -> NDArray[np.int64]:
    """Return the (n,) bin numbers; a confidence on an edge belongs below it."""
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return np.searchsorted(edges, confidence, side="left").astype(np.int64)
