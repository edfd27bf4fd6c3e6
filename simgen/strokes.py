"""Handwritten digits as pen strokes.

People differ in the strokes that they make, not in the fonts that they choose: each digit has several allographs (ways
of writing it) as control points of smooth curves. A style chooses one, moves its control points, bends, slants and
turns it, and gives the pen a thickness and a pressure. The idea of characters as motor programs of strokes is that of
Lake, Salakhutdinov and Tenenbaum (2015, Science 350); smooth random displacements are those of Simard, Steinkraus and
Platt (2003, ICDAR).
"""

from typing import Annotated, TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError
from simgen.rng import stream
from simgen.scene import STRICT

Range: TypeAlias = tuple[float, float]
Points: TypeAlias = NDArray[np.float64]
Stroke: TypeAlias = tuple[tuple[float, float], ...]

# Control points in the unit square, x to the right, y down. A point given twice makes a corner.
ALLOGRAPHS: dict[int, tuple[tuple[Stroke, ...], ...]] = {
    0: (
        (((0.5, 0.05), (0.2, 0.2), (0.12, 0.5), (0.22, 0.82), (0.5, 0.95), (0.78, 0.8), (0.88, 0.5), (0.78, 0.18), (0.5, 0.05)),),
        (((0.62, 0.06), (0.3, 0.16), (0.2, 0.5), (0.3, 0.86), (0.52, 0.95), (0.74, 0.8), (0.8, 0.48), (0.7, 0.16), (0.45, 0.08)),),
        (((0.5, 0.05), (0.32, 0.2), (0.28, 0.5), (0.34, 0.82), (0.5, 0.95), (0.66, 0.82), (0.72, 0.5), (0.67, 0.18), (0.5, 0.05)),),
    ),
    1: (
        (((0.5, 0.05), (0.5, 0.35), (0.5, 0.65), (0.5, 0.95)),),
        (((0.28, 0.28), (0.42, 0.16), (0.54, 0.05), (0.54, 0.05), (0.54, 0.5), (0.54, 0.95)),),
        (((0.3, 0.25), (0.5, 0.05), (0.5, 0.05), (0.5, 0.5), (0.5, 0.95)), ((0.25, 0.95), (0.5, 0.95), (0.75, 0.95))),
        (((0.4, 0.14), (0.55, 0.05), (0.55, 0.05), (0.53, 0.4), (0.5, 0.95)),),
    ),
    2: (
        (((0.2, 0.28), (0.32, 0.08), (0.62, 0.06), (0.76, 0.26), (0.62, 0.52), (0.38, 0.74), (0.16, 0.94), (0.16, 0.94), (0.5, 0.93), (0.84, 0.92)),),
        (((0.22, 0.25), (0.4, 0.06), (0.7, 0.12), (0.74, 0.38), (0.54, 0.64), (0.28, 0.86), (0.18, 0.88), (0.22, 0.76), (0.36, 0.78), (0.6, 0.93), (0.86, 0.88)),),
        (((0.24, 0.12), (0.5, 0.05), (0.72, 0.14), (0.72, 0.36), (0.5, 0.62), (0.2, 0.93), (0.2, 0.93), (0.5, 0.95), (0.8, 0.95)),),
        (((0.2, 0.2), (0.45, 0.05), (0.7, 0.2), (0.62, 0.48), (0.42, 0.74), (0.3, 0.9), (0.42, 0.92), (0.6, 0.9), (0.82, 0.94)),),
    ),
    3: (
        (((0.22, 0.16), (0.44, 0.05), (0.72, 0.14), (0.7, 0.36), (0.44, 0.47), (0.44, 0.47), (0.72, 0.54), (0.8, 0.75), (0.58, 0.94), (0.2, 0.86)),),
        (((0.2, 0.06), (0.5, 0.06), (0.76, 0.06), (0.76, 0.06), (0.6, 0.24), (0.46, 0.4), (0.46, 0.4), (0.72, 0.5), (0.78, 0.74), (0.54, 0.94), (0.2, 0.86)),),
        (((0.25, 0.12), (0.5, 0.05), (0.68, 0.18), (0.6, 0.38), (0.42, 0.46), (0.62, 0.52), (0.74, 0.7), (0.6, 0.9), (0.36, 0.95), (0.22, 0.84)),),
        (((0.28, 0.2), (0.5, 0.05), (0.7, 0.16), (0.66, 0.36), (0.5, 0.46), (0.42, 0.5), (0.5, 0.46), (0.72, 0.56), (0.72, 0.82), (0.48, 0.95), (0.24, 0.82)),),
    ),
    4: (
        (((0.58, 0.05), (0.36, 0.34), (0.14, 0.62), (0.14, 0.62), (0.5, 0.62), (0.88, 0.62)), ((0.64, 0.34), (0.63, 0.64), (0.62, 0.95))),
        (((0.24, 0.06), (0.22, 0.3), (0.2, 0.52), (0.2, 0.52), (0.5, 0.53), (0.8, 0.5)), ((0.72, 0.06), (0.7, 0.5), (0.66, 0.95))),
        (((0.62, 0.05), (0.4, 0.32), (0.16, 0.64), (0.16, 0.64), (0.5, 0.66), (0.86, 0.62)), ((0.62, 0.05), (0.62, 0.5), (0.62, 0.95))),
        (((0.4, 0.05), (0.28, 0.3), (0.16, 0.58), (0.16, 0.58), (0.5, 0.6), (0.84, 0.58)), ((0.62, 0.38), (0.56, 0.66), (0.5, 0.95))),
        (((0.26, 0.1), (0.2, 0.36), (0.3, 0.54), (0.56, 0.5), (0.74, 0.3)), ((0.78, 0.06), (0.72, 0.46), (0.66, 0.95))),
    ),
    5: (
        (((0.76, 0.06), (0.5, 0.06), (0.28, 0.07), (0.28, 0.07), (0.25, 0.26), (0.23, 0.45), (0.23, 0.45), (0.5, 0.38), (0.76, 0.5), (0.76, 0.78), (0.5, 0.95), (0.2, 0.86)),),
        (((0.3, 0.08), (0.26, 0.28), (0.24, 0.46), (0.24, 0.46), (0.5, 0.4), (0.74, 0.55), (0.7, 0.84), (0.42, 0.95), (0.18, 0.84)), ((0.3, 0.08), (0.55, 0.08), (0.82, 0.05))),
        (((0.82, 0.06), (0.56, 0.1), (0.36, 0.1), (0.36, 0.1), (0.3, 0.3), (0.26, 0.48), (0.26, 0.48), (0.54, 0.46), (0.68, 0.64), (0.58, 0.86), (0.34, 0.95), (0.18, 0.88)),),
        (((0.74, 0.05), (0.4, 0.07), (0.4, 0.07), (0.32, 0.24), (0.3, 0.42), (0.5, 0.46), (0.68, 0.6), (0.66, 0.82), (0.44, 0.95), (0.24, 0.9)),),
    ),
    6: (
        (((0.66, 0.06), (0.42, 0.22), (0.26, 0.5), (0.24, 0.76), (0.42, 0.95), (0.68, 0.88), (0.74, 0.68), (0.56, 0.54), (0.36, 0.6), (0.25, 0.74)),),
        (((0.54, 0.05), (0.32, 0.3), (0.2, 0.62), (0.3, 0.9), (0.58, 0.95), (0.78, 0.78), (0.68, 0.58), (0.44, 0.56), (0.24, 0.7)),),
        (((0.4, 0.05), (0.28, 0.35), (0.24, 0.68), (0.38, 0.93), (0.62, 0.92), (0.72, 0.74), (0.58, 0.6), (0.4, 0.66), (0.28, 0.8)),),
        (((0.76, 0.12), (0.52, 0.06), (0.3, 0.26), (0.22, 0.6), (0.36, 0.92), (0.66, 0.92), (0.76, 0.68), (0.54, 0.52), (0.28, 0.62)),),
    ),
    7: (
        (((0.16, 0.08), (0.5, 0.08), (0.82, 0.08), (0.82, 0.08), (0.62, 0.5), (0.42, 0.95)),),
        (((0.16, 0.08), (0.5, 0.09), (0.8, 0.07), (0.8, 0.07), (0.62, 0.42), (0.46, 0.95)), ((0.34, 0.52), (0.56, 0.5), (0.78, 0.48))),
        (((0.18, 0.2), (0.2, 0.08), (0.2, 0.08), (0.5, 0.08), (0.8, 0.06), (0.8, 0.06), (0.66, 0.4), (0.56, 0.95)),),
        (((0.2, 0.14), (0.44, 0.06), (0.7, 0.1), (0.76, 0.2), (0.64, 0.5), (0.5, 0.95)), ((0.36, 0.56), (0.58, 0.5), (0.82, 0.48))),
    ),
    8: (
        (((0.68, 0.16), (0.46, 0.05), (0.28, 0.2), (0.44, 0.42), (0.68, 0.62), (0.7, 0.84), (0.48, 0.95), (0.28, 0.84), (0.34, 0.62), (0.6, 0.4), (0.72, 0.22), (0.68, 0.16)),),
        (((0.5, 0.05), (0.3, 0.14), (0.32, 0.36), (0.5, 0.46), (0.7, 0.36), (0.7, 0.14), (0.5, 0.05)), ((0.5, 0.46), (0.26, 0.58), (0.26, 0.84), (0.5, 0.95), (0.74, 0.84), (0.74, 0.58), (0.5, 0.46))),
        (((0.72, 0.1), (0.44, 0.08), (0.34, 0.26), (0.52, 0.48), (0.62, 0.72), (0.5, 0.93), (0.34, 0.82), (0.44, 0.56), (0.66, 0.3), (0.74, 0.1)),),
        (((0.5, 0.48), (0.32, 0.32), (0.4, 0.1), (0.6, 0.07), (0.7, 0.24), (0.52, 0.46), (0.34, 0.66), (0.36, 0.9), (0.56, 0.95), (0.68, 0.76), (0.5, 0.48)),),
    ),
    9: (
        (((0.72, 0.24), (0.56, 0.06), (0.32, 0.12), (0.26, 0.34), (0.42, 0.48), (0.64, 0.4), (0.72, 0.2), (0.72, 0.2), (0.7, 0.58), (0.66, 0.95)),),
        (((0.7, 0.16), (0.46, 0.05), (0.26, 0.24), (0.36, 0.46), (0.6, 0.42), (0.72, 0.18), (0.74, 0.5), (0.68, 0.82), (0.46, 0.95), (0.24, 0.86)),),
        (((0.6, 0.08), (0.36, 0.1), (0.28, 0.32), (0.44, 0.46), (0.66, 0.34), (0.68, 0.1), (0.68, 0.1), (0.6, 0.55), (0.46, 0.95)),),
        (((0.7, 0.12), (0.42, 0.06), (0.28, 0.26), (0.42, 0.48), (0.68, 0.46), (0.72, 0.2), (0.76, 0.56), (0.66, 0.86), (0.4, 0.95), (0.22, 0.88)),),
    ),
}


