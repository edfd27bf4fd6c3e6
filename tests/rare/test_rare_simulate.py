"""Scenes of a case: rough measures against rendered labels, unbiased choices, exact predicates."""

import numpy as np
import pytest
from rare_fakes import generated
from scenes_for_tests import config

from simgen.generate import draw_scene, render_scene
from simgen.rare.attributes import measure, value_of
from simgen.rare.cells import Cell, Condition
from simgen.rare.how import Task
from simgen.rare.proposals.chances import Known, learned
from simgen.rare.proposals.numbers import body_luma
from simgen.rare.proposals.rough import settled
from simgen.rare.proposals.tilt import Tilt, widened
from simgen.rare.simulate import Simulator, case_seed, held, simulated
from simgen.scene import scene_to_dict

TOUCHING = Cell((Condition("touching", 1), Condition("object_luma", None, 70)), "dark and touching")
IMPOSSIBLE = Cell((Condition("scene.light.ambient", 0.9),))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("data") / "dice", 24)


@pytest.fixture(scope="module")
def simulator(data):
    return Simulator.prepare(Task(data, config(), (TOUCHING, IMPOSSIBLE), 5))


def test_a_scene_at_rest_has_the_rendered_poses_and_nearly_the_rendered_boxes():
    names = ["class", "view_tilt_deg", "lean_deg", "size_px", "visible_fraction"]
    scene = draw_scene(config(), 1, 2)
    rough, rendered = settled(config(), scene), render_scene(config(), scene)
    assert rough is not None
    assert [a.instance_id for a in rough.sample.annotations] == [a.instance_id for a in rendered.annotations]
    for near, true in zip(measure(rough.sample, names), measure(rendered, names), strict=True):
        assert near["class"] == true["class"]
        assert near["view_tilt_deg"] == pytest.approx(true["view_tilt_deg"], abs=1e-4)
        assert near["lean_deg"] == pytest.approx(true["lean_deg"], abs=0.01)
        assert near["size_px"] == pytest.approx(true["size_px"], abs=2.5)
        assert near["visible_fraction"] == pytest.approx(true["visible_fraction"], abs=0.15)


def test_a_sample_holds_its_cell_and_is_made_again_from_its_metadata(simulator):
    made = simulator.make(0, 1).sample
    assert made is not None
    source, meta = made.metadata["source"], made.metadata
    assert source["annotations"] == held(made, TOUCHING) != []
    assert (source["generator"], source["cell"]) == ("simulate", "dark and touching")
    assert source["weight"] > 0
    assert source["tried"]["drawn"] >= source["tried"]["settled"] >= source["tried"]["rendered"] >= 1
    scene = draw_scene(config(), meta["seed"], meta["index"], meta["attempt"])
    assert scene_to_dict(scene) == meta["scene"]
    assert np.array_equal(render_scene(config(), scene).rgb, made.rgb)


def test_samples_are_a_function_of_their_number(simulator):
    first, again, other = simulator.make(0, 0), simulator.make(0, 0), simulator.make(0, 2)
    assert first.sample is not None
    assert other.sample is not None
    assert np.array_equal(first.sample.rgb, again.sample.rgb)
    assert first.sample.metadata == again.sample.metadata
    assert first.sample.metadata["scene"] != other.sample.metadata["scene"]


def test_seeds_are_of_the_cell_and_never_the_dataset_s():
    assert len({case_seed(0, TOUCHING), case_seed(0, IMPOSSIBLE), case_seed(1, TOUCHING), 0, 1}) == 5


def test_what_the_generator_cannot_make_is_given_up_without_settling(simulator, monkeypatch):
    monkeypatch.setitem(simulated.__globals__["MOST"], "drawn", 40)
    made = simulator.make(1, 0)
    assert made.sample is None
    assert made.tried == {"drawn": 40, "settled": 0, "rendered": 0}


def test_weights_undo_the_choice_of_drawn_scenes(data):
    """Chosen scenes are darker; weighted, their mean is the generator's (importance sampling's identity)."""
    small = config()
    dark = Cell((Condition("image_luma", None, 90),))
    scenes = [draw_scene(small, 9, index) for index in range(500)]
    tilt = Tilt.of(dark, Known.of(data, 0), scenes)
    shares = np.array([tilt.draw_share(scene) for scene in scenes])
    values = np.array([body_luma(scene.objects[0]) for scene in scenes])
    assert shares.min() >= tilt.floor > 0
    # The expectation over the choices, in closed form: density p g / Z, weight Z / g.
    chosen = (values * shares).sum() / shares.sum()
    weighted = (values * shares * (tilt.mean / shares)).sum() / (shares * (tilt.mean / shares)).sum()
    assert chosen < values.mean() - 10
    assert weighted == pytest.approx(values.mean())
    assert tilt.mean == pytest.approx(shares.mean())
    assert shares.mean() < 0.1


def test_choosing_renders_far_fewer_scenes_than_plain_rejection(data, simulator):
    plain = np.mean([bool(held(sample, TOUCHING)) for sample in data])
    tried = [simulator.make(0, number).tried["rendered"] for number in range(4)]
    assert 4 / sum(tried) > max(2 * plain, 0.2)


def test_brightness_is_learned_and_few_examples_give_the_base_rate(data):
    known = Known.of(data, 0)
    chance = learned(known, Condition("object_luma", None, 80)).of(known.numbers)
    values = [value_of(known.samples[owner], place, "object_luma") for owner, place in known.owners]
    holds = np.array(values) < 80
    assert chance[holds].mean() > 2 * chance[~holds].mean()
    rare = learned(known, Condition("touching_same_class", 3)).of(known.numbers)
    assert np.ptp(rare) == 0
    assert 0 < rare[0] < 0.1


def test_rough_intervals_have_margins_and_counts_keep_their_least():
    assert widened(Condition("visible_fraction", 0.2, 0.4)) == Condition("visible_fraction", 0.2 - 0.05, 0.4 + 0.05)
    assert widened(Condition("touching", 1)) == Condition("touching", 1)
    assert widened(Condition("touching", 0, 1)) == Condition("touching", 0, 2)
    assert widened(Condition("size_px", None, 20)).high == pytest.approx(21)
