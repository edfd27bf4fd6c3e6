from collections import Counter

import cv2
import numpy as np
import pytest
from adapter_fakes import OFF
from numpy.typing import NDArray

from simgen.adapters.augment import Augment, AugmentConfig
from simgen.rng import stream

STRONG = AugmentConfig(rotate_deg=180, shear_deg=8, stretch=0.1, flip=True)


def _square(x: int, y: int, side: int) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]:
    rgb = np.zeros((160, 160, 3), np.uint8)
    rgb[y : y + side, x : x + side] = 255
    return rgb, np.array([[x, y, x + side, y + side]], float), rgb[None, ..., 0] > 0


def _pixels_box(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(rgb[..., 0] > 127)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)


@pytest.mark.parametrize("seed", range(12))
def test_boxes_of_masks_fit_the_pixels(seed: int):
    rgb, boxes, masks = _square(60, 70, 30)
    moved, new = Augment(STRONG, fill=0).geometric(rgb, boxes, stream(seed, 0, "t"), masks)
    assert np.abs(new[0] - _pixels_box(moved)).max() <= 1


@pytest.mark.parametrize("seed", range(12))
def test_box_of_a_disc_fits_its_pixels_without_a_mask(seed: int):
    rgb = np.zeros((160, 160, 3), np.uint8)
    cv2.circle(rgb, (74, 85), 15, (255, 255, 255), -1)
    boxes = np.array([[59, 70, 90, 101]], float)
    moved, new = Augment(STRONG, fill=0).geometric(rgb, boxes, stream(seed, 0, "t"))
    assert np.abs(new[0] - _pixels_box(moved)).max() <= 1.5


@pytest.mark.parametrize("seed", range(8))
def test_a_square_box_keeps_side_and_follows_its_centre_under_rotation(seed: int):
    rgb, boxes, _ = _square(30, 60, 24)
    moved, new = Augment(AugmentConfig(rotate_deg=180), fill=0).geometric(rgb, boxes, stream(seed, 0, "t"))
    assert new[0, 2:] - new[0, :2] == pytest.approx([24, 24], abs=1e-3)
    pixels = _pixels_box(moved)
    assert (new[0, :2] + new[0, 2:]) / 2 == pytest.approx((pixels[:2] + pixels[2:]) / 2, abs=1)


def test_flips_move_boxes_to_the_exact_edges():
    rgb, boxes, _ = _square(10, 20, 30)
    augment = Augment(AugmentConfig(flip=True))
    seen = set()
    for seed in range(16):
        moved, new = augment.geometric(rgb, boxes, stream(seed, 0, "t"))
        assert new[0].tolist() == _pixels_box(moved).tolist()
        seen.add(tuple(new[0]))
    assert len(seen) == 4


def test_everything_off_changes_nothing():
    rgb = stream(0, 0, "noise").integers(0, 256, (64, 64, 3)).astype(np.uint8)
    boxes = np.array([[1.0, 2, 30, 40]])
    augment = Augment(OFF)
    assert np.array_equal(augment.photometric(rgb, stream(0, 0, "t")), rgb)
    moved, new = augment.geometric(rgb, boxes, stream(0, 0, "t"))
    assert np.array_equal(moved, rgb)
    assert np.array_equal(new, boxes)


def test_same_generator_same_pixels_other_generator_other_pixels():
    rgb = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, None, None], (1, 64, 3))
    augment = Augment(STRONG)

    def run(seed: int) -> NDArray[np.uint8]:
        rng = stream(seed, 0, "t")
        image, _ = augment.geometric(rgb, np.zeros((0, 4)), rng)
        return augment.photometric(image, rng)

    first = [run(seed) for seed in range(20)]
    again = [run(seed) for seed in range(20)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({image.tobytes() for image in first}) == 20


def test_transforms_are_switched_independently():
    # With set_random_seed, albumentations would invert exactly those pictures that it also makes grey.
    config = AugmentConfig(**{**OFF.__dict__, "p_invert": 0.5, "p_grey": 0.5})
    rgb = np.full((8, 8, 3), (200, 10, 10), np.uint8)
    augment = Augment(config)
    seen = [tuple(augment.photometric(rgb, stream(seed, 0, "t"))[0, 0]) for seed in range(80)]
    counts = Counter(seen)  # as it was, grey, inverted, both
    assert len(counts) == 4
    assert min(counts.values()) >= 8


def test_the_photometry_does_something_visible():
    rgb = np.full((64, 64, 3), 128, np.uint8)
    means = [float(Augment(AugmentConfig()).photometric(rgb, stream(seed, 0, "t")).mean()) for seed in range(30)]
    assert np.std(means) > 10