@dataclass(frozen=True, config=STRICT)
class DigitStyle:
    """How one digit is written; the same style gives the same pixels.

    Attributes:
        allograph: which of the digit's ways of writing.
        seed: of the jitter and the wobble.
        jitter: standard deviation of the control points' shifts, in digit heights.
        wobble: size of a smooth displacement of the whole digit, in digit heights.
        slant: shear; positive leans to the right.
        aspect: factor on the width.
        rotation_rad: counter-clockwise in the image.
        thickness: pen width in digit heights.
        pressure: relative variation of the pen width along a stroke, 0 to 1.
        scale: height of the digit in the box, 0 to 1.
        offset: shift of the digit's centre in box sizes, x and y.
    """

    allograph: int = 0
    seed: int = 0
    jitter: float = 0.0
    wobble: float = 0.0
    slant: float = 0.0
    aspect: float = 1.0
    rotation_rad: float = 0.0
    thickness: Annotated[float, Field(gt=0)] = 0.1
    pressure: float = 0.0
    scale: Annotated[float, Field(gt=0)] = 0.9
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, config=STRICT)
class StyleRanges:
    """Ranges [low, high] that `sample_style` draws evenly from; see `DigitStyle`."""

    jitter: Range = (0.01, 0.045)
    wobble: Range = (0.0, 0.06)
    slant: Range = (-0.15, 0.45)
    aspect: Range = (0.7, 1.2)
    rotation_rad: Range = (-0.18, 0.18)
    thickness: Range = (0.08, 0.19)
    pressure: Range = (0.0, 0.35)
    scale: Range = (0.86, 0.97)
    offset: Range = (-0.02, 0.02)


