"""Environments under the renderer `gl`: the looks of a domain reach it, and episodes repeat."""

import numpy as np
from envs_fakes import episode, make
from gl_for_tests import needs_gl

VARIED = {
    "scene": {"lamps": {"groups": [{"count": 1}]}, "background": {}},
    "materials": {"*": {"textures": {"noise": 1, "checker": 1}}},
    "terms": {"robot.red": [0.2, 1]},
    "pool": 4,
}


@needs_gl
def test_surfaces_and_tints_reach_the_pixels_and_go_back():
    env = make("simgen/Push-v0", obs="rgb", render={"kind": "gl"}, randomization=VARIED)
    nominal = env.parameters.nominal()

    def seen(**changed):
        domain = nominal | {name.replace("__", "."): value for name, value in changed.items()}
        return env.reset(seed=0, options={"domain": domain})[0]["observation"].astype(int)

    plain = seen()
    for name, value in {"table__draw": 1.0, "robot__red": 0.2, "lamps__draw": 1.0, "background__draw": 2.0}.items():
        assert np.abs(seen(**{name: value}) - plain).max() > 8, name
    assert (seen() == plain).all()
    env.close()


@needs_gl
def test_an_episode_is_the_same_after_others():
    env = make("simgen/Push-v0", obs=("rgb", "segmentation"), render={"kind": "gl"}, randomization=VARIED)
    first = episode(env, 5, 4)
    episode(env, 6, 2)
    assert episode(env, 5, 4) == first
    env.close()
