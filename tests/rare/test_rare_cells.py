"""Cells and bins: what holds, how they are crossed, how people write them."""

import pytest

from simgen.errors import ConfigError
from simgen.rare.bins import DEFAULT_BINS, read_bins
from simgen.rare.cells import Bins, Cell, Condition, count, cross
from simgen.registry import validate

ROWS = [{"class": "one", "size_px": 10.0}, {"class": "two", "size_px": 20.0}, {"class": "two", "size_px": None}]


def test_an_interval_holds_its_low_end_and_not_its_high_one():
    between = Condition("size_px", 10, 20)
    assert [between.holds(value) for value in (9.9, 10.0, 19.9, 20.0, None)] == [False, True, True, False, False]
    assert Condition("size_px", None, 10).holds(-5.0)
    assert not Condition("class", among=("one",)).holds("two")


def test_a_cell_holds_where_all_conditions_do():
    cell = Cell((Condition("class", among=("two",)), Condition("size_px", 15)))
    assert count([cell], ROWS) == [1]
    assert cell.title == "class two, size_px >= 15"
    assert Cell(cell.conditions, "large two").title == "large two"


def test_bins_are_crossed_and_every_known_value_has_its_cell():
    cells = cross((Bins("class"), Bins("size_px", (15.0,))), ROWS)
    assert [cell.title for cell in cells] == [
        "class one, size_px < 15",
        "class one, size_px >= 15",
        "class two, size_px < 15",
        "class two, size_px >= 15",
    ]
    assert count(cells, ROWS) == [1, 0, 0, 1]


def test_bins_are_read_from_texts_and_files(tmp_path):
    assert read_bins(["class x size_px:15"]) == [(Bins("class"), Bins("size_px", (15.0,)))]
    file = tmp_path / "bins.yaml"
    file.write_text("- {class: null, scene.light.ambient: [0.5, 0.6]}\n- {truncated: [cut]}\n")
    light = (Bins("class"), Bins("scene.light.ambient", (0.5, 0.6)))
    assert read_bins([str(file)]) == [light, (Bins("truncated", among=("cut",)),)]
    assert len(read_bins(DEFAULT_BINS)) == len(DEFAULT_BINS)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("clas x size_px:3", 'unknown attribute "clas" (did you mean "class"?)'),
        ("size_px:3,2", "expected edges that rise, got 3, 2"),
        ("size_px:a,2", "expected a number, got 'a'"),
        ("class x class", 'expected each attribute once, got "class" again'),
        ("", 'unknown attribute ""'),
        ("none.yaml", "cannot be read: No such file"),
    ],
)
def test_a_mistake_in_bins_is_named(text, sentence):
    with pytest.raises(ConfigError) as caught:
        read_bins([text])
    assert sentence in str(caught.value)


@pytest.mark.parametrize("content", ["", "7", "[]", "[3]", "- {size_px: 3}", "- {size_px: [1, b]}", "a: [", "- {}"])
def test_a_mistake_in_a_file_of_bins_is_named(content, tmp_path):
    file = tmp_path / "bins.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match="--bins"):
        read_bins([str(file)])


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"attribute": "size_px"}, "expected low or high"),
        ({"attribute": "size_px", "low": 3, "among": ["a"]}, "expected low or high, or categories"),
        ({"attribute": "size_px", "low": 3, "high": 3}, "expected low < high"),
        ({"attribute": "size_px", "hihg": 3}, 'unknown key "hihg" (did you mean "high"?)'),
    ],
)
def test_a_condition_says_one_thing(section, sentence):
    with pytest.raises(ConfigError) as caught:
        validate(Condition, section, "")
    assert sentence in str(caught.value)
