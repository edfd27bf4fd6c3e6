"""Strokes: what a style does to the pixels of a digit."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from simgen.errors import ConfigError
from simgen.strokes import DigitStyle, StyleRanges, allograph_count, draw_digits, plain_style, sample_style

DIGITS = range(10)


def draw_digit(digit: int, style: DigitStyle, size_px: int) -> NDArray[np.float32]:
    return draw_digits([digit], [style], size_px)[0] / np.float32(255)


def test_same_style_gives_same_pixels_after_other_drawings() -> None:
    style = sample_style(5, default_rng(1), StyleRanges())
    first = draw_digit(5, style, 48)
    draw_digit(8, sample_style(8, default_rng(2), StyleRanges()), 64)
    assert np.array_equal(first, draw_digit(5, DigitStyle(**asdict(style)), 48))


def test_a_digit_looks_the_same_alone_and_among_others() -> None:
    rng, digits = default_rng(3), [1, 8, 8, 0, 4]
    styles = [sample_style(digit, rng, StyleRanges()) for digit in digits]
    together = draw_digits(digits, styles, 48)
    for digit, style, picture in zip(digits, styles, together, strict=True):
        assert np.array_equal(picture, draw_digits([digit], [style], 48)[0])


def test_a_margin_shrinks_the_box() -> None:
    style = DigitStyle(scale=0.9)
    whole, inner = draw_digits([3, 3], [style, style], 80, [0.0, 0.2])
    assert inner[:16].max() == inner[64:].max() == 0
    assert abs(whole.any(axis=1).sum() * 0.6 - inner.any(axis=1).sum()) <= 2


def test_sampling_depends_on_the_generator_only() -> None:
    assert sample_style(3, default_rng(7), StyleRanges()) == sample_style(3, default_rng(7), StyleRanges())
    assert sample_style(3, default_rng(7), StyleRanges()) != sample_style(3, default_rng(8), StyleRanges())


def test_sampled_numbers_stay_in_their_ranges() -> None:
    ranges = StyleRanges(slant=(0.1, 0.2), thickness=(0.1, 0.1))
    styles = [sample_style(2, default_rng(seed), ranges) for seed in range(50)]
    assert all(0.1 <= style.slant <= 0.2 and style.thickness == 0.1 for style in styles)
    assert {style.allograph for style in styles} == set(range(allograph_count(2)))


@pytest.mark.parametrize("digit", DIGITS)
def test_default_ranges_draw_a_digit_that_nothing_cuts(digit: int) -> None:
    rng = default_rng(digit)
    for _ in range(60):
        ink = draw_digit(digit, sample_style(digit, rng, StyleRanges()), 64)
        assert (ink.shape, str(ink.dtype)) == ((64, 64), "float32")
        assert 0.01 < ink.mean() < 0.45
        assert (ink.min(), ink.max()) == (0, 1)
        assert _border(ink).max() == 0


@pytest.mark.parametrize("digit", DIGITS)
def test_no_style_leaves_the_box(digit: int) -> None:
    wild = StyleRanges(scale=(0.95, 1.0), thickness=(0.2, 0.3), jitter=(0.1, 0.1))
    ranges = replace(wild, pressure=(0.5, 0.5), offset_x=(-3, 3), offset_y=(-1, 1))
    rng = default_rng(digit)
    for _ in range(30):
        assert _border(draw_digit(digit, sample_style(digit, rng, ranges), 64)).max() == 0


@pytest.mark.parametrize("digit", DIGITS)
def test_allographs_differ(digit: int) -> None:
    drawings = [draw_digit(digit, DigitStyle(allograph=i), 32) for i in range(allograph_count(digit))]
    for i, one in enumerate(drawings):
        for other in drawings[:i]:
            assert np.abs(one - other).sum() > 8


@pytest.mark.parametrize("digit", DIGITS)
def test_plain_style_is_one_connected_upright_digit(digit: int) -> None:
    assert plain_style(digit) == plain_style(digit)
    ink = draw_digit(digit, plain_style(digit), 64) > 0.5
    assert _parts(ink) == 1
    rows = np.flatnonzero(ink.any(axis=1))
    assert 46 <= rows[-1] - rows[0] <= 54


def test_slant_moves_the_top_to_the_right() -> None:
    upright, slanted = (draw_digit(1, DigitStyle(slant=slant), 64) for slant in (0.0, 0.4))
    assert abs(_column_of(upright[:28]) - _column_of(upright[36:])) < 1
    assert _column_of(slanted[:28]) > _column_of(slanted[36:]) + 5


def test_rotation_turns_counter_clockwise() -> None:
    turned = draw_digit(1, DigitStyle(rotation_rad=0.3), 64)
    assert _column_of(turned[:28]) < _column_of(turned[36:]) - 5


def test_thickness_adds_ink() -> None:
    amounts = [float(draw_digit(3, DigitStyle(thickness=width), 64).mean()) for width in (0.05, 0.1, 0.15)]
    assert amounts == sorted(amounts)
    assert amounts[2] > 1.5 * amounts[0]


def test_aspect_widens() -> None:
    narrow, wide = (draw_digit(0, DigitStyle(aspect=aspect), 64).any(axis=0).sum() for aspect in (0.7, 1.3))
    assert wide > narrow + 10


def test_offset_moves_and_scale_grows() -> None:
    left, right = (draw_digit(8, DigitStyle(offset_x=x), 64) for x in (-1.0, 1.0))
    assert _column_of(right) > _column_of(left) + 15
    small, large = (draw_digit(8, DigitStyle(scale=scale), 64).any(axis=1).sum() for scale in (0.5, 0.9))
    assert large - small == pytest.approx(0.4 * 64, abs=3)


@pytest.mark.parametrize(
    "bent",
    [DigitStyle(seed=3, jitter=0.04), DigitStyle(seed=3, wobble=0.08), DigitStyle(seed=3, pressure=0.4)],
    ids=["jitter", "wobble", "pressure"],
)
def test_deformations_change_pixels_and_follow_the_seed(bent: DigitStyle) -> None:
    ink = draw_digit(4, bent, 64)
    assert np.abs(ink - draw_digit(4, DigitStyle(), 64)).sum() > 5
    assert not np.array_equal(ink, draw_digit(4, replace(bent, seed=4), 64))


def test_roundness_rounds_the_corner_of_a_seven() -> None:
    sharp, rounded = (draw_digit(7, DigitStyle(roundness=length), 64) for length in (0.0, 0.2))
    assert _top_right(sharp).sum() > _top_right(rounded).sum() + 3


@pytest.mark.parametrize("digit", [-1, 10])
def test_unknown_digit_is_one_sentence(digit: int) -> None:
    message = f"digit strokes: expected a digit from 0 to 9, but got {digit}"
    for attempt in (
        lambda: draw_digit(digit, DigitStyle(), 32),
        lambda: plain_style(digit),
        lambda: sample_style(digit, default_rng(0), StyleRanges()),
    ):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert str(caught.value) == message


def test_bad_allograph_size_and_range_are_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^digit strokes: 1 has allographs 0 to 7, but got 99$"):
        draw_digit(1, DigitStyle(allograph=99), 32)
    with pytest.raises(ConfigError, match=r"^digit strokes: the size must be at least 1 pixel, but got 0$"):
        draw_digit(1, DigitStyle(), 0)
    with pytest.raises(ConfigError, match=r"^digit strokes: `slant` needs low <= high, but got \[0.5, 0.1\]$"):
        StyleRanges(slant=(0.5, 0.1))


def _border(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])


def _column_of(ink: NDArray[np.float32]) -> float:
    return float((ink.sum(axis=0) * np.arange(ink.shape[1])).sum() / ink.sum())


def _top_right(ink: NDArray[np.float32], side: int = 8) -> NDArray[np.float32]:
    top, right = np.flatnonzero(ink.any(axis=1))[0], np.flatnonzero(ink.any(axis=0))[-1]
    return ink[top : top + side, right + 1 - side : right + 1]


def _parts(ink: NDArray[np.bool_]) -> int:
    left, parts = {(int(y), int(x)) for y, x in np.argwhere(ink)}, 0
    while left:
        parts += 1
        edge = [left.pop()]
        while edge:
            y, x = edge.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge += near
    return parts
