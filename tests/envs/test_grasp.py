"""`Grasp`: what its goals mean, and that an expert lifts things without the fingers sinking into them."""

import numpy as np
import pytest
from envs_fakes import make

from simgen.bullet import p
from simgen.envs.experts import GraspExpert
from simgen.envs.grasp import NEAR_M
from simgen.errors import ConfigError


def lifted(env, seed):
    """Play an expert's episode. Returns the last step, and the deepest that things sank into the arm, metres."""
    observation, _ = env.reset(seed=seed)
    expert, deepest = GraspExpert(), 0.0
    for _ in range(100):
        observation, reward, terminated, _, info = env.step(expert(observation))
        contacts = p.getContactPoints(bodyA=env.arm.id, physicsClientId=env.sim.client)
        deepest = min([deepest, *(contact[8] for contact in contacts)])
        if terminated:
            break
    return observation, reward, info, -deepest


@pytest.mark.parametrize("robot", ["kuka", "panda"])
def test_the_expert_lifts_and_nothing_sinks_into_the_fingers(robot):
    env = make("simgen/Grasp-v0", robot=robot)
    for seed in range(3):
        observation, reward, info, deepest = lifted(env, seed)
        height, distance, held = observation["achieved_goal"]
        assert info["is_success"] == info["held"] == held == 1
        assert reward == 0
        assert height > observation["desired_goal"][0] - env.near_m
        assert distance < NEAR_M
        assert deepest < 0.003
    env.close()


@pytest.mark.parametrize(
    "shape",
    [
        {"kind": "cylinder", "radius_m": 0.02, "height_m": 0.05},
        {"kind": "lump", "size_m": [0.05, 0.04, 0.045], "roundness": 0.5},
        {"kind": "die", "size_m": 0.03},
    ],
)
def test_other_things_of_the_catalog_are_lifted_too(shape):
    env = make("simgen/Grasp-v0", shape=shape)
    assert lifted(env, 1)[2]["is_success"] == 1
    env.close()


def test_an_expert_lifts_late_and_noisily():
    env = make("simgen/Grasp-v0", randomization="medium")
    assert lifted(env, 3)[2]["is_success"] == 1
    env.close()


def test_the_fingers_move_as_one():
    env = make("simgen/Grasp-v0")
    env.reset(seed=0)
    for grip in (-1, 1, -0.5):
        for _ in range(10):
            env.step(np.array([0, 0, 0, grip]))
        states = p.getJointStates(env.arm.id, env.arm.fingers, physicsClientId=env.sim.client)
        assert states[0][0] == pytest.approx(states[1][0], abs=1e-3)
        assert states[0][0] == pytest.approx((grip + 1) / 2 * 0.04, abs=2e-3)
    env.close()


def test_what_is_missing_is_height_nearness_and_a_grip():
    env, sparse = make("simgen/Grasp-v0", reward="dense"), make("simgen/Grasp-v0")
    desired = np.array([0.1, NEAR_M, 1.0])
    achieved = np.array([[0.0, 0.3, 0.0], [0.0, 0.02, 1.0], [0.12, 0.02, 0.0], [0.12, 0.02, 1.0]])
    expected = [-(0.1 + 0.26 + 0.1), -0.1, -0.1, 0.0]
    np.testing.assert_allclose(env.compute_reward(achieved, np.tile(desired, (4, 1))), expected, atol=1e-12)
    assert sparse.compute_reward(achieved, desired).tolist() == [-1, -1, -1, 0]
    assert env.compute_reward(achieved[1], desired) == pytest.approx(-0.1)
    observation, _ = env.reset(seed=0)
    for _ in range(5):
        observation, reward, *_ = env.step(env.action_space.sample())
        assert reward == env.compute_reward(observation["achieved_goal"], observation["desired_goal"])
    env.close()
    sparse.close()


def test_a_thrown_or_lifted_object_without_a_grip_is_no_success():
    env = make("simgen/Grasp-v0")
    env.reset(seed=0)
    env.sim.place("object", env.arm.tool()[0] + (0, 0, 0.2))
    _, reward, terminated, _, info = env.step(np.zeros(4))
    assert info["height_m"] > 0.2
    assert (reward, terminated, info["held"], info["is_success"]) == (-1, False, 0, 0)
    env.close()


def test_the_state_holds_the_fingers_and_the_object():
    env = make("simgen/Grasp-v0")
    state = env.reset(seed=2)[0]["observation"]
    assert state.shape == (20,)
    assert state[6] == pytest.approx(0.04, abs=1e-4)
    np.testing.assert_allclose(state[7:14], np.concatenate(env.sim.pose("object")), atol=1e-6)
    env.close()


def test_what_does_not_fit_between_the_fingers_is_refused():
    with pytest.raises(ConfigError, match=r"shape: expected one that fits between the fingers \(0.08 m\), got 0.1 m"):
        make("simgen/Grasp-v0", shape={"kind": "box", "size_m": [0.1, 0.12, 0.03]})
    with pytest.raises(ConfigError, match=r'model\.kind: unknown kind "boxx" \(did you mean "box"'):
        make("simgen/Grasp-v0", shape={"kind": "boxx"})
