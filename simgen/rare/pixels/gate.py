"""The gate: a generated crop enters only if its class is seen in it, it looks like the real ones, and it is no copy."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.errors import DataError
from simgen.rare.density import Levels
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.descriptor import Features, describe
from simgen.scene import STRICT

Floats = NDArray[np.float64]
Classifier = Callable[[NDArray[np.uint8]], Floats]
"""RGBA crops (N, S, S, 4) uint8 to (N, C) probabilities, in the order of the crops' classes. It must not have been
trained with the generator's crops."""
Reason = Literal["", "class", "unreal", "copy"]
CONFIDENCE = 0.95
"""The probability that a gate's classifier gives to the class of what a generator of crops made, if it is let in."""
REASONS: tuple[Reason, ...] = ("class", "unreal", "copy")


@config_dataclass(frozen=True, config=STRICT)
class GateRules:
    """What lets a crop in.

    Attributes:
        confidence: the probability that the classifier must give to the crop's class, beside finding it the likeliest.
            At 0.5 another classifier denied one dice label in fifteen of what was let in; as it is, one in two hundred.
        neighbours: k of the realism score, the distance to the k-th nearest real crop.
        realism: quantile of the real crops' own scores, each without itself, that a crop must not exceed.
        copies: quantile of the real crops' distances to their nearest other one; what lies nearer to one is its copy.
    """

    confidence: Annotated[float, Field(ge=0, le=1)] = CONFIDENCE
    neighbours: Annotated[int, Field(ge=1)] = 5
    realism: Annotated[float, Field(gt=0, le=1)] = 0.99
    copies: Annotated[float, Field(ge=0, lt=1)] = 0.01


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one crop.

    Attributes:
        reason: why it is refused, "" where it is let in: the first of class, unreal, copy that holds.
        probability: that the classifier gives to its class.
        realism: its score over the largest allowed; above 1 it is unreal; 0 where that was not asked.
        nearest: the distance to the nearest real crop over the smallest allowed; below 1 it is a copy; infinite where
            that was not asked.
        likeliest: whether the classifier finds its class the likeliest; it may not be sure enough of it.
    """

    reason: Reason
    probability: float
    realism: float = 0.0
    nearest: float = math.inf
    likeliest: bool = True

    @property
    def accepted(self) -> bool:
        return not self.reason


class Judge(Protocol):
    """Says what is to be said of crops."""

    def judge(self, crops: Crops, /) -> tuple[Verdict, ...]:
        """Return a verdict for each crop, in their order."""
        ...


@dataclass(frozen=True, eq=False)
class ClassGate:
    """The first of the gate's questions alone: whether a classifier sees the class, and is sure enough of it.

    Attributes:
        classifier: held out.
        classes: of its columns.
        confidence: as in `GateRules`.
    """

    classifier: Classifier
    classes: tuple[str, ...]
    confidence: float = CONFIDENCE

    def judge(self, crops: Crops) -> tuple[Verdict, ...]:
        """Return a verdict for each crop, in their order.

        Raises:
            DataError: a classifier that does not answer with a probability for each class.
        """
        answers = np.asarray(self.classifier(crops.rgba), np.float64)
        if answers.shape != (len(crops), len(self.classes)) or not np.isfinite(answers).all():
            raise DataError(
                f"gate: expected {len(crops)} x {len(self.classes)} finite probabilities of the classifier, "
                f"got an array of the shape {answers.shape}"
            )
        columns = [self.classes.index(crops.classes[label]) for label in crops.labels.tolist()]
        return tuple(self._verdict(answer, column) for answer, column in zip(answers, columns, strict=True))

    def _verdict(self, answer: Floats, column: int) -> Verdict:
        probability = float(answer[column])
        likeliest = int(answer.argmax()) == column
        seen = likeliest and probability >= self.confidence
        return Verdict("" if seen else "class", probability, likeliest=likeliest)


class Gate:
    """Judges crops against the real ones that their generator learned from.

    Args:
        real: these crops.
        classifier: held out.
        features: the space of the distances.
        rules: the thresholds.

    Raises:
        DataError: fewer real crops than neighbours + 2.
    """

    def __init__(
        self, real: Crops, classifier: Classifier, features: Features = describe, rules: GateRules = GateRules()
    ) -> None:
        if len(real) < rules.neighbours + 2:
            raise DataError(
                f"gate: expected at least {rules.neighbours + 2} real crops to judge by, got {len(real)}; "
                "lower neighbours, or simulate instead"
            )
        self.rules, self._features = rules, features
        self._seen = ClassGate(classifier, real.classes, rules.confidence)
        rows = features(real.rgba)
        self.levels = Levels.of(rows, rows, rules.neighbours, rules.realism, rules.copies)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._seen.classes

    def judge(self, crops: Crops) -> tuple[Verdict, ...]:
        """Return a verdict for each crop, in their order.

        Raises:
            DataError: crops of other classes, or a classifier that does not answer with a probability for each class.
        """
        if crops.classes != self.classes:
            raise DataError(
                f"gate: expected crops of the classes {', '.join(self.classes)}, got {', '.join(crops.classes)}"
            )
        if not len(crops):
            return ()
        seen = self._seen.judge(crops)
        shares = self.levels.shares(self._features(crops.rgba))
        return tuple(
            _judged(verdict, float(realism), float(nearest))
            for verdict, realism, nearest in zip(seen, *shares, strict=True)
        )


def _judged(seen: Verdict, realism: float, nearest: float) -> Verdict:
    also: Reason = "unreal" if realism > 1 else "copy" if nearest < 1 else ""
    return replace(seen, reason=seen.reason or also, realism=realism, nearest=nearest)


def rejection_rates(verdicts: Sequence[Verdict], cells: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return, for each cell, how many crops were judged and the share of them that each reason refused.

    Args:
        verdicts: of N crops.
        cells: the N cells that they were made for.

    Returns:
        {cell: {"judged": N, "accepted": share, "class": share, "unreal": share, "copy": share}}, cells sorted.
    """
    found: dict[str, Counter[str]] = {}
    for verdict, cell in zip(verdicts, cells, strict=True):
        found.setdefault(cell, Counter())[verdict.reason] += 1
    rates: dict[str, dict[str, float]] = {}
    for cell in sorted(found):
        judged = found[cell].total()
        shares: dict[str, float] = {reason: found[cell][reason] / judged for reason in REASONS}
        rates[cell] = {"judged": float(judged), "accepted": found[cell][""] / judged, **shares}
    return rates
