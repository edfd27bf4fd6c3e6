"""`simgen rare find`: what it prints and writes, and one sentence for each mistake."""

import csv
import json

import cv2
import numpy as np
import pytest
from adapter_fakes import shapes, write_coco
from rare_fakes import generated

from simgen.cli.app import main
from simgen.formats import read_images
from simgen.rare.bins import read_bins
from simgen.rare.cells import Cell, Condition
from simgen.rare.crossing import Crossed
from simgen.rare.find import FindConfig, find
from simgen.rare.plan import fingerprint, read_plan
from simgen.rare.plots import cell_bars
from simgen.rare.rules import absent, sparse, thin


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    generated(root / "dice", 8)
    pictures = shapes(14)
    write_coco(
        root / "source",
        [*pictures[:12], *((rgb // 4, found) for rgb, found in pictures[12:])],
        ("square", "disc"),
        masks=True,
    )
    write_coco(root / "dark", [(rgb // 4, found) for rgb, found in shapes(6, 1)], ("square", "disc"))
    write_coco(root / "bare", shapes(2, 2), ("square", "disc"))
    (root / "empty").mkdir()
    (root / "empty" / "annotations.json").write_text('{"images": [], "annotations": [], "categories": []}')
    return root


def test_rare_cases_are_printed_and_written(sets, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["rare", "find", str(sets / "source"), "--real", str(sets / "dark"), "-o", str(out)]
    assert main([*words, "--bins", "class x image_luma:60", "--thin", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert "real objects" in printed
    assert "2 of 4 cells are rare" in printed
    plan = read_plan(out / "rare.json")
    assert plan.dataset == fingerprint(read_images(sets / "source"))
    entries = {entry.cell.title: entry for entry in plan.entries}
    assert set(entries) == {"class square, image_luma < 60", "class disc, image_luma < 60"}
    dark = entries["class disc, image_luma < 60"]
    assert (dark.count, dark.target) == (2, 4)
    cells = list(csv.DictReader((out / "cells.csv").open()))
    assert [(row["count"], row["real_count"]) for row in cells] == [("2", "6"), ("12", "0")] * 2
    objects = list(csv.DictReader((out / "objects.csv").open()))
    assert len(objects) == 28
    for name in ("cells.png", "lowest.png", "uncovered.png"):
        assert cv2.imread(str(out / name)).std() > 1


def test_the_plot_shows_what_the_real_set_s_shares_would_be_of_the_dataset(sets):
    config = FindConfig(tuple(read_bins(["class x image_luma:60"])), likelihood=False)
    source, dark = (read_images(sets / name) for name in ("source", "dark"))
    # 28 objects, of which the real set would have half in each dark cell and none in the bright ones.
    for real, diamonds in ((None, []), (dark, [[14, 0], [14, 0]])):
        (axes,) = cell_bars(find(source, config, real).grids).axes
        shown = [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "D"]
        assert shown == diamonds


def test_the_findings_repeat_to_the_byte_and_the_folder_is_taken_again(sets, tmp_path):
    words = ["rare", "find", str(sets / "source"), "-o", str(tmp_path), "--bins", "class", "--no-likelihood"]
    assert main(words) == 0
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert main(words) == 0
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_edited_plan_is_not_lost_and_what_is_old_goes(sets, tmp_path, capsys):
    words = ["rare", "find", str(sets / "source"), "-o", str(tmp_path), "--bins", "class x image_luma:60"]
    words += ["--no-likelihood", "--thin", "0.5"]
    assert main([*words, "--real", str(sets / "dark")]) == 0
    assert (tmp_path / "uncovered.png").is_file()
    assert main(words) == 0
    assert not (tmp_path / "uncovered.png").exists()
    plan = tmp_path / "rare.json"
    plan.write_text(plan.read_text().replace('"target": ', '"target": 1'))
    before = plan.read_text()
    capsys.readouterr()
    assert main(words) == 2
    assert "its rare.json was edited, and would be lost; choose another folder" in capsys.readouterr().err
    assert plan.read_text() == before
    assert main([*words, "--real-split", "first:1"]) == 2
    assert "--real-split: expected --real, the photographs that it is of, got none" in capsys.readouterr().err


def test_names_in_brackets_are_names(tmp_path, capsys):
    names = ["[/b]", *["cup"] * 5]
    images = [(rgb, [(name, box)]) for name, (rgb, ((_, box), *_)) in zip(names, shapes(6), strict=True)]
    write_coco(tmp_path / "set", images, ("[/b]", "cup"))
    assert (
        main(["rare", "find", str(tmp_path / "set"), "-o", str(tmp_path / "out"), "--bins", "class", "--thin", "1"])
        == 0
    )
    assert "[/b]" in capsys.readouterr().out


def test_a_generated_set_knows_every_default_attribute(sets, tmp_path, capsys):
    assert main(["rare", "find", str(sets / "dice"), "-o", str(tmp_path / "a"), "--no-likelihood"]) == 0
    assert "left out" not in capsys.readouterr().out
    assert main(["rare", "find", str(sets / "bare"), "-o", str(tmp_path / "b"), "--no-likelihood"]) == 0
    assert "left out: touching_same_class, which no object of the dataset has" in capsys.readouterr().out


def test_sampled_parameters_can_be_crossed(sets):
    data = read_images(sets / "dice")
    ambient = sorted(sample.metadata["scene"]["light"]["ambient"] for sample in data)
    grids = tuple(read_bins([f"scene.light.ambient:{ambient[4]}"]))
    (grid,) = find(data, FindConfig(grids, likelihood=False)).grids
    counts = [0, 0]
    for sample in data:
        light = sample.metadata["scene"]["light"]["ambient"]
        counts[light >= ambient[4]] += sum(not annotation.ignore for annotation in sample.annotations)
    assert list(grid.counts) == counts


def grid_of(counts, real=None):
    cells = tuple(Cell((Condition("class", among=(name,)),)) for name in "abcd"[: len(counts)])
    share = sum(counts) / len(counts)
    return Crossed((), cells, tuple(counts), share, int(np.ceil(0.2 * share)), real)


def test_a_cell_is_thin_below_a_share_of_an_even_share():
    (entry,) = thin([grid_of([50, 45, 4])])
    assert (entry.cell.title, entry.count, entry.target) == ("class c", 4, 7)


def test_a_cell_that_crowds_among_the_rarest_is_sparse():
    rows = [{"class": "b" if number < 6 else "a"} for number in range(100)]
    rarity = np.linspace(1, 0, 100)
    (entry,) = sparse([grid_of([94, 6])], rows, rarity)
    assert (entry.cell.title, entry.count, entry.target) == ("class b", 6, 12)
    assert entry.rule == "low density: 5 of its 6 are among the rarest 5%"
    assert sparse([grid_of([94, 6])], rows, -rarity) == []


def test_a_share_that_only_the_real_set_has_is_absent():
    (entry,) = absent([grid_of([99, 1, 0], (80, 1, 19))], 100)
    assert (entry.cell.title, entry.count, entry.target) == ("class c", 0, 19)
    assert absent([grid_of([99, 1, 0])], 100) == []


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        ("empty", [], 'empty": expected at least 1 labelled object, got none'),
        ("missing", [], 'missing": expected a folder of images'),
        ("source", ["--bins", "class x visble_fraction:0.5"], 'unknown attribute "visble_fraction" (did you mean'),
        ("source", ["--bins", "class:squarre"], 'class: unknown class "squarre" (did you mean "square"?)'),
        ("source", ["--bins", "truncated:half"], 'truncated: unknown category "half" (known: cut, whole)'),
        ("source", ["--bins", "size_px"], "size_px: expected edges, e.g. size_px:"),
        ("source", ["--bins", "class:1,2"], "class: expected categories, e.g. class:square, got edges"),
        ("source", ["--bins", "lean_deg:10"], "lean_deg: expected a set with sampled scenes, got none in"),
        ("bare", ["--bins", "touching:1"], "touching: expected a set with masks, got none in"),
        ("dice", ["--bins", "scene.light.ambiet:1"], 'expected a set with a parameter "scene.light.ambiet"'),
        ("source", ["--thin", "0"], "--thin: expected a share above 0 and at most 1, got 0"),
        ("source", ["--seed", "-1"], "--seed: expected a whole number >= 0, got -1"),
        ("source", ["--model", "none.pt"], "none.pt: there is no such model file"),
        ("source", ["--real", "nowhere"], "expected a folder of images or the name of a set"),
    ],
)
def test_a_mistake_is_one_sentence(data, options, sentence, sets, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["rare", "find", str(sets / data), "-o", str(out), *options]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert sentence in said[0]
    assert not out.exists()


def test_a_folder_with_other_files_is_left_alone(sets, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("")
    assert main(["rare", "find", str(sets / "source"), "-o", str(tmp_path)]) == 2
    assert 'got one with "mine.txt"' in capsys.readouterr().err
    assert json.dumps([path.name for path in tmp_path.iterdir()]) == '["mine.txt"]'
