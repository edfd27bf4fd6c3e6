"""Every wrapper around every environment, whatever it observes, alone and in vectors."""

import warnings

import gymnasium
import numpy as np
import pytest
from envs_fakes import ARMLESS
from gymnasium.utils.env_checker import check_env

import simgen.envs
from simgen.envs.observe import IMAGES
from simgen.envs.wrappers import CanonicalPair, FrameStack, Latency, ObservationNoise, PrivilegedObs, RecordDataset
from simgen.errors import EnvError

SEED, STEPS = 4, 3
MODES = ["state", *IMAGES, ("rgb", "state")]
SETTINGS = {"image_size": 32, "randomization": "high"}


def keys(env):
    """Return the names of the modes' arrays."""
    known = (
        env.observation_space.spaces if isinstance(env.observation_space, gymnasium.spaces.Dict) else ["observation"]
    )
    return tuple(key for key in known if not key.endswith("_goal"))


WRAPPERS = {
    "noise": lambda env: ObservationNoise(env, dict.fromkeys(keys(env), 0.01), dict.fromkeys(keys(env), 0.02)),
    "stack": lambda env: FrameStack(env, 3, keys(env)),
    "latency": lambda env: Latency(env, 2, 1, keys(env)),
    "privileged": PrivilegedObs,
    "canonical": lambda env: CanonicalPair(env, ("rgb", "depth", "segmentation")),
}


def modes_of(name):
    return [*MODES, "camera"] if name == "simgen/ActiveView-v0" else MODES if name in ARMLESS else [*MODES, "proprio"]


def pictured(mode):
    return any(part in IMAGES for part in ([mode] if isinstance(mode, str) else mode))


def played(env, episode=0):
    """Return what an environment says in an episode, with an observation that is one array as a dict."""
    env.action_space.seed(SEED)
    said = [(*env.reset(seed=SEED, options={"episode": episode}),)]
    while len(said) <= STEPS and not any(said[-1][2:4]):
        observation, reward, *ends, info = env.step(env.action_space.sample())
        said.append((observation, info, *ends, reward))
    return said


def wrapped(name, wrapper, mode):
    return WRAPPERS[wrapper](gymnasium.make(name, obs=mode, **SETTINGS))


def from_the_spec(env):
    """Return what an environment says, and what one made of its spec says after another episode."""
    first, again = played(env), gymnasium.make(env.spec)
    played(again, 1)
    second = played(again)
    again.close()
    return first, second


def all_contained(env, said):
    return all(env.observation_space.contains(step[0]) for step in said)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_every_wrapper_around_every_environment_repeats(name, wrapper):
    env = wrapped(name, wrapper, ("rgb", "state"))
    said, again = from_the_spec(env)
    assert all_contained(env, said)
    np.testing.assert_equal(again, said)
    env.close()


@pytest.mark.slow
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_the_checker_is_content_with_every_wrapper_and_way_to_observe(name, wrapper):
    for mode in modes_of(name):
        if wrapper != "canonical" or pictured(mode):
            env = wrapped(name, wrapper, mode)
            with warnings.catch_warnings():
                warnings.filterwarnings("error", category=UserWarning)
                warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
                check_env(env, skip_render_check=True)
            said, again = from_the_spec(env)
            assert all_contained(env, said)
            np.testing.assert_equal(again, said)
            env.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_all_wrappers_at_once_in_a_vector(name, mode):
    envs = gymnasium.make_vec(
        name,
        num_envs=2,
        vectorization_mode=mode,
        obs=("rgb", "state"),
        wrappers=[WRAPPERS[wrapper] for wrapper in ("canonical", "noise", "privileged", "latency", "stack")],
        **SETTINGS,
    )
    observation, _ = envs.reset(seed=SEED)
    for _ in range(STEPS):
        assert envs.observation_space.contains(observation)
        observation, *_ = envs.step(envs.action_space.sample())
    envs.close()


@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_every_environment_is_recorded(name, tmp_path):
    env = RecordDataset(gymnasium.make(name, max_episode_steps=2, obs="state", **SETTINGS), tmp_path)
    last = played(env)[-1]
    env.close()
    pictures = sorted((tmp_path / "images").iterdir())
    assert len(pictures) == (2 if last[2] else 3)  # terminated after the first step, or truncated after the second
    assert env.done() == {0}


@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_canonical_pictures_are_those_of_the_same_state_without_randomization(name):
    looks = {"scene": {"light": {}, "background": {}, "sensor": {"noise": [2, 5]}}, "materials": {"*": {}}}
    settings = {"obs": ("rgb", "depth", "segmentation"), "image_size": 48}
    bare = gymnasium.make(name, randomization="none", **settings)
    env = CanonicalPair(gymnasium.make(name, randomization=looks, **settings), ("rgb", "depth", "segmentation"))
    for one, other in zip(played(env), played(bare), strict=True):
        for mode in settings["obs"]:
            np.testing.assert_array_equal(one[0][f"canonical_{mode}"], other[0][mode])
        assert (one[0]["rgb"] != other[0]["rgb"]).mean() > 0.3
        np.testing.assert_array_equal(one[0]["segmentation"], other[0]["segmentation"])
    env.close()
    bare.close()


def test_a_canonical_picture_is_as_late_as_the_observation_also_where_another_thing_is_asked_for():
    late = {"terms": {"observation.latency_steps": 2}}
    env = gymnasium.make("simgen/PoseEstimation-v0", scenes=4, image_size=32, randomization=late)
    for observation, *_ in played(CanonicalPair(env)):
        np.testing.assert_array_equal(observation["observation"], observation["canonical_rgb"])
    env.close()


def test_without_pictures_there_is_nothing_to_pair():
    env = gymnasium.make("simgen/ActiveView-v0", obs="camera")
    with pytest.raises(EnvError, match="expected an environment that observes pictures"):
        CanonicalPair(env)
    env.close()
