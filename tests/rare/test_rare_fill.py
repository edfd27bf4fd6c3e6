"""`simgen rare fill`: what it writes, how it goes on, and one sentence for each mistake."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from adapter_fakes import shapes, write_coco
from rare_fakes import generated

import simgen.rare.job as filling
from simgen.cli.app import main
from simgen.formats import read_images
from simgen.rare.cells import Cell, Condition
from simgen.rare.how import Made, Way, too_few
from simgen.rare.job import config_of, fill_job, left_of, quotas
from simgen.rare.plan import Entry, Plan, fingerprint
from simgen.rare.simulate import held

DARK = Cell((Condition("object_luma", None, 90),), "dark")
CROWDED = Cell((Condition("neighbours", 1), Condition("class", among=("one", "two", "three"))))


def plan_of(data, *needs):
    entries = [Entry(cell, 5, 5 + need, "thin") for cell, need in zip((DARK, CROWDED), needs, strict=False)]
    return Plan(fingerprint(data), tuple(entries))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("data") / "dice", 12)


@pytest.fixture(scope="module")
def plan(data, tmp_path_factory):
    file = tmp_path_factory.mktemp("plan") / "rare.json"
    file.write_text(plan_of(data, 2, 1).to_json())
    return file


def contents(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_cells_are_filled_with_exact_labels_and_a_stopped_fill_goes_on(data, plan, tmp_path, capsys):
    out = tmp_path / "filled"
    words = ["rare", "fill", str(data.root), "--plan", str(plan), "-o", str(out), "--workers", "1"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"3 images in {out}\n")
    filled = read_images(out)
    assert filled.classes == data.classes
    for sample, cell in zip(filled, (DARK, DARK, CROWDED), strict=True):
        source = sample.metadata["source"]
        assert (source["generator"], source["cell"]) == ("simulate", cell.title)
        assert source["weight"] > 0
        assert set(source["annotations"]) <= set(held(sample, cell))
    before = contents(out)
    (out / "meta" / "00000001.json").unlink()
    (out / "images" / "00000002.png").write_bytes(b"cut")
    (out / "annotations.json").unlink()
    assert main(words) == 0
    assert contents(out) == before
    # What is told is told of all samples, whichever run made them.
    capsys.readouterr()
    assert main(words) == 0
    assert capsys.readouterr().out == printed


def test_shares_follow_the_needs():
    assert quotas([3, 0, 1], None) == [3, 0, 1]
    assert quotas([30, 0, 10], 4) == [3, 0, 1]
    assert quotas([1, 1, 1], 2) == [1, 1, 0]
    assert quotas([0], 5) == [0]


@dataclasses.dataclass(frozen=True)
class Copier:
    """Gives the dataset's first picture for every case."""

    root: Path

    def make(self, order, number):
        sample = read_images(self.root)[0]
        source = {"generator": "copy", "cell": "any", "weight": 1.0, "annotations": [0]}
        return Made(dataclasses.replace(sample, metadata={**sample.metadata, "source": source}), {"tried": 1})


