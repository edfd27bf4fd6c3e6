"""Every axis moves its statistic in the direction that the advice assumes: rendered, all else equal."""

import numpy as np
import pytest

import simgen
from simgen.adapters.gap.axes import AXES
from simgen.adapters.gap.observe import BOX_STATISTICS, COUNT, IMAGE_STATISTICS
from simgen.adapters.gap.statistics import Planes

LOW_HIGH = {
    "light.ambient": (0.3, 0.8),
    "light.diffuse": (0.1, 0.5),
    "sensor.exposure": (0.7, 1.2),
    "sensor.blur_px": (0.0, 1.5),
    "sensor.resolution": (0.5, 1.0),
    "sensor.noise": (0.0, 8.0),
    "surface.material.color.value": (0.3, 1.0),
    "surface.material.color.saturation": (0.0, 0.8),
    "surface.material.contrast": (0.0, 0.6),
    "dice.body.color.saturation": (0.0, 0.9),
    "dice.count": (3, 12),
    "dice.size_m": (0.012, 0.019),
    "objects.count": (2, 6),
    "digit_tiles.count": (16, 64),
    "digit_tiles.size_m": (0.02, 0.03),
    "camera.view_width_m": (0.19, 0.3),
}
SCENES = {"objects": "bracket", "digit_tiles": "digits"}
CASES = [
    (statistic, axis)
    for statistic, axes in AXES.items()
    for axis in axes
    if axis.sign and axis.renderer != "gl"  # what tiny draws runs everywhere
]


def mean(statistic, key, value, count=5):
    scene = SCENES.get(key.split(".")[0], "dice")
    fixed = ["output.size_wh=[256,256]", "output.image=png", "randomize.sensor.jpeg_quality=100"]
    config = simgen.load_config(scene, [*fixed, f"randomize.{key}={value}"])
    values = []
    for index in range(count):
        sample = simgen.sample(config, seed=5, index=index)
        boxes = np.array([a.box_xyxy for a in sample.annotations]).reshape(-1, 4)
        if statistic == COUNT:
            values.append(len(boxes))
        elif statistic in BOX_STATISTICS:
            values.extend(BOX_STATISTICS[statistic](boxes, (256, 256)))
        else:
            values.append(IMAGE_STATISTICS[statistic](Planes.of(sample.rgb)))
    return np.mean(values)


@pytest.mark.slow
@pytest.mark.parametrize(("statistic", "axis"), CASES, ids=lambda case: getattr(case, "key", case))
def test_the_axis_moves_the_statistic(statistic, axis):
    low, high = LOW_HIGH[axis.key]
    assert np.sign(mean(statistic, axis.key, high) - mean(statistic, axis.key, low)) == axis.sign
