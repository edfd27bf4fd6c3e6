from pathlib import Path

import cv2
import numpy as np
import pytest

from simgen.textures import TEXTURES, draw_texture

COLORS = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]


@pytest.mark.parametrize("kind", sorted(set(TEXTURES) - {"photo", "normal_map"}))
def test_a_texture_is_a_pure_function_of_its_numbers_in_its_colours(kind):
    spec = {"kind": kind, "colors": COLORS, "scale": 5, "seed": 3}
    image = draw_texture(spec, (64, 48), Path())
    assert image.shape == (48, 64, 3)
    assert np.array_equal(image, draw_texture(spec, (64, 48), Path()))
    assert image.max() <= 200
    if kind == "plain":
        assert (image == COLORS[0]).all()
    else:
        assert image.std() > 5
        assert not np.array_equal(image, draw_texture({**spec, "seed": 4}, (64, 48), Path()))


def test_a_photo_is_cropped_in_rgb(tmp_path):
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = (255, 0, 0)  # blue in OpenCV's order
    cv2.imwrite(str(tmp_path / "half.png"), image)
    right = draw_texture({"kind": "photo", "path": "half.png", "crop": (0.5, 0, 0.5, 1)}, (8, 8), tmp_path)
    assert (right == (0, 0, 255)).all()
