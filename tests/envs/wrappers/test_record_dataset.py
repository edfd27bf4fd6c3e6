"""Recorded episodes: what is in the dataset, and that a recording that was killed ends the same."""

import json

import gymnasium
import numpy as np
import pytest

import simgen.envs  # noqa: F401 (registers them)
from simgen.envs.wrappers import RecordDataset
from simgen.errors import EnvError, OutputError
from simgen.formats import read_images

PUSH = "simgen/Push-v0"


def recorder(folder, steps=5, **settings):
    env = gymnasium.make(PUSH, max_episode_steps=steps, randomization="medium", image_size=64)
    return RecordDataset(env, folder, **settings)


def act(env, episodes, stop_at=None):
    """Record episodes of fixed actions; stop in the middle of one, without a word, where that is asked for."""
    rng = np.random.default_rng(3)
    for episode in range(episodes):
        env.reset(seed=7, options={"episode": episode})
        actions = rng.uniform(-1, 1, (5, 3)).astype(np.float32)
        for step, action in enumerate(actions):
            if (episode, step) == stop_at:
                return
            env.step(action)


def content(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_the_labels_are_those_of_what_the_environment_says_it_sees(tmp_path):
    env = gymnasium.make(PUSH, max_episode_steps=3, obs="segmentation", cameras="wrist")
    env = RecordDataset(env, tmp_path, labels=("object", "goal"))
    segmentations = [env.reset(seed=1)[0]["observation"][..., 0]]
    states = [env.unwrapped.sim.pose("object")[0]]
    for _ in range(3):
        segmentations.append(env.step(np.array([0.5, 0, -0.5], np.float32))[0]["observation"][..., 0])
        states.append(env.unwrapped.sim.pose("object")[0])
    env.close()
    found = read_images(tmp_path)
    assert found.classes == ("object", "goal")
    assert [record.key for record in found.records] == [f"0000000{k}.jpg" for k in range(4)]
    numbers = {body.spec.name: k for k, body in enumerate(env.unwrapped.sim.world.bodies, 1)}
    for record, seen in zip(found.records, segmentations, strict=True):
        for annotation in record.annotated():
            assert np.array_equal(annotation.mask, seen == numbers[annotation.class_name])
    assert {a.class_name for record in found.records for a in record.annotations} == {"object", "goal"}
    metas = [json.loads((tmp_path / "meta" / f"0000000{k}.json").read_text()) for k in range(4)]
    assert [(meta["step"], meta["last"]) for meta in metas] == [(0, False), (1, False), (2, False), (3, True)]
    for meta, place in zip(metas, states, strict=True):
        np.testing.assert_allclose(np.reshape(meta["poses"]["object"], (4, 4))[:3, 3], place, atol=1e-8)
        assert meta["domain"]["object.mass_kg"] == 0.1


def test_poses_and_the_camera_matrix_follow_a_camera_that_randomization_moved(tmp_path):
    moved = {"terms": {"camera.shift_x_m": [-0.2, 0.2], "camera.roll_rad": [-0.5, 0.5], "camera.zoom": [0.7, 1.3]}}
    env = gymnasium.make(PUSH, cameras="top", image_size=128, randomization=moved)
    env = RecordDataset(env, tmp_path, labels=("object",))
    for episode in range(6):
        env.reset(seed=0, options={"episode": episode})
    env.close()
    found = read_images(tmp_path)
    annotated = [(record, annotation) for record in found.records for annotation in record.annotations]
    assert len(annotated) >= 4
    for record, annotation in annotated:
        x, y, depth = record.camera_matrix @ annotation.cam_T_object[:3, 3]
        center = annotation.box_xyxy.reshape(2, 2).mean(0) - 0.5
        np.testing.assert_allclose((x / depth, y / depth), center, atol=2.5)


def test_every_few_steps_and_always_the_last(tmp_path):
    env = recorder(tmp_path, every=2)
    act(env, 2)
    env.close()
    steps = [json.loads(file.read_text())["step"] for file in sorted((tmp_path / "meta").glob("*.json"))]
    assert steps == [0, 2, 4, 5] * 2
    assert [record.key for record in read_images(tmp_path).records][4:6] == ["00000010.jpg", "00000011.jpg"]


def test_a_recording_that_was_killed_and_is_repeated_ends_in_the_same_bytes(tmp_path):
    whole, broken = recorder(tmp_path / "whole"), recorder(tmp_path / "broken")
    act(whole, 3)
    whole.close()
    act(broken, 3, stop_at=(1, 3))
    again = recorder(tmp_path / "broken")
    before = (tmp_path / "broken" / "images" / "00000000.jpg").stat().st_mtime_ns
    act(again, 3)
    assert again.done() == {0, 1, 2}
    again.close()
    assert (tmp_path / "broken" / "images" / "00000000.jpg").stat().st_mtime_ns == before
    assert content(tmp_path / "broken") == content(tmp_path / "whole")
    broken.env.close()


def test_nothing_of_an_interrupted_episode_stays_where_its_repetition_is_shorter(tmp_path):
    env = recorder(tmp_path)
    act(env, 1, stop_at=(0, 4))
    assert len(list((tmp_path / "images").iterdir())) == 5
    env.reset(seed=7)
    env.close()
    assert [file.name for file in (tmp_path / "images").iterdir()] == ["00000000.jpg"]
    assert env.done() == set()


def test_another_seed_or_environment_needs_another_folder(tmp_path):
    env = recorder(tmp_path)
    env.reset(seed=7)
    with pytest.raises(EnvError, match="expected the folder's seed 7, got 8"):
        env.reset(seed=8)
    env.close()
    other = RecordDataset(gymnasium.make("simgen/Reach-v0"), tmp_path)
    with pytest.raises(OutputError, match="holds another dataset"):
        other.reset(seed=7)
    other.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"camera": "frnt"}, 'RecordDataset: camera: unknown name "frnt"'),
        ({"labels": ("objct",)}, 'RecordDataset: body: unknown name "objct".*object'),
        ({"every": 0}, "expected every >= 1, got 0"),
    ],
)
def test_mistakes_are_told(tmp_path, settings, message):
    env = gymnasium.make(PUSH)
    with pytest.raises(EnvError, match=message):
        RecordDataset(env, tmp_path, **settings)
    with pytest.raises(EnvError, match="expected an environment with a limit of steps"):
        RecordDataset(type(env.unwrapped)(), tmp_path)
    env.close()
