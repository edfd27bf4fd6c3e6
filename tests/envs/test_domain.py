"""Randomization: what it draws, what it does, and what a user is told."""

from pathlib import Path

import numpy as np
import pytest
from envs_fakes import episode, make

from simgen.bullet import p
from simgen.envs.cameras import FRONT, View
from simgen.envs.domain.visual import camera_of
from simgen.envs.domain.vocabulary import CAMERA
from simgen.errors import ConfigError, EnvError
from simgen.geometry import look_at


@pytest.mark.parametrize("preset", ["none", "low", "medium", "high"])
@pytest.mark.parametrize("name", ["simgen/Reach-v0", "simgen/Push-v0"])
def test_presets_draw_within_the_limits_and_with_constant_keys(name, preset):
    env = make(name, randomization=preset)
    domains = [env.reset(seed=seed)[1]["domain"] for seed in range(20)]
    assert all(list(domain) == [*env.parameters, f"env.{type(env).__name__}"] for domain in domains)
    assert all(type(value) is float for domain in domains for value in domain.values())
    for key, parameter in env.parameters.items():
        assert all(parameter.low <= domain[key] <= parameter.high for domain in domains)
    if preset == "none":
        assert all(domain == env.parameters.record(env.parameters.nominal()) for domain in domains)
    else:
        assert len({domain["light.azimuth_rad"] for domain in domains}) == 20
    env.close()


def test_each_operation_does_what_it_says():
    terms = {
        "gravity_m_s2": 3.0,
        "object.mass_kg": {"distribution": 2.0, "operation": "scale"},
        "table.friction": {"distribution": 0.25, "operation": "add"},
    }
    env = make("simgen/Push-v0", randomization={"terms": terms})
    domain = env.reset(seed=0)[1]["domain"]
    assert (domain["gravity_m_s2"], domain["object.mass_kg"], domain["table.friction"]) == (3.0, 0.2, 0.85)
    env.close()


def test_terms_draw_at_reset_at_steps_and_at_intervals():
    when = {"object.friction": "reset", "table.friction": "step", "robot.friction": "interval"}
    terms = {name: {"distribution": [0.1, 1], "when": mode, "every_steps": 4} for name, mode in when.items()}
    env = make("simgen/Push-v0", randomization={"terms": terms})
    said = [step[-1]["domain"] for step in episode(env, 0, 8)]
    changes = {name: [k for k in range(1, 9) if said[k][name] != said[k - 1][name]] for name in when}
    assert changes == {
        "object.friction": [],
        "table.friction": list(range(1, 9)),
        "robot.friction": [4, 8],
    }
    env.close()


def test_the_dynamics_reach_the_simulation_and_go_back():
    env = make("simgen/Push-v0")
    body, client = env.sim.body("object").id, env.sim.client
    env.reset(seed=0, options={"domain": {"object.mass_kg": 0.7, "object.friction": 0.9, "robot.mass_scale": 2}})
    assert p.getDynamicsInfo(body, -1, physicsClientId=client)[:2] == (0.7, 0.9)
    heavy = p.getDynamicsInfo(env.arm.id, 3, physicsClientId=client)
    env.reset()
    assert p.getDynamicsInfo(body, -1, physicsClientId=client)[:2] == (0.1, 0.5)
    light = p.getDynamicsInfo(env.arm.id, 3, physicsClientId=client)
    assert heavy[0] == pytest.approx(2 * light[0])
    np.testing.assert_allclose(heavy[2], np.multiply(light[2], 2))
    env.close()


def test_without_gravity_the_cube_floats_where_it_was_put():
    env = make("simgen/Push-v0")
    for gravity, falls in ((0.0, False), (9.81, True)):
        env.reset(seed=0, options={"domain": {"gravity_m_s2": gravity}})
        env.sim.place("object", (0.6, 0.2, 0.3))
        for _ in range(10):
            env.step(np.zeros(3))
        assert (env.sim.pose("object")[0][2] < 0.1) == falls
    env.close()


def test_a_late_action_comes_late_and_a_late_observation_is_old():
    env = make("simgen/Reach-v0", terminate=False)
    moves = {}
    for late in (0, 3):
        env.reset(seed=0, options={"domain": {"action.latency_steps": late}})
        moves[late] = [env.step([0, 1, 0])[0]["achieved_goal"][1] for _ in range(8)]
    assert max(map(abs, moves[3][:3])) < 1e-3 < moves[0][0]
    np.testing.assert_allclose(moves[3][3:], moves[0][:5], atol=2e-3)
    seen = {}
    for late in (0, 2):
        env.reset(seed=0, options={"domain": {"observation.latency_steps": late}})
        seen[late] = [env.step([0, 1, 0])[0]["observation"] for _ in range(6)]
    np.testing.assert_array_equal(seen[2][2:], seen[0][:4])
    env.close()


