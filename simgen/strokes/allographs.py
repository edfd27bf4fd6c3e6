"""The ways to write each digit, as control points of the pen's strokes.

Coordinates: x right, y down, a digit about 1 high.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.errors import ConfigError

# One tuple a digit, one string an allograph: control points "x,y" in hundredths, "!" = sharp corner, "/" = pen lifted.
ALLOGRAPHS: tuple[tuple[str, ...], ...] = (
    (  # 0: round, oval, open top, begun at the left with an overshoot, boxy, narrow
        "38,2 12,12 2,50 14,88 36,98 60,86 68,50 58,12 34,2",
        "30,2 10,22 4,55 14,88 30,98 46,88 56,50 46,14 28,2",
        "50,8 22,6 4,45 14,88 36,98 60,80 66,40 54,12 34,6",
        "24,2 8,30 4,65 20,96 46,92 62,60 58,20 38,3 14,12",
        "32,1 8,8 4,50 8,92 32,99 54,92 58,50 54,8 30,1",
        "28,2 10,18 8,50 10,84 28,98 44,84 48,50 44,18 26,3",
    ),
    (  # 1: bar, flag, flag and base, long upstroke, bow, short flag and base, base to the right, upstroke and base
        "30,0 30,50 30,100",
        "8,28 32,0! 32,100",
        "8,24 32,0! 32,100 / 6,100 58,100",
        "0,46 22,28 42,0! 40,50 38,100",
        "34,0 29,35 30,70 34,100",
        "20,12 34,0! 34,100 / 16,99 54,98",
        "12,18 30,0! 28,98! 62,98",
        "0,42 20,26 36,0! 36,100 / 10,100 60,99",
    ),
    (  # 2: angular, loop, flat-topped, swan base, curled start, round with a short base, small loop, sliding base
        "4,22 18,4 42,2 58,20 46,48 24,74 2,98! 64,98",
        "4,22 20,3 46,3 58,24 44,56 20,88 4,94 4,80 20,78 40,92 66,97",
        "2,8 30,2 52,6 54,24 30,58 2,96! 62,96",
        "6,26 22,3 50,6 56,30 34,64 4,96! 26,90 44,98 66,90",
        "14,30 8,14 24,2 48,6 56,26 40,58 6,98! 64,95",
        "2,14 22,1 44,8 46,32 30,64 8,97! 54,98",
        "2,18 22,2 46,8 48,32 34,66 14,94 4,90 16,84 34,94 62,98",
        "4,14 22,1 40,10 40,36 22,70 6,92 30,90 66,98",
    ),
    (  # 3: round, flat-topped, smooth, small inner loop, flat and sharp, big belly, hooked end
        "4,14 24,1 50,8 54,28 38,44 22,47! 44,50 62,68 52,92 24,99 2,86",
        "4,3 56,3! 26,42! 50,48 62,70 48,94 20,99 0,88",
        "4,10 28,1 52,10 50,32 30,46 46,52 60,72 48,94 22,99 2,90",
        "6,16 26,2 52,12 46,36 28,49 20,45 30,42 50,52 62,72 50,94 26,99 2,86",
        "2,6 50,2! 40,26 22,44! 52,46 56,72 40,96 2,98",
        "12,8 36,1 50,14 40,36 22,42! 52,46 66,68 50,94 22,99 0,92",
        "2,20 18,2 46,4 52,24 36,44 16,48! 46,50 56,74 36,98 8,96 0,82",
    ),
    (  # 4: open, closed, one cursive stroke, open with a short stem, cup and stem, narrow top, stem below the bar
        "14,0 2,56! 64,52 / 48,20 44,100",
        "44,0 24,34 2,66! 66,62 / 44,2 44,100",
        "18,0 6,34 4,52 24,56 44,46 60,8! 50,56 40,100",
        "30,0 16,32 2,60! 66,58 / 46,34 40,100",
        "8,2 4,40 14,54 34,52 52,44 / 54,2 50,50 46,100",
        "34,0 18,30 4,58! 30,60 62,54 / 44,26 38,62 34,100",
        "46,0 4,54! 60,56 / 42,14 38,100",
        "22,0 4,46 10,58 34,56 66,48 / 52,16 42,60 36,100",
    ),
    (  # 5: two strokes, one stroke, rounded as an S, rising bar, small belly, flat belly, curved bar, narrow
        "14,3 8,44! 30,36 58,50 60,78 38,98 2,92 / 14,3 60,2",
        "60,2 14,4! 8,42! 34,36 58,52 58,80 34,99 2,90",
        "58,4 24,4 8,24 24,42 52,56 56,82 30,99 4,90",
        "22,8 10,46! 36,42 54,60 44,90 4,98 / 22,8 44,6 68,0",
        "54,3 18,2! 12,42! 32,44 50,58 48,82 30,98 6,98",
        "12,4 10,48! 46,42 60,62 52,88 28,99 0,94 / 12,4 64,4",
        "62,4 36,6 18,4! 8,40 30,46 48,62 40,90 0,98",
        "62,0 26,6 20,34! 40,44 44,66 30,88 6,99",
    ),
    (  # 6: curved, straight tail, curled top, low small loop, upright, wide loop
        "46,2 18,26 2,62 14,94 40,98 56,78 44,54 20,56 4,74",
        "34,0 10,46 4,80 24,99 50,90 56,68 38,52 10,68",
        "54,10 40,1 18,18 3,58 14,94 42,98 58,76 40,54 8,70",
        "26,0 6,40 3,76 22,99 48,96 56,78 36,62 6,80",
        "14,0 6,30 4,70 18,98 46,97 58,78 48,58 24,56 6,72",
        "30,0 8,36 2,72 22,99 54,96 66,78 50,62 20,66 6,84",
    ),
    (  # 7: plain, barred, serif, serif and bar, wave and bar, bent, bar on a straight stem, low bar
        "2,4 58,4! 34,48 20,100",
        "4,4 56,4! 36,48 24,100 / 10,52 58,48",
        "4,20 4,4! 58,4! 32,50 22,100",
        "4,18 6,4! 56,5! 36,50 26,100 / 10,52 60,46",
        "2,16 12,3 34,9 58,2! 38,46 28,100 / 10,50 62,46",
        "2,6 30,2 56,6 46,36 34,66 30,100",
        "4,8 54,4! 30,100 / 16,46 66,44",
        "0,12 14,3 48,4 52,14 40,50 30,100 / 12,58 58,50",
    ),
    (  # 8: one crossing stroke, two circles, open top, small top loop, begun in the middle, tall top loop, open right
        "54,14 32,1 8,14 16,36 44,56 58,80 34,99 6,84 18,60 46,38 56,14",
        "32,1 12,10 10,36 32,47 52,36 52,10 32,1 / 32,47 8,60 6,88 32,99 58,88 56,60 32,47",
        "60,6 32,3 10,18 24,42 50,62 54,86 30,99 8,86 14,64 44,38 62,10",
        "46,12 30,1 16,14 26,36 50,60 56,84 30,99 4,84 16,60 42,34 46,12",
        "28,44 10,24 20,3 46,4 54,22 36,46 10,66 8,90 32,99 52,86 46,62 26,42",
        "50,16 32,1 12,14 10,38 34,54 50,72 46,94 28,99 14,88 22,64 46,44 52,18",
        "58,12 34,1 10,12 14,36 46,54 54,82 32,99 10,86 20,60 56,30",
    ),
    (  # 9: straight tail, curved tail, hook, circle and stick, open top, bent stick, leaning or low or 3-like tail
        "54,16 36,2 10,8 4,32 22,48 46,38 54,14! 52,60 48,100",
        "54,20 34,1 8,12 8,38 30,48 52,32 56,14 56,60 42,94 6,97",
        "56,8 24,2 2,26 18,48 48,38 56,8! 54,70 36,98 6,88",
        "30,1 6,12 6,36 28,46 50,36 52,12 30,1 / 54,4 50,100",
        "54,8 22,3 4,26 20,46 50,36 / 56,4 50,50 44,100",
        "48,18 30,2 6,14 8,36 28,44 46,30 50,10 54,50 40,84 22,100",
        "54,12 30,1 8,16 10,40 34,44 54,16! 44,62 28,100",
        "52,8 22,2 4,20 14,42 42,42 52,10 56,52 50,84 28,99 2,94",
        "48,10 28,2 8,16 14,36 36,36 48,14! 46,44 56,72 40,96 4,90",
    ),
)


@dataclass(frozen=True, eq=False)
class Stroke:
    """What the pen writes without being lifted: (n, 2) float64 control points, and which of them are corners."""

    points: NDArray[np.float64]
    corners: tuple[int, ...]


def allograph_count(digit: int) -> int:
    """Return in how many ways `digit` can be written.

    Raises:
        ConfigError: `digit` is not one of 0 to 9.
    """
    if digit not in range(10):
        raise ConfigError(f"digit strokes: expected a digit from 0 to 9, but got {digit!r}")
    return len(ALLOGRAPHS[digit])


def strokes_of(digit: int, allograph: int) -> list[Stroke]:
    """Return the strokes of one way to write a digit. Raises `ConfigError` for a digit or way that does not exist."""
    last = allograph_count(digit) - 1
    if not 0 <= allograph <= last:
        raise ConfigError(f"digit strokes: {digit} has allographs 0 to {last}, but got {allograph}")
    return [_stroke(text.split()) for text in ALLOGRAPHS[digit][allograph].split("/")]


def _stroke(words: list[str]) -> Stroke:
    points = np.array([[float(v) for v in word.rstrip("!").split(",")] for word in words]) / 100
    return Stroke(points, tuple(i for i, word in enumerate(words) if word.endswith("!")))
