"""What is found and what is advised: the right direction, keys that exist, nothing where the sets agree."""

import dataclasses
import json
from importlib import resources

import numpy as np
import pytest
import yaml

from simgen.adapters.gap.axes import AXES, Scene, fitting
from simgen.adapters.gap.findings import WORDS, compare_statistic, find, find_class, holm
from simgen.adapters.gap.observe import BOX_STATISTICS, COUNT, IMAGE_STATISTICS
from simgen.adapters.gap.shift import Priors
from simgen.adapters.settings import TrainConfig
from simgen.config import load
from simgen.randomize import RANDOMIZERS
from simgen.rng import stream

DICE = Scene({"light": {"ambient": [0.45, 0.8]}, "sensor": {"exposure": [0.75, 1.2]}}, "tiny")


def gap_of(source, target, name="brightness"):
    return compare_statistic(name, np.asarray(source, float), np.asarray(target, float))


def values(centre, spread=0.1, count=200, key=0):
    return stream(key, count, "values").normal(centre, spread, count)


def shipped_keys():
    """Return the dotted keys under `randomize` of the shipped scenes, and the fields that their randomizers have."""
    keys = set()

    def walk(section, path):
        for key, value in section.items():
            keys.add(".".join([*path, key]))
            if isinstance(value, dict):
                walk(value, [*path, key])

    for entry in (resources.files("simgen.assets") / "scenes").iterdir():
        if entry.name.endswith(".yaml"):
            walk(yaml.safe_load(entry.read_text())["randomize"], [])
    return keys


@pytest.mark.parametrize("axis", [axis for axes in AXES.values() for axis in axes], ids=lambda axis: axis.key)
def test_every_axis_is_a_key_of_a_shipped_scene(axis):
    assert axis.key in shipped_keys()
    kind, field = axis.key.split(".")[:2]
    assert field in {f.name for f in dataclasses.fields(RANDOMIZERS[kind])}


def test_every_statistic_has_words_and_axes():
    assert set(WORDS) == set(AXES) == {*IMAGE_STATISTICS, *BOX_STATISTICS, COUNT}


def test_the_training_keys_that_are_named_exist():
    config = TrainConfig()
    assert "crop.scale" in WORDS["box_size"].besides
    assert config.crop.scale
    assert "box.square" in WORDS["box_aspect"].besides
    assert config.box.square is False


def test_a_darker_target_lowers_the_light():
    (finding,) = find([gap_of(np.linspace(0, 1, 101), np.linspace(0.02, 0.04, 51))], DICE)
    assert finding.text == (
        "target images are 0.47 darker (median 0.03 against 0.5), darker than 96.5 % of yours: "
        "lower light.ambient (now [0.45, 0.8]), or lower sensor.exposure (now [0.75, 1.2])"
    )
    assert finding.axes == ("light.ambient", "sensor.exposure")


@pytest.mark.parametrize(
    ("name", "higher", "advice"),
    [
        ("sharpness", False, "raise sensor.blur_px"),
        ("sharpness", True, "lower sensor.blur_px"),
        ("noise", True, "raise sensor.noise"),
        ("box_size", False, "raise camera.view_width_m"),
        ("blue_yellow", True, "widen sensor.white_balance"),
    ],
)
def test_the_direction_of_the_advice(name, higher, advice):
    (finding,) = find([gap_of(values(5.0), values(5.6 if higher else 4.4), name)], None)
    assert advice in finding.text


def test_a_wider_target_widens_the_side_that_is_missing():
    source = values(0.5, 0.02)
    target = np.concatenate([values(0.5, 0.02, 120, 1), values(0.8, 0.05, 80, 2)])
    (finding,) = find([gap_of(source, target)], DICE)
    assert finding.text.startswith("4")
    assert "% of the target images are brighter than nearly all of yours: widen light.ambient upwards" in finding.text


def test_nothing_to_move_where_the_sets_agree_or_the_source_is_wider():
    assert find([gap_of(values(0.5), values(0.5, key=7))], DICE) == ()
    assert find([gap_of(values(0.5, 0.3), values(0.6, 0.02))], DICE) == ()


def test_few_values_are_no_finding_by_chance():
    assert find([gap_of(values(0.5, count=10), values(0.52, count=10, key=3))], DICE) == ()


def test_the_largest_comes_first():
    gaps = [gap_of(values(5.0), values(5.3), "noise"), gap_of(values(0.5), values(1.5))]
    assert [finding.statistic for finding in find(gaps, None)] == ["brightness", "noise"]


@pytest.mark.parametrize(
    ("scene", "advice", "axes"),
    [
        (None, "lower its weight in objects.items", ("objects.items",)),
        (Scene({"parts": {"kind": "objects"}}, "tiny"), "lower its weight in objects.items", ("objects.items",)),
        (Scene({"dice": {}}, "tiny"), "no key of your scene sets it; weigh it in training", ()),
    ],
)
def test_a_class_that_is_more_frequent(scene, advice, axes):
    priors = Priors(("a", "b"), np.array([0.9, 0.1]), np.array([0.6, 0.4]), {}, 0.3, 0.002, "labels")
    (finding,) = find_class(priors, scene)
    assert finding.text == f'class "a" makes 60 % of the target\'s objects and 90 % of yours: {advice}'
    assert finding.axes == axes
    assert finding.size == pytest.approx(0.3 / 0.3)
    assert "objects.items" in shipped_keys()
    assert find_class(dataclasses.replace(priors, p_value=0.3), scene) == find_class(None, scene) == ()


def test_holm():
    assert holm({"a": 0.01, "b": 0.02, "c": 0.04}) == {"a", "b", "c"}
    assert holm({"a": 0.01, "b": 0.03, "c": 0.04}) == {"a"}


def test_only_axes_that_the_renderer_sees_and_the_scene_has():
    tiny, gl = (Scene(load("dice").source["randomize"], kind) for kind in ("tiny", "gl"))
    assert [axis.key for axis, _ in fitting("brightness", tiny)][:2] == ["light.ambient", "sensor.exposure"]
    assert [axis.key for axis, _ in fitting("brightness", gl)][:2] == ["camera.exposure_bias_ev", "sensor.exposure"]
    assert fitting("box_size", tiny)[0][1] == "now [0.19, 0.3]"
    assert [axis.key for axis, _ in fitting("objects", tiny)] == ["dice.count"]
    assert fitting("noise", Scene({"light": {}}, "tiny"))[0][1] == "not in your scene yet"


def test_a_scene_knows_a_randomizer_under_another_name():
    scene = Scene({"parts": {"kind": "objects", "count": [1, 2]}, "sensor": False}, "tiny")
    assert scene.says("objects.count") == "[1, 2]"
    assert scene.says("sensor.noise") is None
    assert scene.says("parts.count") is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"config": 3}', '{"config": {"randomize": 1}}', "[" * 9999])
def test_a_foreign_dataset_json_is_no_scene(content, tmp_path):
    (tmp_path / "dataset.json").write_text(content)
    assert Scene.of(tmp_path) is None


def test_the_scene_of_a_generated_set(tmp_path):
    config = {"randomize": {"sensor": {"noise": [0, 6]}}, "render": {"kind": "gl"}}
    (tmp_path / "dataset.json").write_text(json.dumps({"config": config}))
    scene = Scene.of(tmp_path)
    assert scene is not None
    assert (scene.renderer, scene.says("sensor.noise"), scene.says("sensor.gamma")) == ("gl", "[0, 6]", "not set")
