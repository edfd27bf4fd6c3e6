"""Handwritten digits as pen strokes: a style is sampled as plain data first, drawn after.

Handwriting varies in strokes, not in fonts: a digit is one of several *allographs* (ways to write it), each a few
smooth curves through control points, deformed, slanted and drawn with a pen of varying pressure. The idea of strokes
as the generative parameters is Lake et al. 2015 (Human-level concept learning through probabilistic program
induction); the smooth displacement is after Simard et al. 2003 (Best practices for convolutional neural networks
applied to visual document analysis). Coordinates: x right, y down, a digit about 1 high.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from simgen.errors import ConfigError

Points: TypeAlias = NDArray[np.float64]
Range: TypeAlias = tuple[float, float]

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
        seed: of the jitter vector, the wobble's waves and the pressure's phase.
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


def allograph_count(digit: int) -> int:
    """Return in how many ways `digit` can be written.

    Raises:
        ConfigError: `digit` is not one of 0 to 9.
    """
    if digit not in range(10):
        raise ConfigError(f"digit strokes: expected a digit from 0 to 9, but got {digit!r}")
    return len(ALLOGRAPHS[digit])


def plain_style(digit: int) -> DigitStyle:
    """Return the one neat way to write `digit`: for runs without randomization."""
    allograph_count(digit)
    return DigitStyle(allograph={1: 1, 4: 1}.get(digit, 0))


def sample_style(digit: int, rng: Generator, strength: StyleRanges) -> DigitStyle:
    """Draw a style: the allograph uniformly, every other number uniformly in its range."""
    allograph = int(rng.integers(allograph_count(digit)))
    seed = int(rng.integers(2**31))
    return DigitStyle(allograph, seed, **{name: float(rng.uniform(*span)) for name, span in vars(strength).items()})


def draw_digit(digit: int, style: DigitStyle, size_px: int) -> NDArray[np.float32]:
    """Draw a digit.

    Returns:
        (S, S) float32 ink coverage in [0, 1], antialiased, S = size_px; the whole digit lies inside.

    Raises:
        ConfigError: a digit, allograph or size that does not exist.
    """
    if size_px < 1:
        raise ConfigError(f"digit strokes: the size must be at least 1 pixel, but got {size_px}")
    factor = max(1, -(-256 // size_px))
    side = size_px * factor
    canvas = np.zeros((side, side), np.uint8)
    rng = default_rng(style.seed)
    paths = _paths(digit, style, rng)
    ends = np.cumsum([len(path) for path in paths]).tolist()
    placed = _place(_deform(np.concatenate(paths), style, rng), style) * side
    for start, end in zip([0, *ends], ends, strict=False):
        _ink(canvas, placed[start:end], style, rng)
    while len(canvas) > size_px:  # halving is far faster than any other factor
        step = 2 if len(canvas) % (2 * size_px) == 0 else len(canvas) // size_px
        canvas = np.asarray(cv2.resize(canvas, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(canvas * np.float32(1 / 255), np.float32)


@cache
def _control_points(digit: int, allograph: int) -> tuple[tuple[Points, Points], ...]:
    """Return each stroke's (n, 2) control points, and the (m, n) matrix that makes a dense curve of n such points."""
    last = allograph_count(digit) - 1
    if not 0 <= allograph <= last:
        raise ConfigError(f"digit strokes: {digit} has allographs 0 to {last}, but got {allograph}")
    strokes = []
    for text in ALLOGRAPHS[digit][allograph].split("/"):
        words = text.split()
        points = np.array([[float(v) for v in word.rstrip("!").split(",")] for word in words]) / 100
        sharp = [i for i, word in enumerate(words) if word.endswith("!")]
        # The curve is linear in its points: what it makes of unit vectors is the matrix.
        pieces, unit = [0, *sharp, len(words) - 1], np.eye(len(words))
        curve = np.concatenate([_spline(unit[a : b + 1]) for a, b in pairwise(pieces)])
        for array in (points, curve):
            array.flags.writeable = False
        strokes.append((points, curve))
    return tuple(strokes)


