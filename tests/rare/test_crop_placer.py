"""Generated crops in new scenes: what is asked for, what is measured, what is written of it."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from adapter_fakes import shapes, write_coco
from pixel_fakes import crops, settings
from rare_fakes import generated, sample
from scenes_for_tests import small_dice

from simgen.cli.app import main
from simgen.config import from_dict
from simgen.errors import CheckpointError, ConfigError, DataError
from simgen.formats import read_images
from simgen.rare.cells import Cell, Condition
from simgen.rare.fill import fill
from simgen.rare.how import Made, Task
from simgen.rare.job import HOW, config_of, fill_job
from simgen.rare.mixed import Mixed
from simgen.rare.pixels.crops import crops_of
from simgen.rare.pixels.gate import ClassGate
from simgen.rare.pixels.placer import AT_ONCE, Placer
from simgen.rare.pixels.settings import CropView
from simgen.rare.pixels.spots import find_spot
from simgen.rare.pixels.supply import MOST
from simgen.rare.pixels.train import train_crops
from simgen.rare.pixels.ways import pixel_ways
from simgen.rare.plan import Entry, Plan, fingerprint

VIEW = CropView(size=16, min_side_px=4, min_visible_fraction=0.2, truncated=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a small set of dice and a generator of its crops that has hardly learned."""
    folder = tmp_path_factory.mktemp("placer")
    data = generated(folder / "set", 6)
    config = settings(view=VIEW, epochs=1)
    return data, train_crops(config, crops_of(data, VIEW), folder / "run").model


def task(data, *cells: Cell) -> Task:
    return Task(data, config_of(data), cells, 0)


def of_class(*names: str) -> Cell:
    return Cell((Condition("class", among=names),))


def test_a_placed_crop_holds_its_cell_and_says_where_it_is_from(made):
    data, file = made
    placer = Placer.prepare(task(data, of_class("two")), file)
    result = placer.make(0, 1)
    source = result.sample.metadata["source"]
    annotation = result.sample.annotations[source["annotations"][0]]
    assert annotation.class_name == "two"
    assert annotation.mask.any()
    assert (source["generator"], source["cell"], source["weight"]) == ("vae", "class two", 1.0)
    assert source["latent"] == result.sample.metadata["placed"][-1]["latent"]
    assert result.tried["rendered"] >= 1
    assert result.tried["crops"] >= 1
    again = placer.make(0, 1).sample
    assert np.array_equal(again.rgb, result.sample.rgb)
    assert not np.array_equal(placer.make(0, 2).sample.rgb, result.sample.rgb)


def test_how_much_of_a_placed_crop_is_seen_is_measured_and_not_wished_for(made, monkeypatch):
    data, file = made
    hidden = Cell((Condition("class", among=("two",)), Condition("visible_fraction", 0.3, 0.8)))
    places = []

    def placed(sample, support, rgba, side_m, placing, rng):
        spot = find_spot(sample, support, rgba, side_m, placing, rng)
        places.append((placing.visible, spot))
        return spot

    monkeypatch.setattr("simgen.rare.pixels.composite.find_spot", placed)
    result = Placer.prepare(task(data, hidden), file).make(0, 0)
    annotation = result.sample.annotations[-1]
    visible, spot = places[-1]
    assert visible == (0.3, 0.8)
    assert annotation.visible_fraction == pytest.approx(spot.visible, abs=1e-4)
    assert 0.3 <= annotation.visible_fraction < 0.8
    assert result.sample.metadata["placed"][-1]["attributes"]["visible_fraction"] == 1
    # Of a case that says nothing of it, too.
    whole = Placer.prepare(task(data, of_class("two")), file).make(0, 0).sample.annotations[-1]
    assert whole.visible_fraction == pytest.approx(places[-1][1].visible, abs=1e-4)


def test_a_case_that_is_not_known_of_crops_is_left_to_simulate(made, tmp_path):
    data, file = made
    ways = {**HOW, **pixel_ways(file)}
    oblique = Cell((Condition("view_tilt_deg", low=20.0),))
    bright = Cell((Condition("scene.light.ambient", low=0.1), Condition("class", among=("two",))))
    rough = Cell((Condition("object.material.roughness", low=0.1),))
    plan = Plan(fingerprint(data), tuple(Entry(cell, 5, 6) for cell in (oblique, bright, rough)))
    job = fill_job(data, plan, tmp_path / "filled", "vae", config=config_of(data), ways=ways)
    assert job.left == {
        0: "view_tilt_deg is not known of a placed crop",
        2: "object.material.roughness is not known of a placed crop",
    }
    assert [way for way, _, _ in job.order] == ["simulate", "vae", "simulate"]


