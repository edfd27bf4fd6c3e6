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
Numbers = NDArray[np.int64]
FOLDS = 5
_LEAST = 1e-9


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


def domain_test(source: Array, target: Array, groups: Numbers, seed: int) -> DomainTest:
    """Tell target from source by a cross-validated logistic regression, as if both were equally large.

    Sources: the classifier two-sample test of Lopez-Paz and Oquab 2017, arXiv:1610.06545, section 3; the proxy
    A-distance of Ben-David et al. 2010, "A theory of learning from different domains", section 3; and 1 bit minus the
    balanced cross-entropy, which no classifier can push above the Jensen-Shannon divergence (Goodfellow et al. 2014,
    arXiv:1406.2661, theorem 1).

    Folds share training rows, so their tests depend on each other, and a normal law for the accuracy of all folds
    together would find differences between equal sets. The p-value is twice the mean over the folds' own, which is
    valid under any dependence (Vovk and Wang 2020, "Combining p-values via averaging", proposition 2).

    Args:
        source: (n, d) rows.
        target: (m, d) rows.
        groups: (n + m,) numbers, the source's first; rows of one number (one image) are never on both sides of a fold.
        seed: of the folds.
    """
    rows = np.concatenate([source, target])
    labels = np.repeat([0, 1], [len(source), len(target)])
    said, p_values = np.full(len(rows), 0.5), []
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(rows, labels, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
        said[test] = model.fit(rows[train], labels[train]).predict_proba(rows[test])[:, 1]
        p_values.append(_p_value(said[test], labels[test]))
    accuracy = _balanced_accuracy(said, labels)
    p_value = min(1.0, 2 * float(np.mean(p_values)))
    return DomainTest(accuracy, p_value, proxy_a_distance(1 - accuracy), _js_bound_bits(said, labels))


def _balanced_accuracy(said: Array, labels: Numbers) -> float:
    return float(((said[labels == 0] < 0.5).mean() + (said[labels == 1] >= 0.5).mean()) / 2)


def _p_value(said: Array, labels: Numbers) -> float:
    """Return the p-value of one fold's balanced accuracy, whose variance is at most (1 / n + 1 / m) / 16 by chance."""
    m = int(labels.sum())
    n = len(labels) - m
    if not n or not m:
        return 1.0
    chance = NormalDist(0.5, float(np.sqrt((1 / n + 1 / m) / 16)))
    return 1 - chance.cdf(_balanced_accuracy(said, labels))


def _js_bound_bits(said: Array, labels: Numbers) -> float:
    right = np.log2(np.maximum(np.where(labels == 1, said, 1 - said), _LEAST))
    return float(np.clip(1 + (right[labels == 0].mean() + right[labels == 1].mean()) / 2, 0, 1))


def proxy_a_distance(error: float) -> float:
    """Return 2 (1 - 2 error), clipped to [0, 2]."""
    return float(np.clip(2 * (1 - 2 * error), 0, 2))