def _paths(digit: int, style: DigitStyle, rng: Generator) -> list[Points]:
    """Return the jittered strokes as dense (n, 2) polylines, evenly spaced."""
    paths = []
    for points, curve in _control_points(digit, style.allograph):
        noisy = points + rng.normal(0, style.jitter, points.shape)
        paths.append(_smooth(_even(curve @ noisy), style.roundness))
    return paths


def _spline(points: Points) -> Points:
    """Return a Catmull-Rom curve through (n, d) points, 12 samples a piece; ends are extended linearly."""
    if len(points) == 2:
        return np.linspace(points[0], points[1], 12)
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = np.linspace(0, 1, 12)[:, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return np.asarray(curve.reshape(-1, points.shape[1]))


def _even(curve: Points, step: float = 0.025) -> Points:
    """Return the polyline resampled at about equal arc lengths."""
    moves = curve[1:] - curve[:-1]
    arc = np.zeros(len(curve))
    np.cumsum(np.hypot(moves[:, 0], moves[:, 1]), out=arc[1:])
    count = max(4, round(float(arc[-1]) / step))
    at = np.arange(count) * (arc[-1] / (count - 1))
    path = np.empty((count, 2))
    path[:, 0], path[:, 1] = np.interp(at, arc, curve[:, 0]), np.interp(at, arc, curve[:, 1])
    return path


def _smooth(path: Points, length: float, step: float = 0.025) -> Points:
    """Return the path averaged over twice `length`; the ends stay where they are."""
    reach = min(round(length / step), len(path) // 4)
    if not reach:
        return path
    before, after = 2 * path[0] - path[reach:0:-1], 2 * path[-1] - path[-2 : -2 - reach : -1]
    padded = np.concatenate([before, path, after])
    total = np.zeros((len(padded) + 1, 2))
    np.cumsum(padded, axis=0, out=total[1:])
    width = 2 * reach + 1
    return np.asarray((total[width:] - total[:-width]) / width)


def _deform(points: Points, style: DigitStyle, rng: Generator) -> Points:
    """Return the points (n, 2) of all paths wobbled, widened, slanted and turned."""
    waves, phases = rng.normal(0, 3.0, (3, 2, 2)), rng.uniform(0, 2 * np.pi, (3, 2))
    cos, sin = np.cos(style.rotation_rad), np.sin(style.rotation_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    shape = np.array([[style.aspect, 0.0], [-style.slant, 1.0]])
    swing = np.sin(points @ waves.reshape(6, 2).T + phases.ravel())  # three waves, each along x and y
    moved = points + (style.wobble / 2) * (swing[:, :2] + swing[:, 2:4] + swing[:, 4:])
    return np.asarray(moved @ (shape @ turn))


def _place(points: Points, style: DigitStyle) -> Points:
    """Return the points (n, 2) of all paths in the unit box, with room for the pen and a small margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    pen, room = style.thickness * (1 + style.pressure), 0.96
    factor = max(min(style.scale, room) - pen, 0.05) / max(float((high - low).max()), 1e-6)
    slack = (room - pen - (high - low) * factor) / 2
    offset = [min(max(shift, -1.0), 1.0) for shift in (style.offset_x, style.offset_y)]
    return np.asarray((points - (low + high) / 2) * factor + (0.5 + slack * offset))


def _ink(canvas: NDArray[np.uint8], path: Points, style: DigitStyle, rng: Generator) -> None:
    """Draw one (n, 2) path in pixels into the canvas with a round pen."""
    phase, speed = rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.15)
    drawn = _needed(path)
    wide = style.thickness * len(canvas) * (1 + style.pressure * np.sin(phase + speed * drawn))
    widths = np.maximum(np.rint(wide), 1).astype(int).tolist()
    fixed = np.rint((path[drawn] - 0.5) * 16).astype(int).tolist()
    for start, end, width in zip(fixed, fixed[1:], widths, strict=False):
        cv2.line(canvas, start, end, 255, width, cv2.LINE_8, 4)


def _needed(path: Points, tolerance: float = 0.4) -> NDArray[np.intp]:
    """Return the numbers of the path's points without every second one that lies halfway between its neighbours."""
    inner = path[1:-1:2]
    off = np.abs(inner - (path[:-2:2] + path[2::2]) / 2).max(axis=1) > tolerance
    needed = np.ones(len(path), bool)
    needed[1:-1:2] = off
    return np.flatnonzero(needed)
