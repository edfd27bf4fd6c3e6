"""Automatic domain randomization: ranges grow to where success ends, and stay there."""

import builtins
import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import simgen.envs  # noqa: F401 (registers them)
from simgen.envs.curriculum import Curriculum, CurriculumVector, Draw, NextDomain, draw_ranges, plot
from simgen.errors import ConfigError, EnvError

AXES = {"force": {"start": [1.0, 1.0], "step": 0.5, "limits": [0.0, 20.0]}}
HARDEST = 5.2


class Toy(gymnasium.Env):
    """Two steps; a success where the force is not above `HARDEST`."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.force, self.step_number = (options or {}).get("domain", {}).get("force", -1.0), 0
        return np.zeros(1, np.float32), {"force": self.force}

    def step(self, action):
        self.step_number += 1
        info = {"is_success": float(self.force <= HARDEST), "force": self.force}
        return np.zeros(1, np.float32), 0.0, self.step_number == 2, False, info


def vector(mode=AutoresetMode.NEXT_STEP, kind=SyncVectorEnv, count=4):
    return kind([lambda: NextDomain(Toy())] * count, autoreset_mode=mode)


def trained(curriculum, steps, mode=AutoresetMode.NEXT_STEP, kind=SyncVectorEnv):
    envs = CurriculumVector(vector(mode, kind), curriculum)
    envs.reset(seed=0)
    for _ in range(steps):
        envs.step(np.zeros(4, int))
    envs.close()
    return curriculum


def told(curriculum, episodes):
    """Play the toy without an environment."""
    for _ in range(episodes):
        draw = curriculum.draw()
        curriculum.record(draw, float(draw.values["force"] <= HARDEST))
    return curriculum


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_range_grows_to_where_success_ends_and_stays(mode):
    curriculum = trained(Curriculum({"axes": AXES, "buffer": 5}), 1500, mode)
    low, high = curriculum.range("force")
    assert low == 0.0  # its limit
    assert high in (5.0, 5.5)  # the last that succeeds, and the first that fails and is given up again
    highs = [change.high for change in curriculum.changes]
    assert highs[:8] == sorted(highs[:8])
    assert max(highs) == 5.5
    late = {change.high for change in curriculum.changes if change.results > curriculum.results / 2}
    assert late <= {5.0, 5.5}


def test_processes_of_their_own_make_no_difference():
    made = [trained(Curriculum({"axes": AXES, "buffer": 3}), 60, kind=kind) for kind in (SyncVectorEnv, AsyncVectorEnv)]
    assert made[0].state() == made[1].state()
    assert made[0].changes


def test_every_episode_has_a_draw_of_its_own_and_its_result_reaches_the_curriculum():
    class Listening(Curriculum):
        heard: list[tuple[Draw, float]] = []  # noqa: RUF012

        def record(self, draw, result):
            self.heard.append((draw, result))
            super().record(draw, result)

    curriculum = trained(Listening({"axes": AXES, "buffer": 4}), 300, AutoresetMode.SAME_STEP)
    numbers = [draw.number for draw, _ in curriculum.heard]
    assert sorted(numbers) == list(range(len(numbers)))
    assert len(numbers) == 4 * 150
    assert all(result == (draw.values["force"] <= HARDEST) for draw, result in curriculum.heard)


def test_a_decision_follows_the_mean_of_a_full_buffer():
    curriculum = Curriculum({"axes": AXES, "buffer": 4, "grow_at": 0.75, "shrink_at": 0.25})
    outwards = Draw(0, {"force": 1.0}, ("force", 1))
    for results, wanted in (([1, 0, 1], 1.0), ([1], 1.5)):
        for result in results:
            curriculum.record(outwards, result)
        assert curriculum.range("force") == (1.0, wanted)
    for result in (0, 0, 0, 0):  # of a bound that has moved
        curriculum.record(outwards, result)
    assert curriculum.range("force") == (1.0, 1.5)
    for results, wanted in (([1, 0, 0.5, 0.5], 1.5), ([0, 0, 1, 0], 1.0)):
        for result in results:
            curriculum.record(Draw(0, {"force": 1.5}, ("force", 1)), result)
        assert curriculum.range("force") == (1.0, wanted)
    for result in [0] * 8:
        curriculum.record(outwards, result)
    assert curriculum.range("force") == (1.0, 1.0)  # never narrower than at the start
    assert [(change.low, change.high) for change in curriculum.changes] == [(1.0, 1.5), (1.0, 1.0)]


def test_draws_lie_in_the_ranges_and_half_of_them_at_one_bound():
    axes = {name: {"start": [0.0, 1.0], "step": 1, "limits": [0, 1]} for name in ("a", "b", "c")}
    curriculum = Curriculum({"axes": axes, "seed": 4})
    draws = [curriculum.draw() for _ in range(3000)]
    at = [draw.at for draw in draws]
    assert np.mean([one is not None for one in at]) == pytest.approx(0.5, abs=0.03)
    assert [at.count((name, side)) for name in "abc" for side in (0, 1)] == pytest.approx([250] * 6, abs=50)
    for draw in draws:
        bounds = [name for name, value in draw.values.items() if value in (0.0, 1.0)]
        assert bounds == ([draw.at[0]] if draw.at else [])
        assert all(0 <= value <= 1 for value in draw.values.values())
    other = Curriculum({"axes": axes, "seed": 5})
    again = Curriculum({"axes": axes, "seed": 4})
    assert [again.draw() for _ in range(50)] == draws[:50]
    assert other.draw() != draws[0]


def test_a_state_goes_on_as_if_nothing_had_been(tmp_path):
    settings = {"axes": AXES, "buffer": 3, "seed": 2}
    whole = told(Curriculum(settings), 200)
    half = told(Curriculum(settings), 97)
    half.save(tmp_path / "curriculum.json")
    again = told(Curriculum.load(tmp_path / "curriculum.json"), 103)
    assert again.state() == whole.state()
    assert again.draw() == whole.draw()
    assert whole.changes
    assert [file.name for file in tmp_path.iterdir()] == ["curriculum.json"]


def test_the_environments_of_simgen_take_it():
    axes = {"object.mass_kg": {"start": [0.1, 0.1], "step": 0.05, "limits": [0.02, 1.0]}}
    curriculum = Curriculum({"axes": axes, "boundary_share": 0.0})
    wanted = Curriculum.of(curriculum.state())
    envs = gymnasium.make_vec("simgen/Push-v0", num_envs=2, max_episode_steps=3, wrappers=[NextDomain])
    envs = CurriculumVector(envs, curriculum)
    _, infos = envs.reset(seed=0)
    assert infos["domain"]["object.mass_kg"].tolist() == [wanted.draw().values["object.mass_kg"] for _ in range(2)]
    for _ in range(9):
        *_, infos = envs.step(np.zeros((2, 3), np.float32))
    assert curriculum.results == 4  # 3 steps and one that begins the next episode
    envs.close()


def test_the_plot_shows_the_ranges(tmp_path):
    curriculum = told(Curriculum({"axes": AXES, "buffer": 3}), 200)
    place = draw_ranges(curriculum).axes[0]
    assert [place.lines[side].get_ydata()[-1] for side in (0, 1)] == list(curriculum.range("force"))
    assert len(place.lines[0].get_xdata()) == len(curriculum.changes) + 2
    plot(curriculum, tmp_path / "ranges.png")
    assert (tmp_path / "ranges.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_one_sentence_says_so(monkeypatch):
    imported = builtins.__import__

    def missing(name, *args):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return imported(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(EnvError, match=r"plot: expected matplotlib, which .*simgen-robotics\[train\]' brings"):
        draw_ranges(Curriculum({"axes": AXES}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"axes": {}}, "axes"),
        ({"axes": AXES, "bufer": 3}, 'unknown key "bufer".*buffer'),
        ({"axes": AXES, "grow_at": 0.3}, "expected shrink_at below grow_at, got 0.4 and 0.3"),
        ({"axes": {"a": {"start": [2, 1], "step": 1, "limits": [0, 3]}}}, "expected finite limits around start"),
        ({"axes": {"a": {"start": [0, 1], "step": -1, "limits": [0, 3]}}}, "axes.a.step"),
    ],
)
def test_mistakes_in_the_settings_are_told(settings, message):
    with pytest.raises(ConfigError, match=message):
        Curriculum(settings)


def test_other_mistakes_are_told(tmp_path):
    with pytest.raises(EnvError, match="expected environments in NextDomain"):
        CurriculumVector(SyncVectorEnv([Toy]), Curriculum({"axes": AXES}))
    with pytest.raises(EnvError, match="expected a result from 0 to 1, got 2"):
        Curriculum({"axes": AXES}).record(Draw(0, {"force": 1.0}, None), 2)
    envs = CurriculumVector(vector(), Curriculum({"axes": AXES}), success="won")
    envs.reset(seed=0)
    envs.step(np.zeros(4, int))
    with pytest.raises(EnvError, match='expected "won" in the info of the last step'):
        envs.step(np.zeros(4, int))
    with pytest.raises(EnvError, match=r"expected a JSON file that Curriculum.save wrote"):
        Curriculum.load(tmp_path / "none.json")
    state = Curriculum({"axes": AXES}).state() | {"steps": {"forces": [0, 0]}}
    (tmp_path / "other.json").write_text(json.dumps(state))
    with pytest.raises(ConfigError, match="expected steps and buffers of"):
        Curriculum.load(tmp_path / "other.json")
