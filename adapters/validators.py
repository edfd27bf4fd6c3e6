"""Scores of models that need no label of the target: to choose between checkpoints or methods. Pure functions.

Every score is the higher the better. What is recommended is `guarded` information maximisation; the others are for
study: on 48 checkpoints of one benchmark, the rank correlation (Spearman) with the accuracy on the target was +0.60 for
information maximisation, +0.58 for entropy, +0.47 for the accuracy on held-out source, -0.28 for the A-distance and
-0.44 for soft neighbourhood density. Target labels have no place in any of the signatures.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_REVERSE_C = 0.1
"""Of the reverse classifier: at scikit-learn's 1, a few wrong labels far from all others (5 % of 899 digits) bend it so
much that its accuracy on the source falls from 0.96 to 0.77; at 0.1 it is 0.97 and 0.93."""


def entropy(target: Array) -> float:
    """Return minus the mean entropy of predictions, in nats: 0 where all are certain, -log C where none is.

    Morerio et al. 2018 (arXiv:1711.10288). A model that calls everything one class has the best score.

    Args:
        target: (n, C) class probabilities of target objects.
    """
    return -float(_entropy(target).mean())


def information_maximisation(target: Array) -> float:
    """Return H(mean p) - mean H(p), in nats, in [0, log C]: certain about each object, and using all classes.

    The mutual information between object and prediction: Bridle et al. 1991, Musgrave et al. 2022 (arXiv:2208.07360).

    Args:
        target: (n, C) class probabilities of target objects.
    """
    return float(_entropy(target.mean(axis=0)) - _entropy(target).mean())


def soft_neighbourhood_density(target: Array, temperature: float = 0.05) -> float:
    """Return the mean entropy of the softmax over cosine similarities between objects: Saito et al. 2021, eq. 1-3.

    arXiv:2108.10860. High where every object has many close neighbours.

    Args:
        target: (n, C) class probabilities of target objects, n >= 2.
        temperature: of the softmax.
    """
    unit = target / np.linalg.norm(target, axis=1, keepdims=True).clip(1e-12)
    similarity = unit @ unit.T / temperature
    np.fill_diagonal(similarity, -np.inf)
    shares = np.exp(similarity - similarity.max(axis=1, keepdims=True))
    return float(_entropy(shares / shares.sum(axis=1, keepdims=True)).mean())


def deep_embedded_validation(losses: Array, weights: Array) -> float:
    """Return minus the target risk estimated from the source: You et al. 2019 (ICML), algorithm 1.

    The importance-weighted risk mean(w l), with w - 1, whose mean is 0, as control variate:
    mean(w l) + eta mean(w) - eta, eta = -Cov(w l, w) / Var(w).

    Args:
        losses: (n,) of held-out source objects.
        weights: (n,) densities of the target over that of the source, of `density_ratio`.
    """
    weighted = losses * weights
    variance = float(np.var(weights, ddof=1))
    eta = -float(np.cov(weighted, weights, ddof=1)[0, 1]) / variance if variance > 0 else 0.0
    return -float(weighted.mean() + eta * weights.mean() - eta)


def density_ratio(train: tuple[Array, Array], held_out: Array) -> Array:
    """Return (n,) p_target / p_source of source vectors, by a logistic regression between the domains.

    w(x) = (N_s / N_t) P(target | x) / P(source | x) (You et al. 2019, eq. 4).

    Args:
        train: vectors (N_s, F) of the source and (N_t, F) of the target.
        held_out: (n, F) of the source.
    """
    model = _domain_model(*train)
    odds = np.exp(np.clip(model.decision_function(held_out), -30, 30))
    return np.asarray(odds * len(train[0]) / len(train[1]), np.float64)


def a_distance(source: Array, target: Array) -> float:
    """Return minus the proxy A-distance 2 (1 - 2 e), e the cross-validated error of a linear domain classifier.

    Ben-David et al. 2007; e is held to [0, 1/2], so that the score lies in [-2, 0].

    Args:
        source: (n, F) vectors, n >= 5.
        target: (m, F), m >= 5.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    vectors, domains = _joined(source, target)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    right = cross_val_score(_pipeline(), vectors, domains, cv=folds, scoring="balanced_accuracy")
    return -2 * (1 - 2 * float(np.clip(1 - right.mean(), 0, 0.5)))


def source_accuracy(probabilities: Array, labels: Labels) -> float:
    """Return the share of held-out source objects whose likeliest class is theirs.

    Args:
        probabilities: (n, C) of source objects.
        labels: (n,) of source objects.
    """
    return float((probabilities.argmax(axis=1) == labels).mean())


def reverse_validation(target: Array, said: Labels, held_out: Array, labels: Labels) -> float:
    """Return the accuracy on held-out source of a classifier that learnt from a candidate's labelling of the target.

    Zhong et al. 2010 (ECML, "Cross validation framework to choose amongst models and datasets for transfer learning",
    reverse validation), used for DANN by Ganin et al. 2016 (arXiv:1505.07818, sec. 5.1.1). They train a whole network
    in reverse; here it is a logistic regression on vectors that are the same for all candidates. It asks whether the
    labelling leads back to the source's labels, not whether the candidate itself still knows the source. A labelling
    that is linear in these vectors has a little advantage, such as that of the model they are taken from.

    Args:
        target: (n, F) vectors of target objects.
        said: (n,) the classes that the candidate calls them.
        held_out: (m, F) vectors of held-out source objects.
        labels: (m,) the classes of those; no class of the target.
    """
    if len(np.unique(said)) < 2:
        return float((labels == said[0]).mean())
    found = _pipeline(_REVERSE_C).fit(target, said).predict(held_out)
    return float((found == labels).mean())


def guarded(scores: Array, source: Array, slack: float = 0.02) -> int:
    """Return the index of the best score among the candidates that still do well on held-out source.

    Alone, a score without labels rewards a model that is certain of nonsense.

    Args:
        scores: (k,) of the candidates; NaN never wins.
        source: (k,) their accuracies on held-out source; for candidates that may forget the source, those of
            `reverse_validation`.
        slack: how much less than the best of those is still well.
    """
    well = (source >= np.nanmax(source) - slack) & ~np.isnan(scores)
    if not well.any():
        return int(np.nanargmax(source))
    return int(np.argmax(np.where(well, scores, -np.inf)))


def _entropy(probabilities: Array) -> Array:
    """Return the entropy over the last axis, in nats; 0 log 0 is 0."""
    p = np.clip(probabilities, 1e-12, 1.0)
    return np.asarray(-(probabilities * np.log(p)).sum(axis=-1), np.float64)


def _joined(source: Array, target: Array) -> tuple[Array, Labels]:
    return np.concatenate([source, target]), np.repeat(np.array([0, 1]), [len(source), len(target)])


def _pipeline(inverse_penalty: float = 1.0) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=inverse_penalty, max_iter=1000))


def _domain_model(source: Array, target: Array) -> Any:
    vectors, domains = _joined(source, target)
    return _pipeline().fit(vectors, domains)