def test_backlash_swallows_the_turn_back_and_an_offset_moves_the_truth_alone():
    env = make("simgen/Reach-v0", control="joint_delta", obs=("state", "proprio"), terminate=False)
    back = {}
    for gap in (0.0, 0.1):
        env.reset(seed=0, options={"domain": {"action.backlash_rad": gap}})
        action = np.zeros(7)
        for turn in (1, 1, 0, 0, 0, -0.5, 0, 0, 0):
            action[0] = turn
            observation = env.step(action)[0]
        back[gap] = float(observation["state"][6])
    assert back[0.0] == pytest.approx(0.15, abs=5e-3)
    assert back[0.1] == pytest.approx(0.2 - 0.05, abs=5e-3)  # half the gap on the way out, all of it on the way back
    env.reset(seed=0, options={"domain": {"joint_1.offset_rad": 0.1}})
    observation = env.step(np.zeros(7))[0]
    assert observation["state"][6] - observation["proprio"][0] == pytest.approx(0.1, abs=1e-6)
    env.close()


def test_the_pixels_follow_the_domain():
    env = make("simgen/Push-v0", obs="rgb", randomization="high")
    env.reset(seed=0)
    values = {name: parameter.nominal for name, parameter in env.parameters.items()}

    def seen(**changed):
        pinned = values | {name.replace("__", "."): value for name, value in changed.items()}
        return env.reset(seed=0, options={"domain": pinned})[0]["observation"].astype(int)

    plain = seen()
    assert (seen() == plain).all()
    changes = {
        "light__diffuse": 0.1,
        "light__shadow": 1.0,
        "camera__shift_z_m": 0.1,
        "sensor__exposure": 0.6,
        "sensor__noise": 8.0,
        "table__draw": 3.0,
        "object__draw": 3.0,
        "background__draw": 3.0,
        "robot__red": 0.3,
    }
    for name, value in changes.items():
        assert np.abs(seen(**{name: value}) - plain).max() > 8, name
    assert (seen() == plain).all()
    env.close()


def test_many_surfaces_are_really_different():
    env = make("simgen/Push-v0", obs="rgb", randomization="high")
    env.reset(seed=0)
    nominal = env.parameters.nominal()
    tables = [
        env.reset(seed=0, options={"domain": nominal | {"table.draw": k}})[0]["observation"][60:].tobytes()
        for k in range(16)
    ]
    assert len(set(tables)) == 16
    env.close()


def test_the_canonical_picture_is_that_of_the_nominal_domain():
    seen = {"scene": {"light": {}, "background": {}, "sensor": {"noise": 5}}, "materials": {"*": {}}}
    varied = seen | {"terms": {"camera.shift_*": [-0.1, 0.1], "robot.red": 0.5}}
    env, plain = (make("simgen/Push-v0", obs="rgb", randomization=source) for source in (varied, "none"))
    varied = env.reset(seed=0)[0]["observation"]
    twin = env.frame("front", canonical=True).rgb
    np.testing.assert_array_equal(twin, plain.reset(seed=0)[0]["observation"])
    assert (varied != twin).any()
    np.testing.assert_array_equal(env.frame("front").rgb, varied)
    env.close()
    plain.close()


def test_a_pinned_value_moves_no_other():
    env = make("simgen/Push-v0", randomization="high")
    free = env.reset(seed=3)[1]["domain"]
    held = env.reset(seed=3, options={"domain": {"object.friction": 0.123}})[1]["domain"]
    assert held == free | {"object.friction": 0.123}
    env.close()


