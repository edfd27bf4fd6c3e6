"""Episodes in a Minari dataset: what is in it, that they can be played again from it, and that a recording goes on."""

import sys

import gymnasium
import numpy as np
import pytest

import simgen.envs
from simgen.envs.wrappers import RecordMinari
from simgen.errors import EnvError

ID = "simgen/push-v0"


@pytest.fixture
def minari(tmp_path, monkeypatch):
    pytest.importorskip("h5py", reason="the extra [minari] is not installed")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return pytest.importorskip("minari", reason="the extra [minari] is not installed")


def made(name="simgen/Push-v0", steps=3, **settings):
    settings = {"obs": ("rgb", "state"), "image_size": 24, "randomization": "medium"} | settings
    return gymnasium.make(name, max_episode_steps=steps, **settings)


def act(env, episodes, steps=3):
    for episode in range(episodes):
        env.reset(seed=7, options={"episode": episode})
        env.action_space.seed(episode)
        for _ in range(steps):
            env.step(env.action_space.sample())


def test_a_recorded_episode_can_be_played_again_from_the_dataset_alone(minari):
    with RecordMinari(made(), ID, {"author": "someone"}) as env:
        act(env, 2)
    dataset = minari.load_dataset(ID)
    assert (dataset.total_episodes, dataset.total_steps) == (2, 6)
    assert dataset.storage.metadata["author"] == {"someone"}
    recorded, (said,) = dataset[1], dataset.storage.get_episode_metadata([1])
    again = dataset.recover_environment()
    seen = [again.reset(seed=said["seed"], options={"episode": int(said["options"]["episode"])})]
    seen += [again.step(action) for action in recorded.actions]
    for step, (observation, *_, info) in enumerate(seen):
        for key, array in observation.items():
            np.testing.assert_array_equal(recorded.observations[key][step], array)
        for key, value in info["domain"].items():
            assert recorded.infos["domain"][key][step] == value
        assert recorded.infos["is_success"][step] == info["is_success"]
    assert [step[1] for step in seen[1:]] == recorded.rewards.tolist()
    assert recorded.truncations.tolist() == [False, False, True]
    again.close()


def test_a_recording_goes_on_where_it_was_stopped_and_repeats_nothing(minari):
    with RecordMinari(made(), ID) as env:
        act(env, 1)
        env.reset(seed=7, options={"episode": 1})
        env.step(env.action_space.sample())  # and it is broken off
    with RecordMinari(made(), ID) as env:
        assert env.done() == {(7, 0)}
        act(env, 3)
        assert env.done() == {(7, 0), (7, 1), (7, 2)}
    assert [len(episode) for episode in minari.load_dataset(ID).iterate_episodes()] == [3, 3, 3]


@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_every_environment(minari, name):
    with RecordMinari(made(name, 2, randomization="high"), ID) as env:
        act(env, 1, 1)
        over = not env.done()
        while over:  # unless it was over after a step
            over = not any(env.step(env.action_space.sample())[2:4])
        assert env.done() == {(7, 0)}
    assert minari.load_dataset(ID)[0].observations["rgb"].dtype == np.uint8


def test_compressed_pictures_lose_a_little(minari):
    with RecordMinari(made(randomization="none", image_size=48), ID, jpeg=True) as env:
        first = env.reset(seed=7)[0]["rgb"].astype(float)
        act(env, 1)
    error = np.abs(minari.load_dataset(ID)[0].observations["rgb"][0] - first)
    assert 0 < error.mean() < 12


def test_mistakes_are_told(minari, monkeypatch):
    env = made(obs="state")
    for settings, sentence in (
        ({"dataset_id": "../push"}, 'expected a dataset_id like "namespace/name-v0", got "../push"'),
        ({"dataset_id": ID, "about": {"auhtor": "me"}}, r'unknown name "auhtor" \(did you mean "author"\?\)'),
    ):
        with pytest.raises(EnvError, match=sentence):
            RecordMinari(env, **settings)
    with pytest.raises(EnvError, match='jpeg: expected pictures of three channels, got 1 in "observation"'):
        RecordMinari(made(obs="depth"), ID, jpeg=True)
    act(RecordMinari(env, ID), 1)
    other = made("simgen/Reach-v0")
    with pytest.raises(EnvError, match='"simgen/push-v0" holds another environment\'s episodes; choose another'):
        RecordMinari(other, ID)
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(EnvError, match=r"expected Minari: pip install 'simgen-robotics\[minari\]'"):
        RecordMinari(env, ID)
    env.close()
    other.close()
