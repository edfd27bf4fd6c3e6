"""From styles to pixels: many digits at once, each a pure function of its digit and style."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.errors import ConfigError
from simgen.rng import uniforms
from simgen.strokes.curve import STEP, PenPath, pen_path
from simgen.strokes.style import DigitStyle

Floats: TypeAlias = NDArray[np.float64]
_ROOM = 0.96
"""Share of a box's side that ink may reach over."""
_FINE_PX = 128
"""Digits are drawn at this size or larger, and averaged."""
_WAVES = 6
_SHIFT = 4
"""OpenCV takes fractions of a pixel as whole numbers with this many bits behind the point."""
_NUMBERS = tuple(field.name for field in fields(DigitStyle) if field.name not in ("allograph", "seed"))


def draw_digits(
    digits: Sequence[int], styles: Sequence[DigitStyle], size_px: int, margins: Sequence[float] | None = None
) -> NDArray[np.uint8]:
    """Draw one digit for each style.

    Args:
        digits: n digits.
        styles: how each is written.
        size_px: edge of a picture, S.
        margins: empty rim around each digit's box, as a share of the picture; default: none.

    Returns:
        (n, S, S) uint8 ink coverage, antialiased, 255 where all is ink; each digit lies wholly inside its picture.

    Raises:
        ConfigError: a digit, allograph or size that does not exist.
    """
    if size_px < 1:
        raise ConfigError(f"digit strokes: the size must be at least 1 pixel, but got {size_px}")
    writing = _Writing.of(digits, styles)
    uniform, normal = _chance([style.seed for style in styles], max(len(path.points) for path in writing.paths))
    points = _deform(_jittered(writing, normal[:, _WAVES:]), writing, normal[:, :_WAVES], uniform[:, :_WAVES])
    box = 1 - 2 * np.asarray(np.zeros(len(styles)) if margins is None else margins)[writing.owner]
    placed = (_place(points, writing) - 0.5) * box[:, None] + 0.5
    return _ink(placed, _widths(writing, *uniform[:, _WAVES:].T) * box, writing, size_px)


@dataclass(frozen=True, eq=False)
class _Writing:
    """n digits whose paths are joined end to end, T points in all.

    Attributes:
        paths: of the digits.
        owner: (T,) which digit a point is of.
        starts: (n,) the digits' first points.
        style: (T,) of each of `_NUMBERS`.
    """

    paths: list[PenPath]
    owner: NDArray[np.intp]
    starts: NDArray[np.intp]
    style: dict[str, Floats]

    @staticmethod
    def of(digits: Sequence[int], styles: Sequence[DigitStyle]) -> "_Writing":
        """Return the paths before any chance."""
        paths = [pen_path(d, s.allograph, round(s.roundness / STEP)) for d, s in zip(digits, styles, strict=True)]
        counts = [len(path.matrix) for path in paths]
        owner = np.repeat(np.arange(len(paths)), counts)
        numbers = np.array([attrgetter(*_NUMBERS)(style) for style in styles], float)
        return _Writing(paths, owner, np.cumsum([0, *counts[:-1]]), dict(zip(_NUMBERS, numbers[owner].T, strict=True)))


def _chance(seeds: Sequence[int], most_points: int) -> tuple[Floats, Floats]:
    """Return uniform numbers (n, `_WAVES` + 2) in [0, 2 pi), and normal ones (n, `_WAVES` + `most_points`, 2)."""
    draws = 2 * np.pi * uniforms(seeds, _WAVES + 2 + 2 * (_WAVES + most_points))
    even, odd = np.moveaxis(draws[:, _WAVES + 2 :].reshape(len(draws), -1, 2), -1, 0)
    radius = np.sqrt(-2 * np.log1p(even / (-2 * np.pi)))  # Box and Muller (1958)
    return draws[:, : _WAVES + 2], np.stack([radius * np.cos(odd), radius * np.sin(odd)], -1)


def _jittered(writing: _Writing, normal: Floats) -> Floats:
    """Return the points (T, 2) of all paths after their control points moved by jitter x `normal` (n, P, 2)."""
    moves = normal * writing.style["jitter"][writing.starts, None, None]
    return np.concatenate(
        [
            path.matrix @ (path.points + move[: len(path.points)])
            for path, move in zip(writing.paths, moves, strict=True)
        ]
    )


