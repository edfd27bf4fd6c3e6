import numpy as np
import pytest

from simgen.environments import linear_from_srgb, luminance, temperature_rgb


def test_6500_kelvin_is_white():
    assert temperature_rgb(6500) == pytest.approx([1, 1, 1], abs=1e-9)


@pytest.mark.parametrize(
    ("kelvin", "srgb"),
    # Mitchell Charity's table of black bodies (CIE 1964, D65 white), normalised to the brightest channel.
    [(2000, (255, 137, 18)), (3000, (255, 185, 105)), (4500, (255, 223, 194)), (10_000, (204, 219, 255))],
)
def test_a_black_body_has_the_colour_that_is_published(kelvin, srgb):
    rgb = temperature_rgb(kelvin)
    assert luminance(rgb) == pytest.approx(1)
    published = linear_from_srgb(np.array(srgb) / 255)
    assert rgb / rgb.max() == pytest.approx(published / published.max(), abs=0.06)


def test_it_is_continuous_and_cools_from_red_to_blue():
    ratios = [rgb[2] / rgb[0] for rgb in map(temperature_rgb, range(1000, 30_000, 50))]
    assert (np.diff(ratios) > -0.01).all()
    assert max(np.diff(ratios)) < 0.06
