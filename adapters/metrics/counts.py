"""Precision, recall and F1 from counts; for one class, over all objects (micro) and as a mean over classes (macro).

A class without objects is undefined, so its figures are None and the means leave it out. A class with objects that is
never said has precision 0. Both as scikit-learn has it with `labels=np.unique(true), zero_division=0`.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.metrics.bootstrap import Figures

Counts = NDArray[np.int64] | NDArray[np.float64]


def class_figures(right: Counts, said: Counts, true: Counts) -> Figures:
    """Return precision/K, recall/K and f1/K of class number K, and their means macro_precision ...

    Args:
        right: (C,) objects of each class that were said to be of it.
        said: (C,) how often it was said.
        true: (C,) its objects.
    """
    ratios = {"precision": right / np.maximum(said, 1), "recall": right / np.maximum(true, 1)}
    ratios["f1"] = 2 * right / np.maximum(said + true, 1)
    figures: Figures = {}
    for name, values in ratios.items():
        known = [float(v) if n > 0 else None for v, n in zip(values, true, strict=True)]
        figures[f"macro_{name}"] = mean_of(known)
        figures |= {f"{name}/{k}": value for k, value in enumerate(known)}
    return figures


def total_figures(right: float, said: float, true: float) -> Figures:
    """Return precision, recall and f1 over all objects; None without objects."""
    if not true:
        return dict.fromkeys(("precision", "recall", "f1"))
    return {"precision": right / max(said, 1.0), "recall": right / true, "f1": 2 * right / (said + true)}


def mean_of(values: Iterable[float | None]) -> float | None:
    """Return the mean of the defined values, None where there are none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def named(figures: Figures, classes: tuple[str, ...]) -> Figures:
    """Return the figures with class names in the place of numbers: "f1/2" becomes "f1/three"."""
    renamed = ((key.partition("/"), value) for key, value in figures.items())
    return {f"{kind}/{classes[int(number)]}" if slash else kind: v for (kind, slash, number), v in renamed}
