"""An episode is a function of (settings, seed, number) and the actions: whatever was before it, and in a copy, too."""

import copy
import pickle  # noqa: TID251 (what is tested)

import gymnasium
import numpy as np
import pytest
from envs_fakes import ALL, GOALS, SHAKEN, episode, make, resident_kb

from simgen.errors import EnvError


@pytest.mark.parametrize("control", ["ee_delta", "joint_delta", "joint_velocity"])
@pytest.mark.parametrize("name", GOALS)
def test_an_episode_is_the_same_after_any_others(name, control):
    env = make(name, control=control, obs=("state", "proprio"), randomization=SHAKEN)
    first = episode(env, 5, 30)
    for other in (1, None, None, 2):
        episode(env, other, 17)
    assert episode(env, 5, 30) == first
    env.close()


@pytest.mark.parametrize("name", ALL)
def test_pictures_are_the_same_after_any_others(name):
    env = make(name, obs=("rgb", "depth", "segmentation"), cameras=("front", "wrist"), randomization="high")
    first = episode(env, 5)
    for other in (1, None, 2):
        episode(env, other, 3)
    assert episode(env, 5) == first
    assert episode(env, 6)[0] != first[0]
    env.close()


def test_a_record_is_replayed_where_nothing_is_randomized():
    source, plain = (
        make("simgen/Push-v0", randomization=SHAKEN | {"terms": {"*.friction": [0.2, 1]}}),
        make("simgen/Push-v0"),
    )
    first = episode(source, 3)
    assert episode(plain, 3, options={"domain": first[0][1]["domain"]}) == first
    assert episode(plain, 3) != first
    source.close()
    plain.close()


def test_episodes_without_a_seed_can_be_made_again_by_their_number():
    env = make("simgen/Reach-v0", randomization="high")
    env.reset(seed=9)
    third = [episode(env, None) for _ in range(3)][-1]
    assert third[0][1]["episode_number"] == 3
    env.reset(seed=9)
    assert episode(env, None, options={"episode": 3}) == third
    env.close()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_is_built_anew_and_does_the_same(copied):
    env = make("simgen/Push-v0", robot="panda", randomization="none")
    env.set_randomization(SHAKEN)
    twin = copied(env)
    assert twin.sim.client != env.sim.client
    assert twin.spec == env.spec
    assert episode(twin, 4) == episode(env, 4)
    env.close()
    assert episode(twin, 4)
    twin.close()


def test_environments_beside_each_other_do_not_interfere():
    alone = make("simgen/Push-v0", randomization=SHAKEN)
    expected = episode(alone, 2)
    others = [make("simgen/Push-v0", randomization=SHAKEN) for _ in range(3)]
    for seed, env in enumerate(others):
        env.reset(seed=seed)
    observations = [alone.reset(seed=2)]
    rng = np.random.default_rng(7)
    for _ in range(12):
        action = rng.uniform(-1, 1, 3).astype(np.float32)
        action[2] -= 0.4
        observations.append(alone.step(action))
        for env in others:
            env.step(env.action_space.sample())
    others[0].close()
    assert [step[-1] for step in observations] == [step[-1] for step in expected]
    np.testing.assert_array_equal(np.frombuffer(expected[-1][0][:12], np.float32), observations[-1][0]["achieved_goal"])
    for env in (alone, *others):
        env.close()


def test_a_saved_state_goes_on_as_it_did():
    env = make("simgen/Push-v0", randomization=SHAKEN, obs=("state", "proprio"))
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (20, 3)) - (0, 0, 0.4)
    env.reset(seed=1)
    for action in actions[:10]:
        env.step(action)
    state = env.save_state()
    first = [env.step(action)[0] for action in actions[10:]]
    episode(env, 8, 5)
    env.restore_state(state)
    again = [env.step(action)[0] for action in actions[10:]]
    for a, b in zip(first, again, strict=True):
        assert all((a[key] == b[key]).all() for key in a)
    env.forget_state(state)
    with pytest.raises(EnvError, match="expected a state that is kept, got one that was forgotten"):
        env.restore_state(state)
    other = make("simgen/Push-v0")
    other.reset(seed=0)
    with pytest.raises(EnvError, match="of this environment, got one of another"):
        other.restore_state(state)
    env.close()
    other.close()


def test_closing_twice_is_fine_and_a_closed_one_says_so():
    env = make("simgen/Reach-v0")
    env.reset(seed=0)
    env.close()
    env.close()
    for call in (env.reset, lambda: env.step(np.zeros(3)), env.save_state):
        with pytest.raises(EnvError, match="expected an open environment, got one that was closed"):
            call()


def test_memory_stays_flat_over_resets():
    env = make("simgen/Push-v0", obs="rgb", image_size=36, randomization="high")
    for number in range(150):
        env.reset(seed=number)
    before = resident_kb()
    for number in range(300):
        env.reset(seed=number)
    assert resident_kb() - before < 8_000
    env.close()


def test_the_info_leaves_gymnasiums_own_key_free():
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.wrappers.TimeLimit(make("simgen/Reach-v0"), 5))
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        over = terminated or truncated
    assert info["episode"]["l"] <= 5
    env.close()
