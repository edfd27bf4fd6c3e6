"""How a digit is written, as plain numbers: sampled first, drawn after."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.errors import ConfigError
from simgen.strokes.allographs import allograph_count

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class StyleRanges:
    """The (low, high) ranges that `sample_style` draws from uniformly; meanings as in `DigitStyle`."""

    jitter: Range = (0.0, 0.045)
    slant: Range = (-0.2, 0.5)
    aspect: Range = (0.7, 1.35)
    rotation_rad: Range = (-0.12, 0.12)
    wobble: Range = (0.0, 0.05)
    thickness: Range = (0.06, 0.16)
    pressure: Range = (0.0, 0.35)
    roundness: Range = (0.0, 0.08)
    scale: Range = (0.65, 0.92)
    offset_x: Range = (-0.7, 0.7)
    offset_y: Range = (-0.7, 0.7)

    def __post_init__(self) -> None:
        for name, (low, high) in vars(self).items():
            if not low <= high:
                raise ConfigError(f"digit strokes: `{name}` needs low <= high, but got [{low}, {high}]")


@dataclass(frozen=True)
class DigitStyle:
    """All that decides how one digit is written, as plain numbers: the same style gives the same pixels.

    Attributes:
        allograph: which of the digit's ways of writing, 0-based.
        seed: of the jitter vector, the wobble's waves and the pressure's phase, >= 0.
        jitter: standard deviation of each control point and stroke end, in digit heights.
        slant: how far the top leans to the right, in digit heights.
        aspect: factor on the width.
        rotation_rad: counter-clockwise turn as seen.
        wobble: amplitude of a smooth low-frequency displacement, in digit heights.
        thickness: pen width over the box's side.
        pressure: relative variation of the pen's width along the stroke.
        roundness: length over which corners are smoothed, in digit heights.
        scale: height (or width, if that is larger) of the ink over the box's side, at most 0.96.
        offset_x: -1 is at the left border of the box (but for a margin of 0.02), 1 at the right one.
        offset_y: -1 is at the top border of the box, 1 at the bottom one.
    """

    allograph: int = 0
    seed: int = 0
    jitter: float = 0.0
    slant: float = 0.0
    aspect: float = 1.0
    rotation_rad: float = 0.0
    wobble: float = 0.0
    thickness: float = 0.1
    pressure: float = 0.0
    roundness: float = 0.02
    scale: float = 0.8
    offset_x: float = 0.0
    offset_y: float = 0.0


def plain_style(digit: int) -> DigitStyle:
    """Return the one neat way to write `digit`: for runs without randomization."""
    allograph_count(digit)
    return DigitStyle(allograph={1: 1, 4: 1}.get(digit, 0))


def sample_style(digit: int, rng: Generator, strength: StyleRanges) -> DigitStyle:
    """Draw a style: the allograph uniformly, every other number uniformly in its range, to five decimals."""
    return sample_styles([digit], rng, strength)[0]


def sample_styles(digits: Sequence[int], rng: Generator, strength: StyleRanges) -> list[DigitStyle]:
    """Draw a style for each digit; `sample_style` says how."""
    allographs = rng.integers([allograph_count(digit) for digit in digits])
    seeds = rng.integers(2**31, size=len(digits))
    low, span = _spans(strength)
    numbers = (low + span * rng.random((len(digits), len(low)))).round(5)
    rows = zip(allographs.tolist(), seeds.tolist(), numbers.tolist(), strict=True)
    return [DigitStyle(allograph, seed, *row) for allograph, seed, row in rows]


@cache
def _spans(strength: StyleRanges) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower end and the width (k,) of each range."""
    ends = np.array(list(vars(strength).values()))
    return ends[:, 0], ends[:, 1] - ends[:, 0]
