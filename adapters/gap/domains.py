"""Telling the two sets apart with a linear classifier.

The two-sample test, the proxy A-distance and a bound on the Jensen-Shannon divergence all read one set of
cross-validated probabilities: no row is judged by a classifier that has seen it, or seen another row of its image.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Array = NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class DomainTest:
    """How well a classifier tells target from source.

    Attributes:
        accuracy: balanced over the two sets: 0.5 is guessing.
        p_value: of the hypothesis that both sets have one law.
        a_distance: 2 (1 - 2 error), clipped to 0 (same) to 2 (separable).
        js_bits: lower bound of the Jensen-Shannon divergence, 0 to 1 bit.
    """

    accuracy: float
    p_value: float
    a_distance: float
    js_bits: float


def target_probabilities(source: Array, target: Array, groups: NDArray[np.int64], seed: int) -> Array:
    """Return the cross-validated probability of every row to come from the target, as if both were equally large.

    Args:
        source: (n, d) rows.
        target: (m, d) rows.
        groups: (n + m,) numbers; rows of one number (one image) are never on both sides of a fold.
        seed: of the folds.

    Returns:
        (n + m,) float64, the source's rows first.
    """
    rows = np.concatenate([source, target])
    labels = np.repeat([0, 1], [len(source), len(target)])
    said = np.full(len(rows), 0.5)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(rows, labels, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
        said[test] = model.fit(rows[train], labels[train]).predict_proba(rows[test])[:, 1]
    return said


def domain_test(probabilities: Array, n_source: int) -> DomainTest:
    """Judge cross-validated probabilities (n + m,), the source's first.

    Sources: the classifier two-sample test of Lopez-Paz and Oquab 2017, arXiv:1610.06545, section 3, with the balanced
    accuracy, whose variance under equal laws is (1 / 4n + 1 / 4m) / 4; the proxy A-distance of Ben-David et al. 2010,
    "A theory of learning from different domains", section 3; and 1 bit minus the balanced cross-entropy, which no
    classifier can push above the Jensen-Shannon divergence (Goodfellow et al. 2014, arXiv:1406.2661, theorem 1).
    """
    source, target = probabilities[:n_source], probabilities[n_source:]
    accuracy = float(((source < 0.5).mean() + (target >= 0.5).mean()) / 2)
    deviation = np.sqrt((1 / len(source) + 1 / len(target)) / 16)
    p_value = 1 - NormalDist(0.5, float(deviation)).cdf(accuracy)
    tiny = 1e-9
    cross_entropy = -(np.log2(np.maximum(1 - source, tiny)).mean() + np.log2(np.maximum(target, tiny)).mean()) / 2
    return DomainTest(accuracy, p_value, proxy_a_distance(1 - accuracy), float(np.clip(1 - cross_entropy, 0, 1)))


def proxy_a_distance(error: float) -> float:
    """Return 2 (1 - 2 error), clipped to [0, 2]."""
    return float(np.clip(2 * (1 - 2 * error), 0, 2))