def test_what_never_holds_is_given_up(made, monkeypatch):
    monkeypatch.setattr("simgen.rare.pixels.placer.SCENES", 2)
    data, file = made
    cell = Cell((Condition("class", among=("two",)), Condition("size_px", low=5000.0)))
    given_up = Placer.prepare(task(data, cell), file).make(0, 0)
    assert given_up.sample is None
    assert given_up.tried == {"crops": 8, "rendered": 2}


def test_crops_are_chosen_before_they_are_placed(made):
    data, file = made
    shown = []

    def only_the_reddest(rgba):
        red = rgba[..., 0].astype(float).mean((1, 2))
        shown.append(np.sort(red)[::-1])
        answers = np.zeros((len(rgba), len(data.classes)))
        answers[:, data.classes.index("two")] = np.where(red == red.max(), 0.9, 0.6)
        answers[:, data.classes.index("one")] = 1 - answers[:, data.classes.index("two")]
        return answers

    gate = ClassGate(only_the_reddest, data.classes, 0.8)
    result = Placer.prepare(task(data, of_class("two")), file, gate).make(0, 0)
    assert result.tried["crops"] == sum(map(len, shown)) >= AT_ONCE
    placed = result.sample.metadata["placed"][-1]
    trained = Placer.prepare(task(data, of_class("two")), file).trained
    attributes = np.array([[placed["attributes"][name] for name in trained.conditions.names]])
    label = np.array([data.classes.index("two")])
    red = trained.decode(np.array([placed["latent"]]), label, attributes)[..., 0].mean()
    assert min(abs(red - batch[0]) for batch in shown) < 0.1
    assert all(batch[0] - batch[1] > 0.2 for batch in shown)


def test_no_scene_is_rendered_for_crops_that_no_one_is_sure_of(made, monkeypatch):
    monkeypatch.setattr("simgen.rare.pixels.placer.SCENES", 2)
    data, file = made
    unsure = ClassGate(lambda rgba: np.full((len(rgba), len(data.classes)), 1 / len(data.classes)), data.classes, 0.5)
    made_of = Placer.prepare(task(data, of_class("two")), file, unsure).make(0, 0)
    many = 2 * MOST * 32
    # Even answers find the first class the likeliest.
    assert made_of.tried == {"crops": many, "of another class": many, "unsure": 0, "let in": 0, "rendered": 0}


def test_generators_of_other_classes_are_refused(made, tmp_path):
    data, file = made
    with pytest.raises(DataError, match='the crop generator does not know the class "seven"'):
        Placer.prepare(task(data, of_class("seven")), file)
    other = train_crops(settings(epochs=1), crops(12), tmp_path / "run").model
    with pytest.raises(DataError, match="knows the classes"):
        Placer.prepare(task(data, of_class("two")), other)
    with pytest.raises(CheckpointError, match="there is no such file"):
        Placer.prepare(task(data, of_class("two")), tmp_path / "none.pt")


def test_a_way_needs_a_generator_of_its_kind(made):
    data, file = made
    with pytest.raises(ConfigError, match="--how gan: expected --generator"):
        pixel_ways(None)["gan"].prepare(task(data, of_class("two")))
    with pytest.raises(ConfigError, match='--how gan: expected a generator of that kind, got one of "vae"'):
        pixel_ways(file)["gan"].prepare(task(data, of_class("two")))


def test_ways_take_turns_in_a_mix_and_one_helps_the_other():
    class Says:
        def __init__(self, name: str, *, finds: bool) -> None:
            self.name, self.finds = name, finds

        def make(self, order: int, number: int) -> Made:
            return Made(sample() if self.finds else None, {f"{self.name} {order} {number}": 1})

    mixed = Mixed((Says("a", finds=True), Says("b", finds=True)))
    assert [list(mixed.make(3, number).tried) for number in range(3)] == [["a 3 0"], ["b 3 1"], ["a 3 2"]]
    made = Mixed((Says("a", finds=True), Says("b", finds=False))).make(3, 1)
    assert made.sample is not None
    assert list(made.tried) == ["b 3 1", "a 3 1"]
    assert Mixed((Says("a", finds=False), Says("b", finds=False))).make(0, 0).sample is None


