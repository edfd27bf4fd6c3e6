"""Crops: what is cut, from which sets, and that the background stays out."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from formats_fakes import picture
from pixel_fakes import alpha_png, crops, scene, written

from simgen.errors import DataError
from simgen.formats import read_images
from simgen.rare.pixels.crops import ATTRIBUTES, CropView, crops_of, light_of
from simgen.rare.pixels.cut import bled, cut_rgba

VIEW = CropView(size=32, min_side_px=8)


def disc(size: int = 40, radius: float = 12) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return x**2 + y**2 < radius**2


def test_no_colour_of_the_background_reaches_a_crop():
    mask = disc()
    rgb = np.where(mask[..., None], (200, 60, 20), (0, 255, 0)).astype(np.uint8)
    rgb = cv2.GaussianBlur(rgb, (3, 3), 0.8)  # the rim is mixed, as by a lens
    crop = cut_rgba(rgb, mask, (4, 4, 32), 64)
    assert np.abs(crop[..., :3].astype(int) - (200, 60, 20)).max() <= 6
    assert crop[0, 0, 3] == 0
    assert crop[32, 32, 3] == 255


def test_alpha_is_the_share_of_a_pixel_that_the_mask_covers():
    mask = disc(64, 20)
    crop = cut_rgba(np.full((64, 64, 3), 90, np.uint8), mask, (0, 0, 64), 32)
    assert crop[..., 3].sum() / 255 == pytest.approx(mask.sum() / 4, rel=0.01)


def test_a_window_may_reach_over_the_border():
    mask = np.zeros((20, 20), bool)
    mask[:6, :6] = True
    crop = cut_rgba(np.full((20, 20, 3), 77, np.uint8), mask, (-6, -6, 12), 12)
    assert (crop[:6, :, 3] == 0).all()
    assert (crop[6:, 6:, 3] == 255).all()


def test_bleeding_takes_the_nearest_colour():
    rgb = np.zeros((1, 6, 3), np.uint8)
    rgb[0, 1], rgb[0, 4] = (10, 0, 0), (20, 0, 0)
    inside = np.array([[False, True, False, False, True, False]])
    assert bled(rgb, inside)[0, :, 0].tolist() == [10, 10, 10, 20, 20, 20]


def test_crops_of_our_own_dataset_know_class_attributes_and_metric_scale(tmp_path):
    data = written(tmp_path / "set", [scene()])
    found = crops_of(data, VIEW)
    assert found.names == ATTRIBUTES
    assert found.labels.tolist() == [1]
    assert found.attribute("visible_fraction")[0] == 1.0
    assert found.attribute("size_px")[0] == 16.0
    assert found.attribute("light")[0] == pytest.approx(light_of(data[0].rgb))
    assert found.side_px[0] == 18.0
    box = data[0].depth_m[50:66, 70:86]
    assert found.side_m[0] == pytest.approx(18 * np.median(box) / 200, rel=1e-3)
    inside = found.rgba[0][found.rgba[0, ..., 3] > 200]
    assert (np.abs(inside[:, :3].astype(int) - (200, 40, 40)) <= 1).all()


def test_an_imagefolder_gives_the_masks_of_its_alpha_channels(tmp_path):
    alpha_png(tmp_path / "cat" / "a.png", disc(), (250, 100, 0))
    alpha_png(tmp_path / "dog" / "b.png", disc(40, 9), (0, 100, 250))
    found = crops_of(read_images(tmp_path), VIEW)
    assert found.classes == ("cat", "dog")
    assert found.attribute("size_px").tolist() == [24.0, 18.0]
    assert np.isnan(found.side_m).all()
    assert (found.rgba[0, ..., :3] == (250, 100, 0)).all()


def test_a_set_without_masks_is_one_sentence(tmp_path):
    folder = tmp_path / "set"
    picture(folder / "cat" / "a.jpg")
    with pytest.raises(DataError) as error:
        crops_of(read_images(folder), VIEW)
    assert str(error.value) == (
        f'image set "{folder}": expected masks (COCO\'s segmentation, or PNG files with an alpha channel) to cut its '
        "objects out by, found none for 1 objects"
    )


def test_a_set_of_small_or_hidden_objects_says_so(tmp_path):
    data = written(tmp_path / "set", [scene()])
    with pytest.raises(DataError, match=r"objects of at least 40 pixels .* found none among 1"):
        crops_of(data, CropView(min_side_px=40))


def test_truncated_and_hidden_objects_are_left_out_unless_asked_for(tmp_path):
    whole = scene()
    cut = replace(whole, annotations=(replace(whole.annotations[0], truncated=True),))
    hidden = replace(whole, index=8, annotations=(replace(whole.annotations[0], visible_fraction=0.2),))
    data = written(tmp_path / "set", [cut, hidden])
    with pytest.raises(DataError):
        crops_of(data, VIEW)
    assert len(crops_of(data, replace(VIEW, truncated=True))) == 1
    assert len(crops_of(data, replace(VIEW, min_visible_fraction=0.1))) == 1


def test_taking_keeps_rows_together():
    some = crops(10)
    taken = some.take([7, 2])
    assert taken.labels.tolist() == [1, 0]
    assert taken.sources == (some.sources[7], some.sources[2])
    assert (taken.rgba[1] == some.rgba[2]).all()
    assert (taken.attributes == some.attributes[[7, 2]]).all()


def test_a_split_keeps_the_crops_of_a_picture_together():
    some = crops(30)
    first, second = some.split(0.3, np.random.default_rng(0))
    pictures = [{source.partition("#")[0] for source in part.sources} for part in (first, second)]
    assert not pictures[0] & pictures[1]
    assert len(first) + len(second) == 30
    assert len(second) == 9
