"""`PoseEstimation`: what the truth earns, what chance does, and what pictures show."""

import numpy as np
import pytest
from envs_fakes import make

from simgen.errors import ConfigError
from simgen.geometry import look_at, project, transform
from simgen.render import camera_matrix

NAME = "simgen/PoseEstimation-v0"
BOX = {"kind": "box", "size_m": [0.08, 0.05, 0.03], "texture_px": 16}


@pytest.mark.parametrize("orientation", ["none", "yaw", "6d"])
@pytest.mark.parametrize("target", ["die", "bracket", "box", "can", BOX])
def test_the_truth_earns_one(target, orientation):
    env = make(NAME, obs="state", target=target, orientation=orientation, scenes=10)
    seen, _ = env.reset(seed=0)
    for _ in range(10):
        assert env.action_space.contains(seen)
        seen, reward, ended, _, info = env.step(seen)
        assert reward == pytest.approx(1, abs=1e-4)
        assert info["error_m"] < 1e-6
        assert info.get("error_rad", 0) < 1e-3
    assert ended
    env.close()


def test_a_constant_guess_earns_what_chance_does():
    """A yaw that is off by u in [0, pi], all alike: the mean of exp(-u / s) is s / pi (1 - exp(-pi / s))."""
    env = make(NAME, obs="state", scenes=1000, distractors=0, randomization="none")
    env.reset(seed=0)
    steps = [env.step([0, 0, 0, 1, 0]) for _ in range(1000)]
    angles = np.array([step[4]["error_rad"] for step in steps])
    places = np.array([step[4]["error_m"] for step in steps])
    assert angles.mean() == pytest.approx(np.pi / 2, abs=0.1)
    # The mean distance from the middle of a square of edge a is 0.3826 a; the height is off by under 2.5 cm.
    assert places.mean() == pytest.approx(0.3826 * 0.3, abs=0.01)
    turned = 0.5 / np.pi * (1 - np.exp(-np.pi / 0.5))
    expected = (np.exp(-places / 0.05).mean() + turned) / 2
    assert np.mean([step[1] for step in steps]) == pytest.approx(expected, abs=0.01)
    assert np.mean([step[1] for step in steps]) < 0.2
    env.close()


def test_a_symmetric_thing_may_be_turned_half_about():
    rewards = {}
    for name, symmetry in (("known", None), ("denied", {})):
        env = make(NAME, obs="state", target="box", symmetry=symmetry)
        truth, _ = env.reset(seed=0)
        truth[3:] *= -1
        rewards[name] = env.step(truth)[1]
        env.close()
    assert rewards["known"] == pytest.approx(1, abs=1e-4)
    assert rewards["denied"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("camera", ["front", "side", "top"])
def test_the_target_is_seen_where_the_truth_says(camera):
    env = make(NAME, obs="segmentation", cameras=camera, distractors=0, scenes=20, image_size=160)
    seen, _ = env.reset(seed=1)
    for _ in range(8):
        spec = env.camera(camera, (160, 160))
        place = env.place_m(env.truth())[None]
        pixel = project(camera_matrix(spec), transform(look_at(spec.eye_m, spec.target_m), place))[0]
        rows, columns = np.nonzero(seen[..., 0] == 2)
        np.testing.assert_allclose(pixel, [columns.mean(), rows.mean()], atol=2.5)
        seen, *_ = env.step(env.truth())
    env.close()


def test_the_target_touches_the_table_however_it_is_turned():
    env = make(NAME, obs="state", target="bracket", orientation="6d", scenes=10)
    env.reset(seed=0)
    for _ in range(10):
        body = env.sim.body("target")
        corners = transform(env.sim.world.poses()[1], body.mesh.vertices_m)
        assert corners[:, 2].min() == pytest.approx(0, abs=1e-6)
        env.step(env.truth())
    env.close()


def test_things_stand_apart_and_their_number_varies():
    env = make(NAME, obs="state", distractors=6, scenes=40)
    env.reset(seed=0)
    shown = set()
    for _ in range(40):
        places = [env.sim.pose(body.spec.name)[0] for body in env.sim.world.bodies[1:]]
        on_table = np.array([place for place in places if place[2] > -1])
        gaps = np.linalg.norm(on_table[:, None] - on_table, axis=-1)[~np.eye(len(on_table), dtype=bool)]
        assert gaps.size == 0 or gaps.min() > 0.04
        shown.add(len(on_table))
        env.step(env.truth())
    assert len(shown) >= 4
    env.close()


def test_each_step_of_an_episode_shows_another_arrangement_at_once():
    """An observation that comes late never shows an arrangement that is no longer asked for."""
    env = make(NAME, obs=("segmentation", "state"), scenes=5, randomization={"terms": {"observation.latency_steps": 3}})
    seen, _ = env.reset(seed=0)
    states = [seen["state"]]
    for _ in range(4):
        seen, *_ = env.step(env.truth())
        np.testing.assert_array_equal(seen["state"], env.truth())
        states.append(seen["state"])
    assert len(np.unique(states, axis=0)) == 5
    env.close()


def test_settings_of_its_own():
    with pytest.raises(ConfigError, match=r"PoseEstimation\.orientation: expected one of none, yaw, 6d"):
        make(NAME, orientation="quat")
    with pytest.raises(ConfigError, match=r"PoseEstimation\.scale_m: expected a number > 0, got 0"):
        make(NAME, scale_m=0)
