import numpy as np
import pytest
from pycocotools import mask as rle

from simgen.errors import DataError
from simgen.formats import masks
from simgen.rng import stream
from simgen.samples import Region


@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 0.98, 1.0])
def test_masks_agree_with_the_reference(density: float) -> None:
    mask = stream(0, 0, "mask").uniform(size=(37, 53)) < density
    code = masks.encode(Region.of(mask))
    assert masks.is_sound(code, (53, 37))
    np.testing.assert_array_equal(masks.decode(code, (53, 37)), mask)
    np.testing.assert_array_equal(np.array(rle.decode(code), bool), mask)


@pytest.mark.parametrize("corner", [(0, 0), (0, 40), (25, 0), (25, 40), (12, 20)])
def test_a_small_mask_anywhere_has_the_bytes_of_the_reference(corner: tuple[int, int]) -> None:
    mask = np.zeros((37, 53), bool)
    part = stream(0, 1, "mask").uniform(size=(12, 13)) < 0.6
    mask[corner[0] : corner[0] + 12, corner[1] : corner[1] + 13] = part
    assert masks.encode(Region.of(mask))["counts"].encode() == rle.encode(np.asfortranarray(mask, np.uint8))["counts"]


@pytest.mark.parametrize(("corner_xy", "shape"), [((40, 0), (37, 13)), ((0, 25), (12, 53)), ((0, 0), (37, 53))])
def test_a_part_of_the_image_has_the_bytes_of_the_whole_mask(
    corner_xy: tuple[int, int], shape: tuple[int, int]
) -> None:
    for density in (0.6, 1.0):
        part = stream(0, 2, "mask").uniform(size=shape) < density
        region = Region(part, corner_xy, (53, 37))
        assert region.mask().sum() == part.sum()
        reference = rle.encode(np.asfortranarray(region.mask(), np.uint8))["counts"]
        assert masks.encode(region)["counts"].encode() == reference


def test_long_runs_agree_with_the_reference() -> None:
    mask = np.zeros((900, 1100), bool)
    mask[100:801, 300:302] = True
    mask[:, 700] = True
    np.testing.assert_array_equal(masks.decode(masks.encode(Region.of(mask)), (1100, 900)), mask)


def test_plain_run_lengths_start_with_background() -> None:
    found = masks.decode({"size": [2, 3], "counts": [1, 2, 3]}, (3, 2))
    np.testing.assert_array_equal(found, [[False, True, False], [True, False, False]])


@pytest.mark.parametrize("counts", ["", "zzzz", "0", "\x7f\x00", "04L4"])
def test_runs_that_do_not_fill_the_image(counts: str) -> None:
    with pytest.raises(DataError, match="expected run lengths that fill 40 x 30 pixels, got others"):
        masks.decode({"size": [30, 40], "counts": counts}, (40, 30))
