"""Plans: written and read as a pair, strictly; of one dataset and of no other."""

import json

import pytest
from adapter_fakes import shapes, write_coco
from rare_fakes import generated

from simgen.errors import ConfigError, DataError
from simgen.formats import read_images
from simgen.rare.cells import Cell, Condition
from simgen.rare.plan import Entry, Plan, fingerprint, read_plan, require_parameters, require_plan_of

CELL = Cell((Condition("class", among=("one",)), Condition("size_px", None, 30)), "small one")
PLAN = Plan("0123456789abcdef", (Entry(CELL, 2, 9, "thin"), Entry(Cell((Condition("count", 3),)), 0, 1)))


def test_a_plan_is_read_as_it_was_written(tmp_path):
    (tmp_path / "rare.json").write_text(PLAN.to_json())
    assert read_plan(tmp_path / "rare.json") == PLAN
    assert [entry.need for entry in PLAN.entries] == [7, 1]


def changed(**changes):
    entry = json.loads(PLAN.to_json())["entries"][0]
    return json.dumps({**json.loads(PLAN.to_json()), "entries": [{**entry, **changes}]})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "line 1: expected JSON, got"),
        ("[]", 'expected "format": "simgen-rare/1", got \'list\''),
        ("{}", 'expected "format": "simgen-rare/1", got None'),
        ('{"format": "simgen-rare/9"}', "got 'simgen-rare/9'"),
        ('{"format": "simgen-rare/1", "entries": []}', "dataset: required, but missing"),
        (changed(count=-1), "entries.0.count: expected a number >= 0, got -1"),
        (changed(target=10**30), "entries.0.target: expected a number <= 100000"),
        (changed(target="many"), "entries.0.target: expected a whole number, got 'many'"),
        (changed(target=float("nan")), "expected finite numbers, got nan"),
        (changed(targt=3), 'entries.0.targt: unknown key "targt"'),
        (changed(cell={"conditions": []}), "expected at least 1 entry, got none"),
        (changed(cell={"conditions": [{"attribute": "size_px"}]}), '"size_px": expected low or high'),
        (changed(cell={"conditions": [{"attribute": "siz_px", "low": 1}]}), 'unknown attribute "siz_px" (did you mean'),
        ("[" * 100_000, "expected a plan, got JSON nested too deep"),
    ],
)
def test_a_malformed_plan_is_one_sentence(text, sentence, tmp_path):
    file = tmp_path / "rare.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plan(file)
    assert f'plan "{file}"' in str(caught.value)
    assert sentence in str(caught.value)


def test_a_missing_plan_is_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        read_plan(tmp_path / "rare.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_plan(tmp_path)


def test_the_fingerprint_changes_with_what_identifies_a_set(tmp_path):
    first = read_images(write_coco(tmp_path / "a", shapes(3), ("square", "disc")))
    same = read_images(write_coco(tmp_path / "b", shapes(3), ("square", "disc")))
    assert fingerprint(first) == fingerprint(same)
    fewer = read_images(write_coco(tmp_path / "c", shapes(2), ("square", "disc")))
    renamed = read_images(write_coco(tmp_path / "d", shapes(3), ("disc", "square")))
    (tmp_path / "b" / "dataset.json").write_text('{"seed": 4}')
    assert len({fingerprint(one) for one in (first, fewer, renamed, same)}) == 4
    (tmp_path / "b" / "dataset.json").write_text("[")
    with pytest.raises(DataError, match="damaged"):
        fingerprint(same)


def test_a_plan_of_another_set_is_refused(tmp_path):
    data = read_images(write_coco(tmp_path / "a", shapes(2), ("square", "disc")))
    require_plan_of(Plan(fingerprint(data), ()), data, tmp_path / "rare.json")
    with pytest.raises(DataError, match="was made for another dataset"):
        require_plan_of(PLAN, data, tmp_path / "rare.json")


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (Condition("class", among=("squarre",)), 'class: unknown class "squarre" \\(did you mean "square"\\?\\)'),
        (Condition("class", low=1), 'class: expected categories under "among", got low or high'),
        (Condition("truncated", among=("cuts",)), 'truncated: unknown category "cuts"'),
        (Condition("size_px", among=("small",)), 'size_px: expected numbers, got the category "small"'),
        (Condition("visible_fraction", low=1.5), "visible_fraction is 0 to 1, never >= 1.5"),
        (Condition("image_luma", high=0), "image_luma is 0 to 255, never < 0"),
    ],
)
def test_a_cell_that_nothing_can_be_in_is_refused(condition, sentence, tmp_path):
    data = read_images(write_coco(tmp_path / "a", shapes(2), ("square", "disc")))
    plan = Plan(fingerprint(data), (Entry(Cell((condition,)), 0, 1),))
    with pytest.raises(ConfigError, match=f"entries.0.cell: {sentence}"):
        require_plan_of(plan, data, tmp_path / "rare.json")


def test_a_parameter_that_no_object_has_is_refused(tmp_path):
    data = generated(tmp_path / "set", 2)

    def require(name: str) -> None:
        plan = Plan(fingerprint(data), (Entry(Cell((Condition(name, low=0.0),)), 0, 1),))
        require_parameters(plan, data, tmp_path / "rare.json")

    require("scene.light.ambient")
    require("object.material.roughness")
    require("size_px")
    said = r'has a parameter "scene\.light\.ambientt" \(did you mean "scene\.light\.ambient"\?\)'
    with pytest.raises(ConfigError, match=said):
        require("scene.light.ambientt")
    with pytest.raises(ConfigError, match=r'has a parameter "object\.foo"'):
        require("object.foo")


def test_an_edited_plan_is_told_from_one_as_it_was_written(tmp_path):
    file = tmp_path / "rare.json"
    file.write_text(PLAN.to_json())
    assert not read_plan(file).edited
    file.write_text(PLAN.to_json().replace('"target": 9', '"target": 10'))
    assert read_plan(file).edited
