"""Statistics of pictures whose answer is known, and the fixed descriptor."""

import cv2
import numpy as np
import pytest

from simgen.adapters.gap.descriptor import LENGTH, describe
from simgen.adapters.gap.statistics import (
    BOX_STATISTICS,
    Planes,
    blue_yellow,
    brightness,
    chroma,
    contrast,
    green_red,
    noise,
    sharpness,
)
from simgen.rng import stream


def flat(*rgb, size=64):
    return np.full((size, size, 3), rgb, np.uint8)


def textured(size=200):
    rng = stream(0, 0, "texture")
    grey = cv2.resize(rng.integers(60, 190, (25, 25)).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.repeat(grey[..., None], 3, axis=2)


def noisy(image, sigma):
    grains = stream(1, 0, "noise").normal(0, sigma, image.shape[:2])[..., None]
    return np.clip(np.rint(image + grains), 0, 255).astype(np.uint8)


def test_brightness_and_contrast():
    halves = np.concatenate([flat(0, 0, 0), flat(255, 255, 255)])
    assert brightness(Planes.of(halves)) == pytest.approx(0.5)
    assert contrast(Planes.of(halves)) == pytest.approx(0.5)
    assert brightness(Planes.of(flat(255, 0, 0))) == pytest.approx(0.299, abs=1e-3)


def test_colours_have_their_directions():
    grey, red, green, blue, yellow = (
        Planes.of(flat(*c)) for c in ((128,) * 3, (200, 60, 60), (60, 200, 60), (60, 60, 200), (200, 200, 60))
    )
    assert chroma(grey) == pytest.approx(0, abs=0.5)
    assert green_red(red) > 10 > -10 > green_red(green)
    assert blue_yellow(yellow) > 10 > -10 > blue_yellow(blue)
    assert chroma(red) == pytest.approx(np.hypot(green_red(red), blue_yellow(red)), rel=1e-3)


def test_blur_takes_sharpness_and_noise_hardly_gives_any():
    edges = np.repeat(
        np.kron(np.indices((8, 8)).sum(0) % 2, np.full((25, 25), 150)).astype(np.uint8)[..., None], 3, axis=2
    )
    sharp = sharpness(Planes.of(edges))
    assert sharp > sharpness(Planes.of(cv2.GaussianBlur(edges, (0, 0), 2))) + 0.5
    assert sharpness(Planes.of(noisy(edges, 4))) == pytest.approx(sharp, abs=0.1)
    assert np.isfinite(sharpness(Planes.of(flat(5, 5, 5))))


@pytest.mark.parametrize("sigma", [2.0, 6.0])
@pytest.mark.parametrize("image", [flat(128, 128, 128, size=200), textured()], ids=["flat", "textured"])
def test_noise_is_its_deviation(image, sigma):
    assert noise(Planes.of(noisy(image, sigma))) == pytest.approx(sigma, rel=0.15)


def test_no_noise_is_none():
    assert noise(Planes.of(flat(77, 77, 77))) == 0
    assert noise(Planes.of(flat(77, 77, 77, size=2))) == 0


def test_boxes():
    boxes = np.array([[0.0, 0, 10, 40], [5, 5, 25, 25]])
    assert BOX_STATISTICS["box_size"](boxes, (100, 200)) == pytest.approx(np.sqrt([400 / 20000, 400 / 20000]))
    assert BOX_STATISTICS["box_aspect"](boxes, (100, 200)) == pytest.approx([4, 1])


def test_the_descriptor_tells_colours_directions_and_frequencies_apart():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = 255
    finer = np.zeros((128, 128, 3), np.uint8)
    finer[:, ::4] = finer[:, 1::4] = 255
    rows = [describe(image) for image in (stripes, stripes.transpose(1, 0, 2).copy(), finer, flat(200, 0, 0, size=128))]
    assert all(row.shape == (LENGTH,) and np.isfinite(row).all() for row in rows)
    colours, directions, bands = (slice(0, 24), slice(24, 56), slice(56, 64))
    assert rows[0][colours] == pytest.approx(rows[1][colours])
    assert np.abs(rows[0][directions] - rows[1][directions]).max() > 0.4
    assert rows[0][bands] == pytest.approx(rows[1][bands])
    assert rows[0][bands].argmax() < rows[2][bands].argmax()
    assert np.abs(rows[0][colours] - rows[3][colours]).max() > 0.4
