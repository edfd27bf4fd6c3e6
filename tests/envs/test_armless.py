"""What every environment must hold, over those without an arm: checkers, exact repeats, copies, memory, closing."""

import copy
import pickle  # noqa: TID251 (what is tested)
import re

import gymnasium
import numpy as np
import pytest
from envs_fakes import ARMLESS, episode, make, quietly, resident_kb
from gymnasium.utils.env_checker import check_env

from simgen.errors import ConfigError, EnvError

OBS = ["state", "rgb", "rgbd", "depth", "depth_m", "segmentation", ("rgb", "state")]
STEPS = 4
LONG = {
    "simgen/PoseEstimation-v0": {"scenes": 20, "orientation": "6d"},
    "simgen/ActiveView-v0": {"terminate": False, "obs": ("rgb", "camera", "state"), "image_size": 48},
}
"""Settings under which an episode has many steps."""
SHAKEN = {
    "terms": {
        "camera.shift_*": {"distribution": [-0.1, 0.1], "when": "step"},
        "light.ambient": {"distribution": [0.3, 0.8], "when": "interval", "every_steps": 2},
    }
}


@pytest.mark.parametrize("obs", OBS)
@pytest.mark.parametrize("name", ARMLESS)
def test_both_checkers_are_content(name, obs):
    sb3 = pytest.importorskip("stable_baselines3.common.env_checker", reason="the extra [rl] is not installed")
    with gymnasium.make(name, obs=obs, randomization="medium", render_mode="rgb_array") as env:
        quietly(check_env, env.unwrapped)
        if obs != "depth_m":  # Stable-Baselines3 warns of every picture that is not uint8
            quietly(sb3.check_env, env.unwrapped)


@pytest.mark.parametrize("randomization", ["low", "medium", "high", SHAKEN])
@pytest.mark.parametrize("name", ARMLESS)
def test_an_episode_is_the_same_after_any_others(name, randomization):
    env = make(name, randomization=randomization, **LONG[name])
    first = episode(env, 5, STEPS)
    for other in (1, None, 2):
        episode(env, other, 2)
    assert episode(env, 5, STEPS) == first
    assert episode(env, 6, STEPS)[0] != first[0]
    env.close()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("name", ARMLESS)
def test_a_copy_is_built_anew_and_does_the_same(name, copied):
    env = make(name, **LONG[name])
    env.set_randomization("high")
    twin = copied(env)
    expected = episode(env, 4, STEPS)
    env.close()
    assert episode(twin, 4, STEPS) == expected
    twin.close()


@pytest.mark.parametrize("name", ARMLESS)
def test_a_saved_state_goes_on_as_it_did(name):
    env = make(name, randomization="high", **LONG[name])
    env.reset(seed=1)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(5)]
    env.step(actions[0])
    state = env.save_state()

    def go_on():
        return [env.step(action) for action in actions[1:]]

    first = go_on()
    episode(env, 8, 2)
    env.restore_state(state)
    np.testing.assert_equal(go_on(), first)
    env.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", ARMLESS)
def test_four_in_a_vector(name, mode):
    envs = gymnasium.make_vec(name, num_envs=4, vectorization_mode=mode, obs="rgb", image_size=24, randomization="high")
    observation, info = envs.reset(seed=3)
    assert len(np.unique(info["domain"]["light.azimuth_rad"])) == 4
    for _ in range(3):
        observation, *_ = envs.step(envs.action_space.sample())
        assert envs.observation_space.contains(observation)
    envs.close()


@pytest.mark.parametrize("name", ARMLESS)
def test_memory_stays_flat_over_resets(name):
    env = make(name, obs="rgb", image_size=24, randomization="high")
    for number in range(100):
        env.reset(seed=number)
    before = resident_kb()
    for number in range(200):
        env.reset(seed=number)
    assert resident_kb() - before < 8_000
    env.close()


@pytest.mark.parametrize("name", ARMLESS)
def test_closing_twice_is_fine_and_a_closed_one_says_so(name):
    env = make(name)
    env.reset(seed=0)
    env.close()
    env.close()
    with pytest.raises(EnvError, match="expected an open environment, got one that was closed"):
        env.step(env.action_space.sample())


@pytest.mark.parametrize(
    "term", ["action.noise", "action.latency_steps", "action.*", "joint_*.offset_rad", "robot.red"]
)
def test_terms_of_an_arm_are_refused_where_there_is_none_and_pass_where_they_are_shared(term):
    sentence = f'terms: this environment has no parameter "{re.escape(term)}"'
    with pytest.raises(ConfigError, match=sentence):
        make("simgen/PoseEstimation-v0", randomization={"terms": {term: 0.1}})
    env = make("simgen/PoseEstimation-v0", randomization={"terms": {term: 0.1}, "shared": True})
    assert env.reset(seed=0)[1]["domain"] == env.parameters.record(env.parameters.nominal())
    env.close()


@pytest.mark.parametrize("name", ARMLESS)
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"target": "bracked"}, r'target: unknown target "bracked" \(did you mean "bracket"\?\)'),
        ({"target": {"kind": "boxx"}}, r'model.kind: unknown kind "boxx" \(did you mean "box"\?\)'),
        (
            {"target": {"kind": "sphere", "radius_m": 40}},
            "target: expected a body within 0.1 m of its centre, got one of",
        ),
        ({"symmetry": {"w": 2}}, r"symmetry.w.*: expected one of x, y, z"),
        ({"obs": "proprio"}, 'obs: unknown mode "proprio"'),
        ({"cameras": "wrist"}, 'cameras: unknown camera "wrist"'),
    ],
)
def test_mistakes(name, settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make(name, **settings)
