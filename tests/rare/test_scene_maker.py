"""The way from a plan to scenes that a net proposes, by the commands and in Python."""

import json

import pytest
from rare_fakes import generated

from simgen.cli.app import main
from simgen.errors import ConfigError, DataError
from simgen.rare.cells import Cell, Condition
from simgen.rare.how import LEAST_EXAMPLES, Task
from simgen.rare.job import config_of
from simgen.rare.plan import Entry, Plan, fingerprint
from simgen.rare.scenes.maker import SceneMaker
from simgen.rare.scenes.ways import scene_ways
from simgen.rare.simulate import held

LOW = Cell((Condition("class", among=("one", "two", "three")),))
SMALL = ["--set", "vae={hidden: 16, latent: 4, item_latent: 3}", "--set", "steps=4", "--set", "batch=4"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a small set, its plan's file, and the file of a net that hardly learned."""
    folder = tmp_path_factory.mktemp("scenes")
    data = generated(folder / "set", 12)
    plan = folder / "rare.json"
    plan.write_text(Plan(fingerprint(data), (Entry(LOW, 5, 6),)).to_json())
    words = ["rare", "train", str(data.root), "-o", str(folder / "run"), "--plan", str(plan), *SMALL]
    assert main(words) == 0
    return data, plan, folder / "run" / "model.pt"


def test_what_is_made_holds_the_cell_and_can_be_made_again(trained):
    data, _, file = trained
    maker = SceneMaker.prepare(Task(data, config_of(data), (LOW,), 3), file)
    made = maker.make(0, 0)
    assert held(made.sample, LOW)
    source = made.sample.metadata["source"]
    assert (source["generator"], source["cell"]) == ("scene-vae", LOW.title)
    assert source["annotations"] == held(made.sample, LOW)
    assert source["weight"] > 0
    assert made.tried["proposed"] >= 1
    assert (maker.make(0, 0).sample.rgb == made.sample.rgb).all()


def test_the_command_fills_a_plan(trained, tmp_path):
    data, plan, file = trained
    words = ["rare", "fill", str(data.root), "--plan", str(plan), "--how", "scene", "--workers", "1"]
    assert main([*words, "--generator", str(file), "-o", str(tmp_path / "filled")]) == 0
    meta = json.loads((tmp_path / "filled" / "meta" / "00000000.json").read_text())
    assert meta["source"]["generator"] == "scene-vae"


def test_a_case_of_many_objects_in_few_scenes_is_left_to_simulate(tmp_path, capsys):
    data = generated(tmp_path / "set", 12)
    most = max(len(record.annotations) for record in data.records)
    crowd = Cell((Condition("count", low=float(most)),), "a crowd")
    scenes = sum(len(record.annotations) == most for record in data.records)
    assert scenes < LEAST_EXAMPLES <= most
    plan, run = tmp_path / "rare.json", tmp_path / "run"
    plan.write_text(Plan(fingerprint(data), (Entry(LOW, 5, 6), Entry(crowd, most, most + 1))).to_json())
    assert main(["rare", "train", str(data.root), "-o", str(run), "--plan", str(plan), *SMALL]) == 0
    reason = f'"a crowd": it is in {scenes} scenes, and a net needs 4'
    assert f"{reason}; fill will leave it to simulate" in capsys.readouterr().err
    words = ["rare", "fill", str(data.root), "--plan", str(plan), "--how", "scene", "--workers", "1"]
    assert main([*words, "--generator", str(run / "model.pt"), "-o", str(tmp_path / "filled")]) == 0
    assert f"{reason}: made by simulate" in capsys.readouterr().err
    metadata = [json.loads(file.read_text()) for file in sorted((tmp_path / "filled" / "meta").glob("*.json"))]
    assert [one["source"]["generator"] for one in metadata] == ["scene-vae", "simulate"]


def test_mistakes_are_one_sentence(trained, tmp_path, capsys):
    data, _, file = trained
    task = Task(data, config_of(data), (Cell((Condition("class", among=("six",)),)),), 0)
    with pytest.raises(DataError, match='was not trained for the case "class six"'):
        SceneMaker.prepare(task, file)
    with pytest.raises(ConfigError, match="--how scene: expected --generator"):
        scene_ways(None)["scene"].prepare(task)
    words = ["rare", "train", str(data.root), "-o", str(tmp_path / "run")]
    assert main(words) == 2
    assert "--space scene: expected --plan" in capsys.readouterr().err
    plan = tmp_path / "rare.json"
    plan.write_text(Plan(fingerprint(data), (Entry(Cell((Condition("count", low=99.0),)), 5, 6),)).to_json())
    assert main([*words, "--plan", str(plan)]) == 2
    assert "it is in 0 scenes, and a net needs 4, and so it is with every cell" in capsys.readouterr().err
    assert main([*words, "--plan", str(plan), "--space", "pixel"]) == 2
    assert "--plan: is of --space scene, got --space pixel" in capsys.readouterr().err
    assert main([*words, "--plan", str(plan), "--config", "gan"]) == 2
    assert "--config gan: is of --space pixel, got --space scene" in capsys.readouterr().err
    assert main([*words, "--space", "scenes"]) == 2
    assert 'expected scene or pixel, got "scenes"' in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
