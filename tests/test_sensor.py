"""The sensor: what its noise is like, and that it never moves a pixel."""

import numpy as np
import pytest

from simgen.render import Frame
from simgen.scene import SensorSpec
from simgen.sensor import expose


def grey(level: int = 128, shape: tuple[int, int] = (200, 300)) -> Frame:
    return Frame(np.full((*shape, 3), level, np.uint8), np.zeros(shape, np.float32), np.zeros(shape, np.int32))


@pytest.mark.parametrize("level", [1.0, 6.0])
def test_noise_is_normal_independent_and_follows_its_seed(level):
    noise = expose(grey(), SensorSpec(noise=level, seed=5)).rgb.astype(float) - 128
    assert abs(noise.mean()) < 0.05 * level
    assert noise.std() == pytest.approx(np.hypot(level, 12**-0.5), rel=0.02)  # with the rounding's own
    assert (np.abs(noise) > 3 * level).mean() < 0.006
    flat = noise.reshape(-1, 3)
    for a, b in ((flat[:, 0], flat[:, 1]), (flat[:, 1], flat[:, 2]), (flat[:-1, 0], flat[1:, 0])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
    again = expose(grey(), SensorSpec(noise=level, seed=5)).rgb
    assert np.array_equal(again, expose(grey(), SensorSpec(noise=level, seed=5)).rgb)
    assert not np.array_equal(again, expose(grey(), SensorSpec(noise=level, seed=6)).rgb)


def test_nothing_wraps_around_at_black_and_white():
    assert expose(grey(0), SensorSpec(noise=6)).rgb.max() < 60
    assert expose(grey(255), SensorSpec(noise=6)).rgb.min() > 195


def test_gains_reach_their_own_channels_and_the_vignette_the_corners():
    seen = expose(grey(100), SensorSpec(white_balance=(1.2, 1.0, 0.8), vignette=0.5)).rgb
    assert seen[100, 150].tolist() == pytest.approx([120, 100, 80], abs=1)
    assert seen[0, 0].tolist() == pytest.approx([60, 50, 40], abs=1)


def test_compression_keeps_red_red():
    frame = grey()
    frame.rgb[:] = (220, 30, 60)
    assert np.abs(expose(frame, SensorSpec(jpeg_quality=80)).rgb.astype(int) - (220, 30, 60)).max() < 6
