"""`BinPick`: what actions mean, what comes of them, and that they can be repeated."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from envs_fakes import make

from simgen.bullet import p
from simgen.envs.bin_pick import FAILURES, OUT_M
from simgen.envs.bins import CENTER_M, INNER_M
from simgen.envs.experts import BinPickExpert
from simgen.envs.experts.bin_pick import outline
from simgen.envs.top_grasps import LOWEST_M, TopGrasp
from simgen.errors import ConfigError

NAME = "simgen/BinPick-v0"


@pytest.fixture(scope="module")
def bare():
    env = make(NAME, obs="state")
    yield env
    env.close()


def carried_out(env, grasp):
    """Return the word for what came of a grasp."""
    for _ in env.carry_out(grasp):
        pass
    return FAILURES[env.outcome.failure]


@pytest.mark.parametrize("robot", ["kuka", "panda"])
def test_the_expert_lifts_things_out(robot):
    env = make(NAME, obs="state", robot=robot)
    lifted = 0
    for seed in range(6):
        env.reset(seed=seed)
        _, reward, terminated, truncated, info = env.step(BinPickExpert(env)())
        assert (terminated, truncated, info["is_success"]) == (True, False, reward)
        assert (reward == 1) == (info["failure"] == 0)
        if reward:
            lifted += 1
            assert int(info["object"]) in env.present
            assert 0.005 < info["width_m"] < 0.08
            assert env.sim.pose(env.things[int(info["object"])])[0][2] > OUT_M
    assert lifted >= 5
    env.close()


def rests(env, name):
    """Return whether a thing lies still in the bin, touches something, and overlaps with nothing by a millimetre."""
    place, client = env.sim.pose(name)[0], env.sim.client
    inside = (np.abs(place[:2] - CENTER_M) < 0.5 * np.array(INNER_M)).all()
    slow = np.abs(env.sim.velocity(name)[0]).max() < 0.02
    depths = [contact[8] for contact in p.getContactPoints(bodyA=env.sim.body(name).id, physicsClientId=client)]
    return bool(inside and slow and depths and min(depths) > -0.001)


def test_things_rest_in_the_bin_and_the_others_are_far_away(bare):
    seen = set()
    for seed in range(8):
        bare.reset(seed=seed)
        assert 3 <= len(bare.present) <= 6
        seen.update(bare.present)
        for number, name in enumerate(bare.things):
            assert (bare.sim.pose(name)[0][2] > 0) == (number in bare.present)
            if number in bare.present:
                assert rests(bare, name)
    assert len(seen) > 6


def test_things_rest_without_overlap_under_other_dynamics_too():
    env = make(NAME, obs="state", randomization="high")
    for seed in range(8):
        env.reset(seed=seed)
        for number in env.present:
            assert rests(env, env.things[number])
    env.close()


def drawn(env, height_m):
    """Return the numbers of the things that are drawn where all are hung up under the camera, at rest."""
    env.frame("bin")
    for number, name in enumerate(env.things):
        place = (CENTER_M[0] - 0.12 + 0.08 * (number % 4), CENTER_M[1] - 0.1 + 0.1 * (number // 4), height_m)
        env.sim.place(name, place)
    seen = set(np.unique(env.frame("bin").instances).tolist())
    first = 1 + env.sim._bodies[env.things[0]]
    return tuple(number for number in range(len(env.things)) if first + number in seen)


def test_only_what_is_in_the_bin_is_drawn_also_where_a_state_is_restored(bare):
    bare.reset(seed=1)
    state, first = bare.save_state(), bare.present
    assert drawn(bare, 0.2) == first
    bare.reset(seed=2)
    assert bare.present != first
    assert drawn(bare, 0.2) == bare.present
    bare.restore_state(state)
    assert drawn(bare, 0.2) == first == bare.present
    bare.forget_state(state)


def test_a_pile_is_a_function_of_its_number_and_rests_after_half_a_turn_too(bare):
    other = make(NAME, obs="state")
    first = [bare.piles.pile(number, False) for number in range(5)]
    again = [other.piles.pile(number, False) for number in reversed(range(5))][::-1]
    for one, two in zip(first, again, strict=True):
        assert one.things == two.things
        np.testing.assert_array_equal(one.places_m, two.places_m)
        np.testing.assert_array_equal(one.quats_xyzw, two.quats_xyzw)
    back = first[0].turned().turned()
    np.testing.assert_allclose(back.places_m, first[0].places_m, atol=1e-12)
    np.testing.assert_allclose(np.abs((back.quats_xyzw * first[0].quats_xyzw).sum(1)), 1)
    np.testing.assert_allclose(first[0].turned().places_m[:, 0] + first[0].places_m[:, 0], 2 * CENTER_M[0])
    other.close()


def test_there_are_as_many_piles_as_asked_for_each_as_it_fell_and_turned():
    env = make(NAME, obs="state", piles=2)
    piles = {tuple(env.piles.pile(n, t).places_m.ravel()) for n in range(2) for t in (False, True)}
    met = set()
    for seed in range(24):
        env.reset(seed=seed)
        place = np.concatenate([env.sim.pose(env.things[n])[0] for n in env.present])
        near = [pile for pile in piles if len(pile) == len(place) and np.abs(np.array(pile) - place).max() < 0.005]
        assert len(near) == 1
        met.update(near)
    assert met == piles
    env.close()


def test_a_grasp_of_nothing_is_empty(bare):
    bare.reset(seed=0)
    for name in bare.things:
        bare.sim.place(name, (3.0, 3.0, 0.1))
    assert carried_out(bare, TopGrasp(*CENTER_M, LOWEST_M, 0.3)) == "empty"
    assert bare.outcome.thing == -1
    assert bare.outcome.width_m < 0.002


def test_a_wall_blocks_the_fingers(bare):
    bare.reset(seed=0)
    for name in bare.things:
        bare.sim.place(name, (3.0, 3.0, 0.1))
    wall_y = CENTER_M[1] + INNER_M[1] / 2
    assert carried_out(bare, TopGrasp(CENTER_M[0], wall_y - 0.045, LOWEST_M, 0.0)) == "blocked"
    assert bare.arm.tool()[0][2] > 0.2


def test_a_place_out_of_reach_is_said_to_be(bare):
    bare.reset(seed=0)
    assert carried_out(bare, TopGrasp(1.6, 0.0, 0.1, 0.0)) == "unreachable"


@pytest.mark.parametrize("grasp", ["metric", "pixel"])
@pytest.mark.parametrize("choose_height", [False, True])
def test_the_action_of_a_grasp_means_that_grasp(grasp, choose_height):
    env = make(NAME, grasp=grasp, choose_height=choose_height, randomization={"terms": {"camera.*_m": [-0.05, 0.05]}})
    rng = np.random.default_rng(0)
    for seed in range(4):
        env.reset(seed=seed)
        wanted = env.grasp_of(rng.uniform(-0.6, 0.6, 3 + choose_height))
        got = env.grasp_of(env.action_of(wanted))
        tolerance = 0.02 if grasp == "pixel" and choose_height else 1e-4  # the pixel of another height's surface
        assert got.x_m == pytest.approx(wanted.x_m, abs=tolerance)
        assert got.y_m == pytest.approx(wanted.y_m, abs=tolerance)
        assert got.yaw_rad == pytest.approx(wanted.yaw_rad, abs=1e-5)
        assert got.z_m == pytest.approx(wanted.z_m, abs=1e-4)
    env.close()


def test_a_pixel_of_a_thing_means_a_grasp_of_that_thing():
    moved = {"terms": {"camera.shift_*": [-0.06, 0.06], "camera.roll_rad": [-0.3, 0.3]}}
    env = make(NAME, grasp="pixel", obs="segmentation", image_size=(96, 80), randomization=moved)
    for seed in range(4):
        ids = env.reset(seed=seed)[0][..., 0]
        for number in env.present:
            instance = 1 + [body.spec.name for body in env.sim.world.bodies].index(env.things[number])
            row, column = np.argwhere(ids == instance).mean(0)
            grasp = env.grasp_of([column / 95 * 2 - 1, row / 79 * 2 - 1, 0.0])
            place = env.sim.pose(env.things[number])[0]
            assert np.hypot(grasp.x_m - place[0], grasp.y_m - place[1]) < 0.015
    env.close()


def test_half_a_turn_is_the_same_grasp(bare):
    bare.reset(seed=0)
    turned = [bare.action_of(TopGrasp(*CENTER_M, LOWEST_M, yaw)) for yaw in (0.4, 0.4 + np.pi, 0.4 - np.pi)]
    np.testing.assert_allclose(turned[1:], [turned[0]] * 2, atol=1e-6)
    assert bare.grasp_of([0, 0, 1]).yaw_rad == pytest.approx(np.pi / 2)


def test_a_saved_state_and_a_copy_give_the_same_outcome(bare):
    bare.reset(seed=4)
    state, action = bare.save_state(), BinPickExpert(bare)()
    first = bare.step(action)
    bare.reset(seed=1)
    bare.restore_state(state)
    again = bare.step(action)
    assert (first[0] == again[0]).all()
    assert first[1:] == again[1:]
    bare.forget_state(state)
    twin = copy.deepcopy(bare)
    twin.reset(seed=4)
    assert twin.step(action)[1:] == first[1:]
    twin.close()


def test_the_bin_can_be_filled_with_dice():
    env = make(NAME, obs="state", things={"kind": "dice", "count": 5, "size_m": 0.03}, count=(5, 5))
    env.reset(seed=0)
    assert env.step(BinPickExpert(env)())[1] == 1
    env.close()


def test_the_example_draws_a_map(tmp_path):
    program = Path(__file__).resolve().parents[2] / "examples" / "04_grasp_map.py"
    run = [sys.executable, program, "--pitch-m", "0.1", "--turns", "1"]
    said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    share = float(said.split("%")[0])
    assert 0 <= share < 100
    assert (tmp_path / "grasp_map.png").stat().st_size > 10_000


def test_outlines_are_apart_where_a_line_parts_them():
    square = np.array([[x, y, 0.0] for x in (0, 1) for y in (0, 1)])
    near, far = (outline(square + shift) for shift in ([0.9, 0, 0], [0.9, 1.1, 0]))
    assert not outline(square).apart(near)
    assert outline(square).apart(far)
    diamond = outline(np.array([[1.6, 0.5, 0], [1.1, 1.0, 0], [1.6, 1.5, 0], [2.1, 1.0, 0]]))
    assert outline(square).apart(diamond)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": (0, 3)}, r"count: expected 1 <= least <= most <= 10 things, got \(0, 3\)"),
        ({"piles": 0}, "BinPick.piles: expected a number >= 1, got 0"),
        ({"count": (3, 11)}, r"count: expected 1 <= least <= most <= 10 things, got \(3, 11\)"),
        ({"control": "joint_delta"}, "BinPick.control: expected one of ee_delta"),
        ({"things": {"kind": "dices"}}, r'things\.kind: unknown kind "dices" \(did you mean "dice"\?\)'),
        ({"grasp": "voxel"}, "BinPick.grasp: expected one of metric, pixel"),
    ],
)
def test_mistakes_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        make(NAME, **settings)
