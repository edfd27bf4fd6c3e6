"""The shipped randomizations: each varies at least as much as the one before it."""

import itertools

import cv2
import numpy as np
import pytest
from envs_fakes import make

LEVELS = ("none", "low", "medium", "high")


def spreads(level):
    """Return the standard deviation over episodes of each of the domain's numbers that means something."""
    env = make("simgen/Push-v0", randomization=level)
    domains = [env.reset(seed=seed)[1]["domain"] for seed in range(200)]
    env.close()
    names = [name for name in domains[0] if not name.endswith((".draw", ".seed"))]
    return {name: np.std([domain[name] for domain in domains]) for name in names}


def test_numbers_vary_at_least_as_much_as_under_the_level_before():
    found = {level: spreads(level) for level in LEVELS}
    for less, more in itertools.pairwise(LEVELS):
        assert [name for name in found[less] if found[more][name] < 0.98 * found[less][name]] == []


@pytest.mark.parametrize("name", ["simgen/Reach-v0", "simgen/PoseEstimation-v0"])
def test_pictures_vary_more_in_lightness_and_in_colour_than_under_the_level_before(name):
    measured = []
    for level in LEVELS:
        env = make(name, obs="rgb", image_size=32, randomization=level)
        seen = [env.reset(seed=seed) and env.frame("front").rgb for seed in range(60)]
        env.close()
        lab = np.array([cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).mean((0, 1)) for rgb in seen])
        measured.append((lab[:, 0].std(), np.hypot(lab[:, 1].std(), lab[:, 2].std())))
    assert measured == sorted(measured)
    colours = [colour for _, colour in measured]
    assert colours == sorted(colours)