def sample_style(digit: int, rng: Generator, ranges: StyleRanges) -> DigitStyle:
    """Return a random style of a digit. Raises `ConfigError` for a digit that is none."""

    def draw(bounds: Range) -> float:
        return round(float(rng.uniform(*bounds)), 4)

    return DigitStyle(
        allograph=int(rng.integers(len(_allographs(digit)))),
        seed=int(rng.integers(2**31)),
        jitter=draw(ranges.jitter),
        wobble=draw(ranges.wobble),
        slant=draw(ranges.slant),
        aspect=draw(ranges.aspect),
        rotation_rad=draw(ranges.rotation_rad),
        thickness=draw(ranges.thickness),
        pressure=draw(ranges.pressure),
        scale=draw(ranges.scale),
        offset=(draw(ranges.offset), draw(ranges.offset)),
    )


def plain_style(digit: int) -> DigitStyle:
    """Return one neat style, the same for every digit. Raises `ConfigError` for a digit that is none."""
    _allographs(digit)
    return DigitStyle()


def draw_digit(digit: int, style: DigitStyle, size_px: int) -> NDArray[np.float32]:
    """Return the ink of a digit: (size_px, size_px) float32 coverage in [0, 1], antialiased.

    Raises:
        ConfigError: not a digit, or a style of another digit.
    """
    ways = _allographs(digit)
    if not 0 <= style.allograph < len(ways):
        raise ConfigError(f"digit {digit}: expected an allograph from 0 to {len(ways) - 1}, got {style.allograph}")
    rng = stream(style.seed, digit, "strokes")
    curves = [_curve(np.array(stroke), style.jitter, rng) for stroke in ways[style.allograph]]
    curves = _placed(_bent(curves, style.wobble, rng), style)
    canvas = np.zeros((2 * size_px, 2 * size_px), np.uint8)
    for curve in curves:
        phase, cycles = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)
        along = np.linspace(0, 2 * np.pi * cycles, len(curve))
        width = style.thickness * style.scale * (1 + style.pressure * np.sin(along + phase))
        _ink(canvas, curve * 2 * size_px, width * 2 * size_px)
    small = cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.float32(255), np.float32)


