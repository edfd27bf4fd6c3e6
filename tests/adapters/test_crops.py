import numpy as np
import pytest
import torch

from simgen.adapters.crops import CropView, crop_boxes, to_grey
from simgen.cutting import cut, resize
from simgen.errors import CheckpointError
from simgen.rng import stream


def test_shrinking_averages_areas():
    checker = np.indices((8, 8)).sum(axis=0) % 2 * 255
    small = resize(np.repeat(checker[..., None], 3, axis=2).astype(np.uint8), (4, 4))
    assert small.shape == (4, 4, 3)
    assert np.abs(small.astype(int) - 128).max() <= 1


def test_one_channel_stays_one_channel():
    assert resize(np.zeros((8, 6, 1), np.uint8), (3, 4)).shape == (4, 3, 1)


@pytest.mark.parametrize(("left", "top"), [(-3, -2), (0, 0), (4, 5), (-20, 3), (30, 30)])
def test_cut_equals_slicing_a_padded_image(left: int, top: int):
    image = stream(0, 0, "cut").integers(0, 256, (9, 11, 3)).astype(np.uint8)
    for fill, mode in ((7, "constant"), (None, "edge")):
        options = {"constant_values": 7} if fill else {}
        padded = np.pad(image, ((40, 40), (40, 40), (0, 0)), mode=mode, **options)  # type: ignore[call-overload]
        expected = padded[40 + top : 46 + top, 40 + left : 45 + left]
        assert np.array_equal(cut(image, left, top, (5, 6), fill=fill), expected)


def test_a_whole_small_image_passes_unchanged():
    scan = stream(0, 0, "scan").integers(0, 256, (8, 8, 1)).astype(np.uint8)
    crops = crop_boxes(np.repeat(scan, 3, axis=2), np.array([[0.0, 0, 8, 8]]), CropView(input_size=8))
    assert np.array_equal(crops[0], scan)


def test_crop_is_square_about_the_box_with_its_margin():
    rgb = np.zeros((60, 60, 3), np.uint8)
    rgb[20:40, 25:35] = 255
    crop = crop_boxes(rgb, np.array([[25.0, 20, 35, 40]]), CropView(input_size=30, margin=0.5))[0, ..., 0]
    rows, columns = np.nonzero(crop)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (5, 25, 10, 20)


def test_grey_is_luma():
    assert to_grey(np.array([[[255, 0, 0], [0, 255, 0], [9, 9, 9]]], np.uint8))[0, :, 0].tolist() == [76, 150, 9]


def test_standardized_input_ignores_light_and_contrast():
    view = CropView(input_size=4)
    crop = torch.arange(16, dtype=torch.uint8).reshape(1, 4, 4, 1) * 8
    bright = crop + 90
    torch.testing.assert_close(view.to_input(crop), view.to_input(bright))
    assert view.to_input(crop).std(correction=0).item() == pytest.approx(1, abs=0.2)
    assert torch.isfinite(view.to_input(torch.zeros(1, 4, 4, 1, dtype=torch.uint8))).all()


def test_view_of_a_damaged_model_file_is_refused():
    assert CropView.from_preprocess({"view": {"input_size": 12}}).input_size == 12
    for preprocess in ({}, {"view": {"input_size": -1}}, {"view": {"inputsize": 8}}, {"view": 3}):
        with pytest.raises(CheckpointError, match="do not describe a crop"):
            CropView.from_preprocess(preprocess)
