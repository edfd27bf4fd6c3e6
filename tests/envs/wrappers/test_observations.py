"""Wrappers of observations: what they add, and that it repeats."""

import warnings

import gymnasium
import numpy as np
import pytest
from envs_fakes import SHAKEN
from gymnasium.utils.env_checker import check_env

import simgen.envs  # noqa: F401 (registers them)
from simgen.envs.wrappers import CanonicalPair, FrameStack, ObservationNoise, PrivilegedObs
from simgen.errors import EnvError

REACH, PUSH = "simgen/Reach-v0", "simgen/Push-v0"
FORWARD = np.array([0.2, 0.1, -0.3], np.float32)
WRAPPED = {
    "noise": lambda: ObservationNoise(gymnasium.make(REACH), 0.01, {"achieved_goal": 0.02}),
    "noise on pixels": lambda: ObservationNoise(gymnasium.make(REACH, obs="rgb"), 5),
    "stack": lambda: FrameStack(gymnasium.make(REACH), 3),
    "privileged": lambda: PrivilegedObs(gymnasium.make(PUSH, obs="rgb", randomization="high")),
    "canonical": lambda: CanonicalPair(gymnasium.make(PUSH, obs="rgb", randomization="high"), ("rgb", "depth")),
    "all": lambda: FrameStack(
        PrivilegedObs(ObservationNoise(CanonicalPair(gymnasium.make(PUSH, obs="rgb")), 2)),
        2,
        ("observation", "canonical_rgb"),
    ),
}


def rolled(env, seed, steps=4, **options):
    observations = [env.reset(seed=seed, options=options)[0]]
    observations += [env.step(FORWARD)[0] for _ in range(steps)]
    return observations


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_environments_pass_the_checker_and_are_made_again_from_their_spec(name):
    env = WRAPPED[name]()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(env, skip_render_check=True)
    again = gymnasium.make(env.spec)
    assert again.observation_space == env.observation_space
    for one, other in zip(rolled(env, 5), rolled(again, 5), strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[key], other[key]) for key in one)
    again.close()
    env.close()


def test_noise_has_its_strength_repeats_with_the_episode_and_moves_nothing():
    bare, env = gymnasium.make(REACH), ObservationNoise(gymnasium.make(REACH), 0.01, 0.1)
    errors = []
    for episode in range(60):
        clean, noisy = (rolled(one, 3, episode=episode) for one in (bare, env))
        errors.append([b["observation"] - a["observation"] for a, b in zip(clean, noisy, strict=True)])
        assert all(np.array_equal(a["desired_goal"], b["desired_goal"]) for a, b in zip(clean, noisy, strict=True))
    errors = np.array(errors)  # (episodes, steps, numbers)
    assert errors.std(1, ddof=1).mean() == pytest.approx(0.01 * 0.94, rel=0.1)  # 0.94: of 5 draws (c4)
    assert errors.mean(1).std() == pytest.approx(0.1, rel=0.15)
    first = rolled(env, 3, episode=7)[-1]["observation"]
    rolled(env, 4)
    assert np.array_equal(rolled(env, 3, episode=7)[-1]["observation"], first)
    bare.close()
    env.close()


def test_noise_repeats_after_a_state_is_restored():
    env = ObservationNoise(gymnasium.make(REACH), 0.01)
    rolled(env, 0, 2)
    state = env.unwrapped.save_state()
    first = env.step(FORWARD)[0]
    env.step(FORWARD)
    env.unwrapped.restore_state(state)
    assert np.array_equal(env.step(FORWARD)[0]["observation"], first["observation"])
    env.close()


def test_a_stack_holds_the_last_observations_and_leaves_goals_alone():
    bare, env = gymnasium.make(REACH, obs="rgb"), FrameStack(gymnasium.make(REACH, obs="rgb"), 3)
    seen, stacks = (rolled(one, 1) for one in (bare, env))
    assert env.observation_space["observation"].shape == (84, 84, 9)
    for step, stack in enumerate(stacks):
        wanted = [seen[max(0, step - back)]["observation"] for back in (2, 1, 0)]
        assert np.array_equal(stack["observation"], np.concatenate(wanted, -1))
        assert np.array_equal(stack["achieved_goal"], seen[step]["achieved_goal"])
    bare.close()
    env.close()


