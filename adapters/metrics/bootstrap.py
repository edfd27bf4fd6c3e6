"""Confidence intervals: percentile bootstraps over *images* (Efron 1979), for objects of one photograph go together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Figures = dict[str, float | None]
"""Figures by name, None where one is undefined."""

Picked = NDArray[np.int64]
"""(n,) numbers of images; one may stand there several times."""

Measure = Callable[[Picked | None], Figures]
"""Figures of the images with the given numbers, of all images for None."""


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval over resampled images; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


def resamples(n_images: int, repeats: int, rng: Generator) -> NDArray[np.int64]:
    """Return (repeats, n) image numbers: sets of the same size, drawn with repetition."""
    return rng.integers(n_images, size=(repeats, n_images))


def bootstrap(measure: Measure, n_images: int, repeats: int, rng: Generator) -> dict[str, Score]:
    """Return each figure of `measure` with its 95 % interval.

    Args:
        measure: the figures.
        n_images: size of the set.
        repeats: resampled sets; 0 for no intervals.
        rng: generator.
    """
    return scores_of(measure(None), [measure(picked) for picked in resamples(n_images, repeats, rng)])


def scores_of(whole: Figures, draws: Sequence[Figures]) -> dict[str, Score]:
    """Return the figures of the whole set with the intervals of those of resampled sets."""
    return {name: Score(value, *interval([draw[name] for draw in draws])) for name, value in whole.items()}


def interval(drawn: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Return the 2.5th and 97.5th percentile of the defined values, None where there are none."""
    known = [value for value in drawn if value is not None]
    if not known:
        return None, None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
