"""`ActiveView`: what is revealed agrees with the pictures, and choosing views pays."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from envs_fakes import make

from simgen.envs import dome

NAME = "simgen/ActiveView-v0"


@pytest.mark.parametrize("target", ["die", "bracket", "can"])
def test_the_visible_share_is_that_of_the_silhouette(target):
    """Against pictures of the same scene with and without the occluders."""
    env = make(NAME, obs="segmentation", target=target, image_size=200, control="dome")
    env.action_space.seed(0)
    shares = []
    for seed in range(12):
        env.reset(seed=seed)
        seen, *_, info = env.step(env.action_space.sample())
        state = env.save_state()
        for number in range(env.settings.occluders):
            env.sim.place(f"occluder_{number + 1}", (0, 0, -100))
        alone = env.frame("moving").instances == 2
        env.restore_state(state)
        shares.append((info["visible"], (seen == 2).sum() / alone.sum()))
    found, expected = np.array(shares).T
    assert 0.1 < expected.mean() < 0.95
    assert abs((found - expected).mean()) < 0.03
    assert np.abs(found - expected).max() < 0.15
    env.close()


def test_rewards_add_up_to_what_was_revealed_less_the_way():
    env = make(NAME, obs="camera", move_cost=0.5, terminate=False)
    _, info = env.reset(seed=0)
    env.action_space.seed(0)
    total, way, before = info["revealed"], 0.0, env.place
    for _ in range(10):
        action = env.action_space.sample()
        seen, reward, *_, info = env.step(action)
        total += reward
        way += float(dome.arcs_rad(before, env.place[None])[0])
        before = env.place
        np.testing.assert_allclose(seen[2:], env.place[1:], atol=1e-6)
        assert np.arctan2(seen[1], seen[0]) == pytest.approx(env.place[0], abs=1e-6)
    assert way > 1
    assert total == pytest.approx(info["revealed"] - 0.5 * way)
    env.close()


def test_what_is_seen_once_is_not_paid_twice_but_a_view_is():
    stay = np.zeros(3, np.float32)
    for reward, paid in (("surface", False), ("view", True)):
        env = make(NAME, obs="camera", reward=reward, occluders=0, terminate=False)
        _, info = env.reset(seed=0)
        assert info["visible"] == 1
        assert (env.step(stay)[1] > 0.9) == paid
        env.close()


def test_an_episode_begins_behind_an_occluder_and_ends_with_success():
    env = make(NAME, obs="camera")
    begun = []
    for seed in range(20):
        _, info = env.reset(seed=seed)
        begun.append(info["visible"])
    assert np.mean(begun) < 0.2
    for _ in range(20):
        _, _, ended, _, info = env.step(env.greedy())
        assert ended == bool(info["is_success"]) == (info["revealed"] >= 0.9)
        if ended:
            break
    assert ended
    env.close()


def _walk(env, policy, seed):
    env.reset(seed=seed)
    env.action_space.seed(seed)
    total, number, ended = 0.0, 0, False
    while not ended and number < 20:
        _, reward, ended, _, info = env.step(policy(env))
        total, number = total + reward, number + 1
    return total, number, info["is_success"]


def test_choosing_views_beats_chance_over_fifty_seeds():
    env = make(NAME, obs="camera", randomization="medium")
    chosen = np.mean([_walk(env, type(env).greedy, seed) for seed in range(50)], 0)
    chance = np.mean([_walk(env, lambda env: env.action_space.sample(), seed) for seed in range(50)], 0)
    assert chosen[0] > chance[0] + 0.15
    assert chosen[1] < 0.6 * chance[1]
    assert chosen[2] > 0.9 > 0.5 > chance[2]
    env.close()


def test_another_camera_shows_the_scene_and_changes_nothing_of_the_task():
    rewards = []
    for cameras in (
        "moving",
        "front",
        ("front", "moving"),
        {"moving": {"eye_m": [1, 0, 1], "target_m": dome.CENTER_M}},
    ):
        env = make(NAME, cameras=cameras)
        env.reset(seed=0)
        rewards.append([env.step(env.greedy())[1] for _ in range(3)])
        env.close()
    assert rewards[0] == rewards[1] == rewards[2]


def test_the_example_finds_the_die_and_draws_its_way(tmp_path):
    program = Path(__file__).resolve().parents[2] / "examples" / "04_active_view.py"
    run = subprocess.run([sys.executable, program, "3"], cwd=tmp_path, capture_output=True, text=True, check=True)
    shares = [float(line.split()[-6]) for line in run.stdout.splitlines() if "surface" in line]
    assert shares == sorted(shares)
    assert shares[-1] >= 0.9
    assert (tmp_path / "active_view.png").stat().st_size > 10_000


@pytest.mark.parametrize("control", ["delta", "dome"])
def test_the_camera_moves_late_and_with_noise_where_that_is_asked_for(control):
    env = make(NAME, obs="camera", control=control, terminate=False)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(6)]

    def places(**domain):
        env.reset(seed=0, options={"domain": {f"action.{name}": value for name, value in domain.items()}})
        begun = env.place
        return np.array([begun] + [env.step(action) and env.place for action in actions])

    at_once, late, noisy = places(), places(latency_steps=2), places(noise=0.1)
    np.testing.assert_allclose(late[:3], [late[0]] * 3, atol=1e-9)
    np.testing.assert_allclose(late[3:], at_once[1:-2], atol=1e-9)
    assert 0 < np.abs(noisy - at_once)[1].max() < 1
    np.testing.assert_array_equal(places(noise=0.1), noisy)
    env.close()