def test_a_stack_of_any_environment():
    env = FrameStack(gymnasium.make("CartPole-v1"), 2)
    first, _ = env.reset(seed=0)
    second, *_ = env.step(0)
    assert np.array_equal(second[:4], first[4:])
    assert env.observation_space.contains(second)


def test_privileged_numbers_are_the_true_state_and_the_domain():
    env = PrivilegedObs(gymnasium.make(PUSH, obs="rgb", randomization=SHAKEN), parameters=("*.mass_kg", "gravity_m_s2"))
    truth = gymnasium.make(PUSH, randomization=SHAKEN)
    assert env.parameters == ("gravity_m_s2", "object.mass_kg")
    for one, other in zip(rolled(env, 2), rolled(truth, 2), strict=True):
        assert np.array_equal(one["privileged"][: env.state_size], other["observation"])
    domain = env.unwrapped.domain.values
    wanted = [domain["gravity_m_s2"], domain["object.mass_kg"]]
    np.testing.assert_allclose(rolled(env, 2)[-1]["privileged"][env.state_size :], wanted, rtol=1e-6)
    env.close()
    truth.close()


def test_without_a_state_that_is_late_privileged_numbers_are_those_of_now():
    late = {"terms": {"observation.latency_steps": 2}}
    env = PrivilegedObs(gymnasium.make(REACH, randomization=late))
    seen = rolled(env, 0)
    size = env.state_size
    assert all(np.array_equal(seen[k]["observation"], seen[k - 2]["privileged"][:size]) for k in (2, 3, 4))
    env.close()


@pytest.mark.parametrize("latency", [0, 2])
def test_canonical_pictures_are_those_of_the_same_state_without_randomization(latency):
    plain = {"terms": {"observation.latency_steps": latency}}
    seen_only = plain | {"materials": {"table": {"textures": {"wood": 1}}}, "scene": {"light": {}}}
    bare = gymnasium.make(PUSH, obs=("rgb", "depth"), cameras=("front", "wrist"), randomization=plain)
    env = CanonicalPair(
        gymnasium.make(PUSH, obs="rgb", cameras=("front", "wrist"), randomization=seen_only), ("rgb", "depth")
    )
    for one, other in zip(rolled(env, 4), rolled(bare, 4), strict=True):
        for camera in ("front", "wrist"):
            assert np.array_equal(one[f"canonical_rgb_{camera}"], other[f"rgb_{camera}"])
            assert np.array_equal(one[f"canonical_depth_{camera}"], other[f"depth_{camera}"])
            assert not np.array_equal(one[f"rgb_{camera}"], other[f"rgb_{camera}"])
    bare.close()
    env.close()


@pytest.mark.parametrize(
    ("wrap", "message"),
    [
        (
            lambda env: ObservationNoise(env, {"achieved_gaol": 1.0}),
            r'std: unknown name "achieved_gaol".*achieved_g',
        ),
        (lambda env: ObservationNoise(env, -1.0), "std.observation: expected a number >= 0, got -1.0"),
        (lambda env: FrameStack(env, 0), "expected frames >= 1, got 0"),
        (lambda env: FrameStack(env, 2, ("rgb",)), 'FrameStack: unknown name "rgb"'),
        (lambda env: PrivilegedObs(env, "desired_goal"), 'expected a key that is free, got "desired_goal"'),
        (lambda env: PrivilegedObs(env, parameters=("gravty_m_s2",)), 'unknown parameter "gravty_m_s2".*gravity_m_s2'),
        (CanonicalPair, "expected an environment that observes pictures"),
        (lambda env: CanonicalPair(env, ("rbg",)), 'CanonicalPair: modes: unknown name "rbg".*rgb'),
        (
            lambda _: PrivilegedObs(gymnasium.make("CartPole-v1")),
            "expected an environment of simgen.envs, got Cart",
        ),
    ],
)
def test_mistakes_are_told(wrap, message):
    env = gymnasium.make(REACH)
    with pytest.raises(EnvError, match=message):
        wrap(env)
    env.close()


def test_in_a_vector():
    envs = gymnasium.make_vec(REACH, num_envs=2, wrappers=[PrivilegedObs, lambda env: FrameStack(env, 2)])
    observation, _ = envs.reset(seed=0)
    assert envs.observation_space.contains(observation)
    envs.close()