def _allographs(digit: int) -> tuple[tuple[Stroke, ...], ...]:
    if digit not in ALLOGRAPHS:
        raise ConfigError(f"digit: expected a number from 0 to 9, got {digit!r}")
    return ALLOGRAPHS[digit]


def _curve(points: Points, jitter: float, rng: Generator, steps: int = 8) -> Points:
    """Return the (n, 2) Catmull-Rom curve through the jittered control points; repeated points stay together."""
    shifts = rng.normal(0, jitter, points.shape)
    same = np.all(np.diff(points, axis=0) == 0, axis=1)
    shifts[1:][same] = shifts[:-1][same]
    points = points + shifts
    p = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5
        * (
            2 * p1
            + (p2 - p0) * t
            + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
            + (3 * p1 - p0 - 3 * p2 + p3) * t**3
        )
        for p0, p1, p2, p3 in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate([*pieces, points[-1:]])


def _bent(curves: list[Points], wobble: float, rng: Generator) -> list[Points]:
    wave = rng.uniform(0.3, 1.0, (2, 2)) * 2 * np.pi
    phase = rng.uniform(0, 2 * np.pi, 2)
    return [c + wobble * np.sin(c @ wave + phase) for c in curves]


def _placed(curves: list[Points], style: DigitStyle) -> list[Points]:
    """Return the curves in the unit box: slanted, turned, scaled to fit, thickness included."""
    cos, sin = np.cos(style.rotation_rad), np.sin(style.rotation_rad)
    turn = np.array([[cos, sin], [-sin, cos]]) @ np.array([[style.aspect, -style.slant], [0.0, 1.0]])
    turned = [(c - 0.5) @ turn.T for c in curves]
    every = np.concatenate(turned)
    low, high = every.min(0), every.max(0)
    room = style.scale * (1 - style.thickness * (1 + style.pressure))
    factor = room / max(float((high - low).max()), 1e-6)
    middle = (low + high) / 2
    return [(c - middle) * factor + 0.5 + np.array(style.offset) for c in turned]


def _ink(canvas: NDArray[np.uint8], points_px: Points, width_px: NDArray[np.float64]) -> None:
    fixed = np.round(points_px * 16).astype(np.int32)
    for a, b, width in zip(fixed, fixed[1:], width_px, strict=False):
        cv2.line(canvas, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 255, max(1, round(width)), cv2.LINE_AA, 4)
