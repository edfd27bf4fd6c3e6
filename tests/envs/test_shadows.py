"""Shadows of the environments: the shadow map has in it what casts them."""

import pytest
from envs_fakes import make

HIGH_LAMP = {"light.elevation_rad": 1.3, "light.azimuth_rad": 2.5}


@pytest.mark.parametrize("name", ["Reach", "Push", "PoseEstimation", "BinPick"])
def test_shadows_under_a_high_lamp_cover_a_little_of_the_picture(name):
    """A map that the table reaches out of lays its rim over a third of the picture and more."""
    env = make(f"simgen/{name}-v0", obs="rgb")
    lit, shadowed = (picture(env, {**HIGH_LAMP, "light.shadow": shadow}) for shadow in (0.0, 1.0))
    env.close()
    assert 0.005 < (lit != shadowed).any(-1).mean() < 0.25


def picture(env, domain):
    """Return what the first camera sees in the first episode of a seed."""
    env.reset(seed=3, options={"domain": domain})
    return env.frame(next(iter(env.studio.views))).rgb