def _deform(points: Floats, writing: _Writing, normal: Floats, phases: Floats) -> Floats:
    """Return the points (T, 2) wobbled by `normal` (n, 6, 2) waves of `phases` (n, 6), widened, slanted and turned."""
    style, owner = writing.style, writing.owner
    waves = 3.0 * normal[owner]
    swing = np.sin(waves[..., 0] * points[:, :1] + waves[..., 1] * points[:, 1:] + phases[owner])
    x, y = (points + style["wobble"][:, None] / 2 * swing.reshape(-1, _WAVES // 2, 2).sum(axis=1)).T
    x = style["aspect"] * x - style["slant"] * y
    cos, sin = np.cos(style["rotation_rad"]), np.sin(style["rotation_rad"])
    return np.stack([cos * x + sin * y, cos * y - sin * x], 1)


def _place(points: Floats, writing: _Writing) -> Floats:
    """Return the points (T, 2) of each digit in the unit box, with room for the pen and a small margin."""
    style, owner = writing.style, writing.owner
    low, high = (edge.reduceat(points, writing.starts)[owner] for edge in (np.minimum, np.maximum))
    pen = _pen(writing) * (1 + style["pressure"])
    factor = np.maximum(np.minimum(style["scale"], _ROOM) - pen, 0.05) / np.maximum((high - low).max(1), 1e-6)
    slack = np.maximum(_ROOM - pen[:, None] - (high - low) * factor[:, None], 0) / 2
    offset = np.clip(np.stack([style["offset_x"], style["offset_y"]], 1), -1, 1)
    return np.asarray((points - (low + high) / 2) * factor[:, None] + 0.5 + slack * offset)


def _pen(writing: _Writing) -> Floats:
    """Return the pen's mean width (T,) over the box's side, such that its widest line fits in."""
    return np.minimum(writing.style["thickness"], (_ROOM - 0.05) / (1 + writing.style["pressure"]))


def _widths(writing: _Writing, phase: Floats, speed: Floats) -> Floats:
    """Return the pen's width (T,) at each point over the box's side; `phase` and `speed` (n,) are in [0, 2 pi)."""
    arc = np.concatenate([path.arc for path in writing.paths])
    turn = phase[writing.owner] + (1.2 + 0.75 * speed[writing.owner]) * arc
    return np.asarray(_pen(writing) * (1 + writing.style["pressure"] * np.sin(turn)))


def _ink(points: Floats, widths: Floats, writing: _Writing, size_px: int) -> NDArray[np.uint8]:
    """Draw the paths with a round pen into unit boxes one below the other: (n, S, S) uint8."""
    factor = max(1, -(-_FINE_PX // size_px))
    side = size_px * factor
    strip = np.zeros((len(writing.paths) * side, side), np.uint8)
    pixels = points * side - 0.5
    pixels[:, 1] += writing.owner * side
    fixed = np.rint(pixels * 2**_SHIFT).astype(np.int32)
    down = np.flatnonzero(np.concatenate([path.down for path in writing.paths]))
    # OpenCV's line of an odd thickness n covers n + 1.9 pixels, and that of n + 1 as many.
    pens = np.maximum(2 * np.rint((widths[down] * side - 2.9) / 2).astype(int) + 1, 1)
    for pen, lines in _lines(fixed, down, pens).items():
        cv2.polylines(strip, lines, False, 255, pen, cv2.LINE_8, _SHIFT)
    return _averaged(strip, factor).reshape(-1, size_px, size_px)


def _lines(points: NDArray[np.int32], down: NDArray[np.intp], pens: NDArray[np.intp]) -> dict[int, list[Any]]:
    """Return the lines for each pen: from each point of `down` to the next, joined as long as the pen is the same."""
    ends = np.flatnonzero(np.append((np.diff(down) != 1) | (np.diff(pens) != 0), True))
    starts = np.append(0, ends[:-1] + 1)
    lines: dict[int, list[Any]] = defaultdict(list)
    for first, last, pen in zip(down[starts].tolist(), (down[ends] + 2).tolist(), pens[starts].tolist(), strict=True):
        lines[pen].append(points[first:last])
    return lines


def _averaged(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return the image at 1 / `factor` of its size; halving is far faster than any other factor."""
    while factor > 1:
        step = factor if factor % 2 else 2
        size = (image.shape[1] // step, image.shape[0] // step)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        factor //= step
    return image
