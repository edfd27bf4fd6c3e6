"""How one method does beside another on the same images.

Both are scored on the same resampled sets, so that what makes a set hard or easy cancels out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SMALLEST_GAP = 1e-9


@dataclass(frozen=True, eq=False)
class Sampled:
    """One figure of one method: of the whole set, and of resampled sets; NaN where it is undefined.

    Attributes:
        value: of the whole set.
        draws: (B,) of the resampled ones.
    """

    value: float
    draws: Array

    def __neg__(self) -> "Sampled":
        return Sampled(-self.value, -self.draws)


@dataclass(frozen=True)
class Difference:
    """A difference with its 95 % interval and its two-sided p-value; None where they are undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Gap:
    """The share of a gap that was closed, with its 95 % interval.

    Attributes:
        value: 0 = no better than the source-only model, 1 = as good as the oracle; None where the oracle is no better
            than source-only.
        low: 2.5th percentile; None where the interval has no bound.
        high: 97.5th percentile.
        without_gap: the share of resampled sets in which the oracle is no better than source-only.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    without_gap: float = 0.0


@dataclass(frozen=True)
class McNemar:
    """Where two classifiers differ.

    Attributes:
        ours: objects that only the one is right about.
        theirs: objects that only the other is right about.
        p_value: of the hypothesis that both are equally likely.
    """

    ours: int
    theirs: int
    p_value: float


def difference(ours: Sampled, theirs: Sampled) -> Difference:
    """Return how much more our figure is than theirs.

    The p-value inverts the interval: it is below 0.05 where the 95 % interval does not hold 0, and never below
    2 / (B + 1). Resampled sets in which one of the figures is undefined are left out.

    Args:
        ours: of B resampled sets.
        theirs: of the same ones.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 13 and 15; the 1 that is added
    to both counts: Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 4.2.
    """
    value = ours.value - theirs.value
    drawn = ours.draws - theirs.draws
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Difference(float(value) if np.isfinite(value) else None)
    low, high = np.percentile(drawn, [2.5, 97.5])
    tails = 1 + min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return Difference(float(value), float(low), float(high), min(1.0, 2 * tails / (len(drawn) + 1)))


def gap_closed(adapted: Sampled, source_only: Sampled, oracle: Sampled) -> Gap:
    """Return (adapted - source_only) / (oracle - source_only) of figures of which more is better.

    There is no interval where in more than 2.5 % of the resampled sets the oracle is no better than source-only: a
    ratio whose denominator may be 0 has no bounds (Fieller 1954).

    Args:
        adapted: of B resampled sets.
        source_only: of the same ones.
        oracle: of the same ones.
    """
    gap = oracle.value - source_only.value
    value = float((adapted.value - source_only.value) / gap) if gap > _SMALLEST_GAP else np.nan
    gaps = oracle.draws - source_only.draws
    there = gaps > _SMALLEST_GAP
    without = float(1 - there.mean()) if len(gaps) else 0.0
    if not np.isfinite(value):
        return Gap(None, without_gap=without)
    drawn = ((adapted.draws - source_only.draws)[there]) / gaps[there]
    drawn = drawn[np.isfinite(drawn)]
    if without > 0.025 or not len(drawn):
        return Gap(value, without_gap=without)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Gap(value, float(low), float(high), without)


def mcnemar(ours_right: NDArray[np.bool_], theirs_right: NDArray[np.bool_]) -> McNemar:
    """Return McNemar's exact test on objects that two classifiers are right or wrong about.

    It takes objects as independent; where an image holds many of them, `difference` is the safer one.

    Args:
        ours_right: (n,) bool.
        theirs_right: (n,) bool of the same objects.

    Source: McNemar 1947; the two tails of a binomial distribution with p = 1/2 are equal, so the exact p-value is twice
    the smaller one.
    """
    ours, theirs = int((ours_right & ~theirs_right).sum()), int((~ours_right & theirs_right).sum())
    return McNemar(ours, theirs, min(1.0, 2 * _binomial_tail(min(ours, theirs), ours + theirs)))


def _binomial_tail(k: int, n: int) -> float:
    """Return P(X <= k) of n fair coins, exactly."""
    ways = total = 1
    for i in range(k):
        ways = ways * (n - i) // (i + 1)
        total += ways
    return total / (1 << n)