def test_settings_come_from_a_file(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("terms:\n  object.mass_kg: [0.3, 0.4]\n")
    env = make("simgen/Push-v0", randomization=str(file))
    assert 0.3 <= env.reset(seed=0)[1]["domain"]["object.mass_kg"] <= 0.4
    file.write_text("terms:\n  object.mass_kg: [0.4, 0.3]\n")
    with pytest.raises(ConfigError, match=r"mine.yaml line 1: terms.object.mass_kg.distribution: expected low <= high"):
        env.set_randomization(str(file))
    env.close()


@pytest.mark.parametrize(
    ("randomization", "sentence"),
    [
        ("hihg", r'config "hihg": .*\(did you mean "high"\?\)'),
        ({"terms": {"object.mas_kg": 1}}, r'unknown parameter "object.mas_kg" \(did you mean "object.mass_kg"\?\)'),
        ({"terms": {"*.frction": 1}}, r'unknown parameter "\*.frction"'),
        (
            {"terms": {"target.mass_kg": 1}},
            'terms: this environment has no parameter "target.mass_kg"; "shared: true" le',
        ),
        ({"materials": {"target": {}}}, 'materials: this environment has no body "target"; "shared: true" lets a ra'),
        ({"materials": {"tabel": {}}, "shared": True}, r'unknown body "tabel"'),
        ({"terms": {"object.mas_kg": 1}, "shared": True}, r'unknown parameter "object.mas_kg"'),
        ({"materials": {"tabel": {}}}, r'unknown body "tabel" \(did you mean "table"\?\)'),
        ({"scene": {"lihgt": {}}}, r'unknown randomizer "lihgt" \(did you mean "light"\?\)'),
        ({"scene": {"camera": {}}}, r'scene.camera: expected the terms "camera.\*" instead'),
        ({"scene": {"light": {"tnt": 1}}}, r'unknown key "tnt" \(did you mean "tint"\?\)'),
        ({"term": {}}, r'unknown key "term" \(did you mean "terms"\?\)'),
        ({"terms": {"gravity_m_s2": {"distribution": 1, "operation": "mul"}}}, "expected one of set, scale, add"),
        (3, "randomization: expected a name, a YAML file or a mapping, got 3"),
    ],
)
def test_mistakes_in_a_randomization_are_one_sentence(randomization, sentence):
    env = make("simgen/Push-v0")
    with pytest.raises(ConfigError, match=sentence):
        env.set_randomization(randomization)
    env.close()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"domian": {}}, r'reset: unknown option "domian" \(did you mean "domain"\?\)'),
        ({"domain": {"object.mass_kg": 0.1}}, 'unknown parameter "object.mass_kg" in this environment'),
        (
            {"domain": {"gravity_m_s2": float("nan")}},
            "reset: domain.gravity_m_s2: expected a number from 0 to 100, got nan",
        ),
        ({"domain": {"gravity_m_s2": "much"}}, "expected a number, got 'much'"),
        ({"domain": [1]}, "expected a mapping of parameters to numbers"),
        ({"episode": -1}, "reset: episode: expected a whole number >= 0, got -1"),
        ({"episode": float("nan")}, "expected a whole number >= 0, got nan"),
        ({"episode": 1.5}, "expected a whole number >= 0, got 1.5"),
        (["domain"], r"reset: options: expected a mapping, got \['domain'\]"),
    ],
)
def test_mistakes_in_a_reset_are_one_sentence(options, sentence):
    env = make("simgen/Reach-v0")
    with pytest.raises(EnvError, match=sentence):
        env.reset(seed=0, options=options)
    assert episode(env, 0)  # and it goes on
    env.close()


@pytest.mark.parametrize("move", ["shift_x", "shift_y", "aim_x", "aim_y"])
@pytest.mark.parametrize("metres", [-0.01, 0.01])
def test_a_camera_that_looks_straight_down_does_not_turn_when_it_moves(move, metres):
    above = View((0.5, 0.1, 0.9), (0.5, 0.1, 0.0), 0.5, roll_rad=0.4).camera((84, 84))
    values = {f"camera.{name}": 1.0 if name == "zoom" else 0.0 for name in CAMERA} | {f"camera.{move}_m": metres}
    moved = camera_of(above, values)
    before, after = (look_at(c.eye_m, c.target_m, c.roll_rad)[:3, :3] for c in (above, moved))
    cosine = (np.trace(before @ after.T) - 1) / 2
    assert np.arccos(cosine) == pytest.approx(np.arctan(0.01 / 0.9), abs=1e-6)  # the turn of the line of sight alone


def test_a_camera_aslant_stays_level_when_it_moves():
    front = FRONT.camera((84, 84))
    values = {f"camera.{name}": 1.0 if name == "zoom" else 0.0 for name in CAMERA} | {"camera.shift_y_m": 0.05}
    assert camera_of(front, values).roll_rad == 0.0
