"""What a user can get wrong in making and stepping an environment."""

import gymnasium
import numpy as np
import pytest
from envs_fakes import make

import simgen.envs
from simgen.errors import ConfigError, EnvError


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"obs": "rbg"}, r'obs: unknown mode "rbg" \(did you mean "rgb"\?\)'),
        ({"obs": ("rgb", "rgb")}, "obs: expected each mode once"),
        ({"obs": ()}, "obs: expected each mode once and at least one"),
        ({"obs": 3}, "Reach.obs: expected a text, got 3"),
        ({"control": "ee_dleta"}, r'control: unknown mode "ee_dleta" \(did you mean "ee_delta"\?\)'),
        ({"robot": "kuko"}, r'robot: unknown robot "kuko" \(did you mean "kuka"\?\)'),
        ({"cameras": "frnt"}, r'cameras: unknown camera "frnt" \(did you mean "front"\?\)'),
        ({"cameras": {"mine": {"eye_m": [1, 0, 1]}}}, "cameras.mine.target_m: required, but missing"),
        ({"cameras": {}}, "cameras: expected each name once and at least one"),
        ({"cameras": {"mine": {"eye_m": [1, 0, 1], "target_m": [1, 0, 1]}}}, "cameras.mine: expected .* two places"),
        ({"randomization": "extreme"}, 'config "extreme": expected a .yaml file or the name of a shipped one'),
        ({"reward": "spare"}, r'Reach.reward: expected one of sparse, dense, got "spare" \(did you mean "sparse"\?\)'),
        ({"render": {"kind": "gll"}}, r'render.kind: unknown kind "gll" \(did you mean "gl"\?\)'),
        ({"image_size": 4}, "image_size: expected a number >= 8, got 4"),
        ({"contrl": "ee_delta"}, r'Reach.contrl: unknown key "contrl" \(did you mean "control"\?\)'),
    ],
)
def test_settings(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make("simgen/Reach-v0", **settings)


def test_an_unknown_render_mode():
    sentence = r'^render_mode: expected "rgb_array", "human" or None, got "rgb_aray" \(did you mean "rgb_array"\?\)$'
    with (
        pytest.warns(UserWarning, match="not in the possible render_modes"),
        pytest.raises(ConfigError, match=sentence),
    ):
        make("simgen/Reach-v0", render_mode="rgb_aray")


@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_a_window_without_a_display_is_refused_in_words(name, monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(EnvError, match=r'^render_mode: "human": expected a display, but neither DISPLAY nor WAYLAND_'):
        gymnasium.make(name, render_mode="human")


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (np.zeros(4), r"action: expected an array of shape \(3,\), got one of shape \(4,\)"),
        (np.zeros((1, 3)), r"got one of shape \(1, 3\)"),
        ([0, np.nan, 0], r"action: expected finite numbers, got \[0.0, nan, 0.0\]"),
        ([0, np.inf, 0], "expected finite numbers"),
        ("up", "action: expected 3 numbers, got 'up'"),
    ],
)
def test_actions(action, sentence):
    env = make("simgen/Reach-v0")
    env.reset(seed=0)
    with pytest.raises(EnvError, match=sentence):
        env.step(action)
    assert env.step(np.zeros(3))[0]
    env.close()


@pytest.mark.parametrize("source", simgen.envs.ENVS)
def test_a_record_of_another_environment(source):
    other = make(source)
    _, info = other.reset(seed=0)
    name = type(other).__name__
    other.close()
    for target in ("simgen/Push-v0", "simgen/PoseEstimation-v0"):
        if target == source:
            continue
        env = make(target)
        wanted = type(env).__name__
        with pytest.raises(EnvError, match=f"^reset: domain: expected a record of {wanted}, got one of {name}$"):
            env.reset(seed=0, options={"domain": info["domain"]})
        assert env.reset(seed=0)[1]["domain"][f"env.{wanted}"] == 1
        env.close()


def test_pins_need_no_mark_and_one_of_its_own_is_fine():
    env = make("simgen/Push-v0")
    pins = {"gravity_m_s2": 9.0}
    for given in (pins, pins | {"env.Push": 1.0}):
        assert env.reset(seed=0, options={"domain": given})[1]["domain"]["gravity_m_s2"] == 9.0
    env.close()


def test_a_step_before_a_reset():
    env = make("simgen/Reach-v0")
    with pytest.raises(EnvError, match=r"expected reset\(\) before it"):
        env.step(np.zeros(3))
    env.close()


def test_a_state_before_a_reset_and_what_is_no_state():
    env = make("simgen/Reach-v0")
    with pytest.raises(EnvError, match=r"expected reset\(\) before it"):
        env.unwrapped.save_state()
    env.reset(seed=0)
    with pytest.raises(EnvError, match="restore_state: expected a state that save_state returned, got int"):
        env.unwrapped.restore_state(5)
    env.close()


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((5, 3), (2, 3)), ((5, 2), (5, 2)), ((), ())])
def test_goals_of_other_shapes_are_refused(shapes):
    env = make("simgen/Reach-v0")
    with pytest.raises(EnvError, match="compute_reward: expected achieved and desired goals of the shape"):
        env.compute_reward(*(np.zeros(shape) for shape in shapes))
    env.close()