def test_a_plan_is_filled_by_a_mix(made, tmp_path):
    data, file = made
    plan = Plan(fingerprint(data), (Entry(of_class("two"), 5, 7),))
    ways = {**HOW, **pixel_ways(file)}
    config = from_dict(config_of(data).source, Path())
    job = fill_job(data, plan, tmp_path / "filled", "mix", config=config, ways=ways)
    assert [(one.made, one.asked) for one in fill(job, plan)] == [(2, 2)]
    assert [job.writer().metadata(k)["source"]["generator"] for k in (0, 1)] == ["simulate", "vae"]


def test_training_by_the_command_leaves_a_generator(made, tmp_path, capsys):
    data, _ = made
    view = "{size: 16, min_side_px: 4, min_visible_fraction: 0.2, truncated: true}"
    words = ["rare", "train", str(data.root), "--space", "pixel", "-o", str(tmp_path / "run")]
    words += ["--set", "epochs=1", "--set", f"view={view}"]
    small = ["--set", "network={latent: 4, width: 8}", "--set", "least_steps=2"]
    assert main([*words, *small]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run" / "model.pt")
    assert (tmp_path / "run" / "sheets" / "epoch-0001.png").is_file()
    assert main([*words, *small, "--config", "vea"]) == 2
    assert "vae" in capsys.readouterr().err


def test_a_generator_is_asked_for_even_where_every_cell_falls_back(made, tmp_path):
    data, _ = made
    plan = Plan(fingerprint(data), (Entry(of_class("two"), 1, 3),))
    with pytest.raises(ConfigError, match="--how vae: expected --generator"):
        fill_job(data, plan, tmp_path / "filled", "vae", config=config_of(data), ways={**HOW, **pixel_ways(None)})
    assert not (tmp_path / "filled").exists()


def test_a_plan_of_photographs_is_filled_by_their_crops_in_a_given_scene(tmp_path, capsys):
    real = read_images(write_coco(tmp_path / "real", shapes(12), ("square", "disc"), masks=True))
    model = train_crops(settings(view=VIEW, epochs=1), crops_of(real, VIEW), tmp_path / "run").model
    plan, scene, out = tmp_path / "rare.json", tmp_path / "scene.yaml", tmp_path / "filled"
    plan.write_text(Plan(fingerprint(real), (Entry(of_class("disc"), 5, 7),)).to_json())
    scene.write_text(yaml.safe_dump(small_dice()))
    words = ["rare", "fill", str(real.root), "--plan", str(plan), "--how", "vae", "--generator", str(model)]
    words += ["-o", str(out), "--workers", "1"]
    assert main(words) == 2
    assert "to place crops of its objects in a scene, name that by --scene" in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--scene", str(scene)]) == 0
    assert "without --gate nobody checks that what was drawn shows what its label says" in capsys.readouterr().err
    filled = read_images(out)
    assert filled.classes == ("one", "two", "three", "four", "five", "six", "square", "disc")
    for made_of in filled:
        (place,) = made_of.metadata["source"]["annotations"]
        assert made_of.annotations[place].class_name == "disc"
        assert made_of.annotations[place].mask.any()
    plan.write_text(Plan(fingerprint(real), (Entry(of_class("disc"), 2, 3),)).to_json())
    assert main([*words, "--scene", str(scene)]) == 2
    said = capsys.readouterr().err
    assert '"class disc": 2 examples are too few to learn from, and nothing can be simulated for a set' in said
    few = Entry(of_class("square"), 1, 3)
    plan.write_text(Plan(fingerprint(real), (few, Entry(of_class("disc"), 5, 6))).to_json())
    words[words.index(str(out))] = str(tmp_path / "some")
    assert main([*words, "--scene", str(scene)]) == 0
    assert '"class square": 1 example is too few to learn from: left out' in capsys.readouterr().err
    assert len(read_images(tmp_path / "some")) == 1
