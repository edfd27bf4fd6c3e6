"""What kind of shift lies between two sets: of the pictures, of the class frequencies, of what pictures mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.gap.concept import ConceptTest, conditional_disagreement
from simgen.adapters.gap.eye import Answers
from simgen.adapters.gap.observe import Observed
from simgen.adapters.gap.priors import Shares, bbse, calibrated_em, share_test, with_intervals
from simgen.rng import stream

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
REPEATS = 200
LEAST_OBJECTS = 20


@dataclass(frozen=True, eq=False)
class Priors:
    """Class frequencies in both sets.

    Attributes:
        classes: C names.
        source: (C,) labelled frequencies.
        target: (C,) labelled frequencies, None without labels.
        estimates: of the target without its labels, by method.
        variation: total variation distance of what was compared, 0 to 1.
        p_value: of that, by permuting pictures.
        compared: "labels", or "answers" of the model.
    """

    classes: tuple[str, ...]
    source: Array
    target: Array | None
    estimates: dict[str, Shares]
    variation: float
    p_value: float
    compared: str


@dataclass(frozen=True, eq=False)
class Shift:
    """Prior and concept shift (covariate shift is in the features' distances), each None where it cannot be known.

    Attributes:
        priors: needs labels in both sets, or labels in the source and a model.
        concept: needs labels in both sets and a model.
        notes: for each of them that is None, what it would need.
    """

    priors: Priors | None
    concept: ConceptTest | None
    notes: tuple[str, ...]


def kinds_of_shift(source: Observed, target: Observed, seed: int, classes: tuple[str, ...] | None) -> Shift:
    """Test for prior-probability and concept shift.

    Args:
        source: what the model was trained on, or like it.
        target: the other set.
        seed: of permutations and bootstrap.
        classes: the model's, in its order; None without a model.
    """
    priors = _priors(source, target, seed, classes)
    concept = _concept(source, target, seed, len(classes or ()))
    notes = []
    if priors is None:
        notes.append(
            "prior-probability shift: not known; it needs labels of the same classes in both sets, or labels in the "
            f"source, --model, and at least {LEAST_OBJECTS} objects on either side"
        )
    if concept is None:
        notes.append(
            "concept shift: not known; it needs --model, labels in both sets, and "
            f"at least {LEAST_OBJECTS} objects on either side"
        )
    return Shift(priors, concept, tuple(notes))


def _priors(source: Observed, target: Observed, seed: int, model: tuple[str, ...] | None) -> Priors | None:
    if not source.labelled:
        return None
    classes = model or tuple(name for name in source.data.classes if name in target.data.classes)
    known = _in_order(source, classes)
    labels = _in_order(target, classes) if target.labelled else None
    answers = _enough(source.answers, target.answers, len(classes))
    compared = _compared((known, labels), answers)
    if compared is None:
        return None
    variation, p_value = share_test(*compared, stream(seed, 0, "gap.priors"))
    return Priors(
        classes,
        known.sum(axis=0) / max(int(known.sum()), 1),
        None if labels is None else labels.sum(axis=0) / max(int(labels.sum()), 1),
        {} if answers is None else _estimates(answers, len(classes), seed),
        variation,
        p_value,
        "answers" if labels is None else "labels",
    )


def _compared(
    labels: tuple[Numbers, Numbers | None], answers: tuple[Answers, Answers] | None
) -> tuple[Numbers, Numbers] | None:
    """Return the (n, C) and (m, C) counts to test: of labels where both sets have them, else of the model's answers."""
    known, others = labels
    if others is not None:
        return (known, others) if min(known.sum(), others.sum()) >= LEAST_OBJECTS else None
    if answers is None:
        return None
    n_classes = known.shape[1]
    n_target = int(answers[1].image.max()) + 1  # pictures without an answer add nothing
    return answers[0].counts(len(known), n_classes), answers[1].counts(n_target, n_classes)


def _in_order(observed: Observed, classes: tuple[str, ...]) -> Numbers:
    """Return the (n, C) class counts with columns in another order; classes that the set does not have are 0."""
    names = observed.data.classes
    columns = [
        observed.class_counts[:, names.index(name)] if name in names else np.zeros(len(observed.data), np.int64)
        for name in classes
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(observed.data), 0), np.int64)


def _enough(source: Answers | None, target: Answers | None, n_classes: int) -> tuple[Answers, Answers] | None:
    """Return the answers if enough of them are about labelled source objects, and enough about target objects."""
    if source is None or target is None:
        return None
    few = min(int((source.true < n_classes).sum()), len(target.said)) < LEAST_OBJECTS
    return None if few else (source, target)


def _estimates(answers: tuple[Answers, Answers], n: int, seed: int) -> dict[str, Shares]:
    source, target = answers
    real = np.flatnonzero(source.true < n)  # a detector's false alarms have no class
    groups = (source.image[real], target.image)

    def by_bbse(rows: Numbers, others: Numbers) -> Array:
        return bbse(source.said[real][rows], source.true[real][rows], target.said[others], n)

    def by_em(rows: Numbers, others: Numbers) -> Array:
        return calibrated_em(source.probabilities[real][rows], source.true[real][rows], target.probabilities[others])

    methods = {"BBSE": by_bbse} | ({"EM": by_em} if source.probabilities.shape[1] else {})
    return {
        name: with_intervals(method, groups, stream(seed, 0, f"gap.{name}"), REPEATS)
        for name, method in methods.items()
    }


def _concept(source: Observed, target: Observed, seed: int, n_classes: int) -> ConceptTest | None:
    answers = _enough(source.answers, target.answers, n_classes)
    if answers is None or not (source.labelled and target.labelled):
        return None
    return conditional_disagreement(
        (answers[0].confidence, answers[1].confidence),
        (answers[0].wrong, answers[1].wrong),
        stream(seed, 0, "gap.concept"),
    )
