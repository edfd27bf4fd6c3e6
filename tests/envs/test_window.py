"""A window, with a pygame that keeps what it is told."""

import sys
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from simgen.errors import EnvError


class NoDisplayError(Exception):
    """What pygame raises."""


def fake_pygame(shown, fails=False, driver="x11"):
    """Return a pygame that shows pictures to a list."""

    def set_mode(size):
        if fails:
            raise NoDisplayError("x11 not available")
        return SimpleNamespace(blit=lambda picture, _: shown.append((size, picture)))

    display = SimpleNamespace(
        init=lambda: None,
        set_mode=set_mode,
        get_driver=lambda: driver,
        set_caption=shown.append,
        flip=lambda: None,
        quit=lambda: shown.append("closed"),
    )
    return SimpleNamespace(
        error=NoDisplayError,
        display=display,
        event=SimpleNamespace(pump=lambda: None),
        time=SimpleNamespace(Clock=lambda: SimpleNamespace(tick=lambda fps: shown.append(fps))),
        surfarray=SimpleNamespace(make_surface=np.array),
    )


@pytest.fixture
def display(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    return monkeypatch


def test_each_reset_and_step_is_shown(display):
    shown = []
    display.setitem(sys.modules, "pygame", fake_pygame(shown))
    env = gymnasium.make("simgen.envs:simgen/Reach-v0", render_mode="human", render_size=48)
    env.reset(seed=0)
    env.step(np.zeros(3))
    assert env.render() is None
    env.close()
    env.close()
    title, *pictures, closed = shown
    assert (title, closed) == ("Reach", "closed")
    assert pictures[1::2] == [25, 25]
    assert [size for size, _ in pictures[::2]] == [(48, 48)] * 2
    twin = gymnasium.make("simgen/Reach-v0", render_mode="rgb_array", render_size=48)
    twin.reset(seed=0)
    np.testing.assert_array_equal(pictures[0][1].swapaxes(0, 1), twin.render())
    twin.close()


def test_gymnasium_s_checker_is_content_with_a_window_and_opens_none_without(display):
    shown = []
    display.setitem(sys.modules, "pygame", fake_pygame(shown))
    for mode in (None, "rgb_array"):
        env = gymnasium.make("simgen.envs:simgen/Reach-v0", render_mode=mode)
        check_env(env.unwrapped)
        env.close()
    assert shown == []
    env = gymnasium.make("simgen.envs:simgen/Reach-v0", render_mode="human", render_size=48)
    check_env(env.unwrapped)
    env.close()
    assert shown.count("closed") == shown.count("Reach") > 1


def test_without_pygame_or_with_a_display_that_does_not_open_there_is_a_sentence(display):
    display.setitem(sys.modules, "pygame", None)
    with pytest.raises(EnvError, match=r'^render_mode: "human": the window needs pygame: pip install pygame$'):
        gymnasium.make("simgen.envs:simgen/Reach-v0", render_mode="human")
    display.setitem(sys.modules, "pygame", fake_pygame([], fails=True))
    with pytest.raises(EnvError, match="expected a display that can be opened, got: x11 not available"):
        gymnasium.make("simgen.envs:simgen/Reach-v0", render_mode="human")
    display.delenv("SDL_VIDEODRIVER", raising=False)
    display.setitem(sys.modules, "pygame", fake_pygame([], driver="offscreen"))
    with pytest.raises(EnvError, match=r'expected a display that can be opened, got the driver "offscreen"$'):
        gymnasium.make("simgen.envs:simgen/Reach-v0", render_mode="human")
