"""Crops that are turned upright when they are cut, and at random when they are placed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pixel_fakes import SIZE, alpha_png, crops, scene, settings

from simgen.formats import read_images
from simgen.rare.pixels.composite import Composer
from simgen.rare.pixels.crops import CropView, crops_of
from simgen.rare.pixels.cut import cut_rgba
from simgen.rare.pixels.generator import CropGenerator
from simgen.rare.pixels.spots import Placing
from simgen.rare.pixels.steps import Trainer
from simgen.rare.pixels.upright import rectangle, turned_crop

COLOR = (200, 60, 20)


def bar(turn_deg: float, size: int = 96, sides: tuple[float, float] = (48, 24)) -> np.ndarray:
    """Return the mask of a bar around (50, 44), its longer side turned anticlockwise from the x axis."""
    corners = cv2.boxPoints(((50, 44), sides, -turn_deg))
    return cv2.fillConvexPoly(np.zeros((size, size), np.uint8), corners.round().astype(np.int32), 1) > 0


@pytest.mark.parametrize("turn_deg", [0, 20, 45, 70, 90, 135, 160])
def test_a_bar_is_cut_with_its_longer_side_across_and_nothing_of_the_background(turn_deg):
    mask = bar(turn_deg)
    (x, y), longer, turn = rectangle(mask)
    assert (x, y) == pytest.approx((50, 44), abs=1)
    assert longer == pytest.approx(49, abs=2)
    rgb = np.where(mask[..., None], COLOR, (0, 255, 0)).astype(np.uint8)
    rgb = cv2.GaussianBlur(rgb, (3, 3), 0.8)
    crop = cut_rgba(rgb, mask, (round(x + 0.5 - 32), round(y + 0.5 - 32), 64), 64, turn)
    left, top, width, height = cv2.boundingRect((crop[..., 3] > 127).astype(np.uint8))
    assert (width, height) == (pytest.approx(49, abs=2), pytest.approx(25, abs=2))
    assert (left + width / 2, top + height / 2) == pytest.approx((32, 32), abs=1.5)
    assert (crop[..., 3] > 127).sum() > 0.93 * width * height
    inside = crop[..., :3][crop[..., 3] > 0].astype(int)
    assert np.abs(inside - COLOR).max() <= 6


def test_a_crop_turned_by_a_right_angle_is_the_turned_crop():
    rgba = crops(2, size=32).rgba[1]
    made = turned_crop(rgba, 90)
    rim = (len(made) - 32) // 2
    assert len(made) >= 32 * np.sqrt(2)
    inside = made[rim:-rim, rim:-rim]
    seen = np.rot90(rgba[..., 3]) > 0
    assert np.array_equal(inside[..., 3], np.rot90(rgba[..., 3]))
    assert np.array_equal(inside[seen], np.rot90(rgba)[seen])


def test_a_turned_crop_keeps_its_area_and_its_colours():
    rgba = crops(2, size=32).rgba[1]
    rgba[..., :3] = COLOR
    made = turned_crop(rgba, 30)
    assert made[..., 3].sum() == pytest.approx(float(rgba[..., 3].sum()), rel=0.01)
    assert (made[made[..., 3] > 0][:, :3] == COLOR).all()


def test_upright_crops_of_a_set_are_as_large_as_the_object_and_say_so(tmp_path):
    for turn in (0, 45):
        alpha_png(tmp_path / "bar" / f"{turn}.png", bar(turn), COLOR)
    view = CropView(size=64, min_side_px=8)
    lying, stood = (crops_of(read_images(tmp_path), replace(view, upright=upright)) for upright in (False, True))
    assert not lying.upright
    assert stood.upright
    assert stood.attribute("size_px").tolist() == pytest.approx([49, 49], abs=2)
    assert stood.rgba[0, ..., 3].sum() == pytest.approx(float(stood.rgba[1, ..., 3].sum()), rel=0.1)
    assert stood.take([1]).upright


def test_a_generator_remembers_that_its_crops_are_upright(tmp_path):
    trainer = Trainer(settings(), replace(crops(), upright=True), None)
    law = trainer.fit_latents(np.arange(24))
    net = CropGenerator(trainer.average, law, trainer.conditions, settings().network, SIZE, "vae")
    net.save(tmp_path / "model.pt")
    read = CropGenerator.load(tmp_path / "model.pt")
    made = read.crops(np.zeros((2, 4)), np.array([0, 1]), crops(2).attributes, np.array([0, 1]))
    assert made.upright


def test_upright_crops_are_placed_at_any_angle_and_as_large_as_they_are():
    calm = Placing(shadow=0.0, light=0.0, noise=False, visible=(1.0, 1.0))
    some = replace(crops(6, size=32).take([1]), side_m=np.array([0.06]))
    bars = some.rgba.copy()
    bars[..., 3] = 0
    bars[:, 12:20, 2:30, 3] = 255
    masks = []
    for seed in range(4):
        composer = Composer(scene(), calm, np.random.default_rng(0))
        upright = replace(some, rgba=bars, upright=True)
        assert composer.add(upright, 0, np.random.default_rng(seed), {})
        masks.append(composer.sample.annotations[-1].mask)
    turns = [rectangle(mask)[2] for mask in masks]
    assert np.ptp(turns) > 20
    composer = Composer(scene(), calm, np.random.default_rng(0))
    assert composer.add(replace(some, rgba=bars), 0, np.random.default_rng(0), {})
    flat = composer.sample.annotations[-1].mask
    assert all(rectangle(mask)[1] == pytest.approx(rectangle(flat)[1], rel=0.25) for mask in masks)
