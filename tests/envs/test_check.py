"""gymnasium's and Stable-Baselines3's own checkers, over every environment and way to observe."""

import subprocess
import sys
import warnings
from functools import partial

import gymnasium
import numpy as np
import pytest
from envs_fakes import ALL, make, quietly
from gymnasium.utils.env_checker import check_env

import simgen.envs
from simgen.envs.control import CONTROLS
from simgen.envs.observe import IMAGES

OBS = ["state", "proprio", "rgb", "rgbd", "depth", "depth_m", "segmentation", ("rgb", "proprio")]
UNCHECKED = "depth_m"
"""Stable-Baselines3 warns of every picture that is not uint8."""


def modes_of(name):
    """Return the ways to observe an environment."""
    own = [("camera", "rgb")] if name == "simgen/ActiveView-v0" else []
    return [mode for mode in OBS if name in ALL or "proprio" not in mode] + own


@pytest.mark.parametrize("obs", OBS)
@pytest.mark.parametrize("name", ALL)
def test_gymnasium_s_checker_is_content(name, obs):
    with gymnasium.make(name, obs=obs, randomization="medium", render_mode="rgb_array") as env:
        quietly(check_env, env.unwrapped)


@pytest.mark.parametrize("obs", [obs for obs in OBS if obs != UNCHECKED])
@pytest.mark.parametrize("name", ALL)
def test_stable_baselines3_s_checker_is_content(name, obs):
    checker = pytest.importorskip("stable_baselines3.common.env_checker", reason="the extra [rl] is not installed")
    env = make(name, obs=obs, randomization="medium")
    quietly(checker.check_env, env)
    env.close()


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("robot", ["kuka", "panda"])
def test_every_robot_and_control_passes_with_a_dense_reward(robot, control):
    env = make("simgen/Push-v0", robot=robot, control=control, reward="dense", randomization="low")
    quietly(check_env, env)
    env.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", ALL)
def test_four_in_a_vector(name, mode):
    envs = gymnasium.make_vec(name, num_envs=4, vectorization_mode=mode, obs="rgb", randomization="low")
    observation, info = envs.reset(seed=3)
    assert envs.observation_space.contains(observation)
    assert info["domain"]["gravity_m_s2"].dtype == np.float64
    assert len(np.unique(info["domain"]["light.azimuth_rad"])) == 4
    for _ in range(3):
        observation, *_ = envs.step(envs.action_space.sample())
        assert envs.observation_space.contains(observation)
    envs.call("set_randomization", {"terms": {"gravity_m_s2": 5}})
    assert (envs.reset()[1]["domain"]["gravity_m_s2"] == 5).all()
    envs.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_four_in_a_vector_however_they_observe(name, mode):
    for obs in modes_of(name):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DeprecationWarning)
            settings = {"obs": obs, "image_size": 36, "randomization": "high"}
            envs = gymnasium.make_vec(name, num_envs=4, vectorization_mode=mode, **settings)
            observation, _ = envs.reset(seed=3)
            for _ in range(3):
                assert envs.observation_space.contains(observation)
                observation, *_ = envs.step(envs.action_space.sample())
            envs.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["DummyVecEnv", "SubprocVecEnv"])
@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_four_in_a_vector_of_stable_baselines3(name, kind):
    vectors = pytest.importorskip("stable_baselines3.common.vec_env", reason="the extra [rl] is not installed")
    for obs in modes_of(name):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DeprecationWarning)
            make_one = partial(gymnasium.make, f"simgen.envs:{name}", obs=obs, image_size=36, randomization="high")
            envs = getattr(vectors, kind)([make_one] * 4)
            envs.seed(3)
            envs.reset()
            for _ in range(3):
                observation, reward, *_ = envs.step(np.stack([envs.action_space.sample() for _ in range(4)]))
            arrays = observation.values() if isinstance(observation, dict) else [observation]
            assert all(len(array) == 4 for array in [*arrays, reward])
            envs.close()


def test_async_and_sync_vectors_see_the_same():
    seen = []
    for mode in ("sync", "async"):
        envs = gymnasium.make_vec("simgen/Push-v0", num_envs=2, vectorization_mode=mode, randomization="high")
        envs.reset(seed=1)
        envs.action_space.seed(0)
        seen.append([envs.step(envs.action_space.sample())[0]["observation"] for _ in range(5)])
        envs.close()
    np.testing.assert_array_equal(seen[0], seen[1])


def test_they_are_found_by_name_alone_and_registering_again_changes_nothing(tmp_path):
    code = (
        "import gymnasium, sys\n"
        "env = gymnasium.make('simgen.envs:simgen/Reach-v0', obs='rgb')\n"
        "print(env.reset(seed=0)[0]['observation'].shape)\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[-2] == "(84, 84, 3)"
    before = dict(gymnasium.registry)
    simgen.envs.register_all()
    assert dict(gymnasium.registry) == before


def test_rewards_of_many_goals_are_those_of_each():
    for reward in ("sparse", "dense"):
        env = make("simgen/Reach-v0", reward=reward)
        rng = np.random.default_rng(0)
        achieved, desired = rng.uniform(-0.1, 0.1, (2, 20, 3)).astype(np.float32)
        many = env.compute_reward(achieved, desired, [{}] * 20)
        assert many.shape == (20,)
        assert [env.compute_reward(a, d, {}) for a, d in zip(achieved, desired, strict=True)] == many.tolist()
        distance = np.linalg.norm(achieved.astype(float) - desired, axis=1)
        expected = -distance if reward == "dense" else np.where(distance < 0.05, 0, -1)
        np.testing.assert_allclose(many, expected, rtol=1e-12)
        env.close()


def test_pictures_of_several_cameras_have_their_names():
    env = make("simgen/Reach-v0", obs=("rgb", "segmentation", "state"), cameras=("side", "wrist"), image_size=(96, 64))
    observation, _ = env.reset(seed=0)
    names = {"rgb_side", "rgb_wrist", "segmentation_side", "segmentation_wrist", "state"}
    assert set(observation) == names | {"achieved_goal", "desired_goal"}
    assert observation["rgb_wrist"].shape == (64, 96, 3)
    assert set(np.unique(observation["segmentation_side"])) == {0, 1, 2, 3}  # nothing, table, goal, arm
    env.close()


def test_depth_is_the_same_in_metres_and_in_levels():
    env = make("simgen/Push-v0", obs=("depth", "depth_m", "rgbd", "rgb"))
    observation, _ = env.reset(seed=0)
    hit = observation["depth_m"] > 0
    np.testing.assert_allclose(observation["depth"][hit] / 100, observation["depth_m"][hit], atol=0.0051)
    assert (observation["depth"][~hit] == 255).all()
    np.testing.assert_array_equal(observation["rgbd"], np.concatenate([observation["rgb"], observation["depth"]], -1))
    assert set(IMAGES) == {"rgb", "rgbd", "depth", "depth_m", "segmentation"}
    env.close()
