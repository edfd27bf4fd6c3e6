"""`Latency`: what arrives when."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import simgen.envs  # noqa: F401 (registers them)
from simgen.envs.wrappers import Latency
from simgen.errors import EnvError

REACH = "simgen/Reach-v0"
ACTIONS = np.random.default_rng(0).uniform(-1, 1, (6, 3)).astype(np.float32)


def rolled(env):
    """Return the observations and the rewards of fixed actions."""
    observation, _ = env.reset(seed=3)
    seen, rewards = [observation], []
    for action in ACTIONS:
        observation, reward, *_ = env.step(action)
        seen.append(observation)
        rewards.append(reward)
    return seen, rewards


def made(**settings):
    return gymnasium.make(REACH, terminate=False, reward="dense", **settings)


def test_named_arrays_are_late_and_all_else_is_of_now():
    bare, late = rolled(made()), rolled(Latency(made(), observation_steps=2))
    for step, observation in enumerate(late[0]):
        np.testing.assert_array_equal(observation["observation"], bare[0][max(step - 2, 0)]["observation"])
        np.testing.assert_array_equal(observation["achieved_goal"], bare[0][step]["achieved_goal"])
    assert late[1] == bare[1]


def test_it_is_the_same_latency_as_that_of_the_randomization():
    for name, wrapped in {
        "observation.latency_steps": Latency(made(), observation_steps=3),
        "action.latency_steps": Latency(made(), action_steps=3),
    }.items():
        term, wrapper = rolled(made(randomization={"terms": {name: 3}})), rolled(wrapped)
        assert term[1] == wrapper[1]
        for one, other in zip(term[0], wrapper[0], strict=True):
            assert all(np.array_equal(one[key], other[key]) for key in one)


def test_an_action_to_begin_with_and_actions_of_other_kinds():
    up = rolled(Latency(made(), action_steps=2, still=[0, 0, 1]))[0]
    assert up[2]["achieved_goal"][2] > up[0]["achieved_goal"][2] + 0.03
    cart, late = gymnasium.make("CartPole-v1"), Latency(gymnasium.make("CartPole-v1"), 0, 1, still=1)
    for env in (cart, late):
        env.reset(seed=0)
    cart.step(1)
    late.step(0)
    np.testing.assert_array_equal(cart.step(0)[0], late.step(1)[0])


def test_nothing_of_an_episode_is_left_in_the_next():
    env = Latency(made(), 2, 2)
    first = rolled(env)
    again = rolled(env)
    assert first[1] == again[1]
    assert all(np.array_equal(a["observation"], b["observation"]) for a, b in zip(first[0], again[0], strict=True))


def test_the_checker_is_content_and_it_is_made_again_from_its_spec():
    env = Latency(gymnasium.make(REACH), 2, 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(env, skip_render_check=True)
    assert np.array_equal(rolled(gymnasium.make(env.spec))[0][3]["observation"], rolled(env)[0][3]["observation"])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"observation_steps": -1}, "Latency: expected observation_steps >= 0, got -1"),
        ({"action_steps": 1.5}, "Latency: expected action_steps >= 0, got 1.5"),
        ({"keys": ("obsrvation",)}, r'Latency: unknown name "obsrvation" \(did you mean "observation"\?\)'),
        ({"action_steps": 1, "still": [0, 0, 2]}, r"Latency: still: expected an action of the space .*, got \[0, 0, 2"),
    ],
)
def test_mistakes_are_told(settings, sentence):
    with pytest.raises(EnvError, match=sentence):
        Latency(gymnasium.make(REACH), **settings)