def test_a_learned_way_falls_back_where_there_are_too_few_examples(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(filling.HOW, "copy", Way(lambda task: Copier(task.data.root), too_few))
    few = Plan(fingerprint(data), (Entry(DARK, 3, 4), Entry(CROWDED, 4, 5)))
    assert left_of(few, "copy") == {0: "3 examples are too few to learn from"}
    assert left_of(few, "simulate") == {}
    (tmp_path / "rare.json").write_text(few.to_json())
    words = ["rare", "fill", str(data.root), "--plan", str(tmp_path / "rare.json"), "-o", str(tmp_path / "out")]
    assert main([*words, "--how", "copy", "--workers", "1"]) == 0
    assert '"dark": 3 examples are too few to learn from: made by simulate' in capsys.readouterr().err
    filled = read_images(tmp_path / "out")
    assert [sample.metadata["source"]["generator"] for sample in filled] == ["simulate", "copy"]
    assert np.array_equal(filled[1].rgb, data[0].rgb)


def test_a_case_that_is_not_found_is_said_and_leaves_a_gap(data, tmp_path, monkeypatch, capsys):
    class Nothing:
        def make(self, order, number):
            return Made(None, {"drawn": 7})

    monkeypatch.setitem(filling.HOW, "nothing", Way(lambda task: Nothing()))
    (tmp_path / "rare.json").write_text(plan_of(data, 1).to_json())
    words = ["rare", "fill", str(data.root), "--plan", str(tmp_path / "rare.json"), "-o", str(tmp_path / "out")]
    assert main([*words, "--how", "nothing", "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert '"dark": made 0 of 1 within the limits (7 drawn)' in said
    assert "error: fill: none of the 1 images that were asked for could be made" in said


def test_some_that_are_not_found_are_said_and_the_others_kept(data, tmp_path, monkeypatch, capsys):
    class EverySecond:
        def make(self, order, number):
            return Made(None, {"drawn": 7}) if number % 2 else Copier(data.root).make(order, number)

    monkeypatch.setitem(filling.HOW, "second", Way(lambda task: EverySecond()))
    (tmp_path / "rare.json").write_text(plan_of(data, 3).to_json())
    words = ["rare", "fill", str(data.root), "--plan", str(tmp_path / "rare.json"), "-o", str(tmp_path / "out")]
    assert main([*words, "--how", "second", "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert '"dark": made 2 of 3 within the limits (2 tried, 7 drawn)' in said.err
    assert said.out.endswith(f"2 images in {tmp_path / 'out'}\n")


def test_names_in_brackets_are_names_and_cells_without_images_are_said(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(filling.HOW, "copy", Way(lambda task: Copier(task.data.root)))
    cells = (Cell(DARK.conditions, "[/bold] dark"), Cell(CROWDED.conditions, "[red]crowded"))
    plan = Plan(fingerprint(data), (Entry(cells[0], 5, 9), Entry(cells[1], 5, 6)))
    (tmp_path / "rare.json").write_text(plan.to_json())
    words = ["rare", "fill", str(data.root), "--plan", str(tmp_path / "rare.json"), "-o", str(tmp_path / "out")]
    assert main([*words, "--how", "copy", "--workers", "1", "-n", "1"]) == 0
    said = capsys.readouterr()
    assert "[/bold] dark" in said.out
    assert '"[red]crowded": none of the 1 images is for it' in said.err


def test_a_filled_set_knows_its_gate(data, tmp_path):
    class Gated:
        confidence, identity = 0.5, "classifier photographs"

    job = fill_job(data, plan_of(data, 1), tmp_path, config=config_of(data), gate=Gated())
    assert (job.header["fill"]["gate"], job.header["fill"]["gate_confidence"]) == ("classifier photographs", 0.5)
    plain = fill_job(data, plan_of(data, 1), tmp_path, config=config_of(data)).header["fill"]
    assert plain["gate"] is False
    assert "gate_confidence" not in plain


def test_the_config_is_the_dataset_s(data):
    assert config_of(data).source == json.loads((data.root / "dataset.json").read_text())["config"]
    job = fill_job(data, plan_of(data, 4, 4), Path("out"), config=config_of(data), count=3)
    assert [entry[:2] for entry in job.order] == [("simulate", 0), ("simulate", 0), ("simulate", 1)]


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        ({"dataset": "0" * 16}, [], "was made for another dataset than"),
        ({"format": "simgen-rare/2"}, [], 'expected "format": "simgen-rare/1"'),
        ({"entries": []}, [], "expected a cell with fewer objects than its target, got none"),
        ({}, ["--how", "simulat"], '--how: unknown way "simulat" (did you mean "simulate"?)'),
        ({}, ["-n", "0"], "--count: expected a whole number >= 1, got 0"),
        ({}, ["--seed", "-1"], "--seed: expected a whole number >= 0, got -1"),
        ({}, ["--gate", "model.pt"], "--gate and --real: expected both or none of them, got one"),
        ({}, ["--gate-confidence", "0"], "--gate-confidence: expected --gate, the classifier that it is of, got none"),
        ({}, ["--gate-confidence", "1.5"], "--gate-confidence: expected a probability from 0 to 1, got 1.5"),
        ({}, ["--generator", "model.pt"], "--generator: is of --how scene, vae, gan and mix, got --how simulate"),
        ({}, ["--real-split", "first:3"], "--real-split: expected --real, the photographs that it is of, got none"),
        ({}, ["--scene", "dise"], 'config "dise": expected a .yaml file or the name of a shipped one'),
    ],
)
def test_a_mistake_is_one_sentence(change, options, sentence, data, plan, tmp_path, capsys):
    file, out = tmp_path / "rare.json", tmp_path / "out"
    file.write_text(json.dumps({**json.loads(plan.read_text()), **change}))
    assert main(["rare", "fill", str(data.root), "--plan", str(file), "-o", str(out), *options]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert sentence in said[0]
    assert not out.exists()


def test_a_set_that_was_not_generated_cannot_be_simulated(tmp_path, capsys):
    real = read_images(write_coco(tmp_path / "real", shapes(2), ("square", "disc")))
    (tmp_path / "rare.json").write_text(plan_of(real, 1).to_json())
    words = ["rare", "fill", str(real.root), "--plan", str(tmp_path / "rare.json"), "-o", str(tmp_path / "out")]
    assert main(words) == 2
    assert "was not generated, so no more of it can be simulated; to place crops" in capsys.readouterr().err
    assert main([*words, "--scene", "dice"]) == 2
    assert "expected sampled scenes in meta/ to simulate more of, got none" in capsys.readouterr().err


def test_a_folder_of_other_data_is_left_alone(data, plan, capsys):
    before = contents(data.root)
    assert main(["rare", "fill", str(data.root), "--plan", str(plan), "-o", str(data.root), "--workers", "1"]) == 2
    assert 'holds another dataset ("fill" differs)' in capsys.readouterr().err
    assert contents(data.root) == before
