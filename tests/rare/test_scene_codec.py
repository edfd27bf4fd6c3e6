"""Scenes become numbers and come back; whatever the numbers are, what comes back is a scene."""

import json
from dataclasses import replace

import numpy as np
import pytest

from simgen.catalog import build_model
from simgen.config import load
from simgen.errors import DataError
from simgen.generate import draw_scene
from simgen.geometry import rotation_from_quat
from simgen.rare.scenes.encode import SceneCodec
from simgen.rare.scenes.fields import Category, Constant, Real, Seed, field_of
from simgen.rare.scenes.rest import settled
from simgen.rare.scenes.tray import fold, unfold
from simgen.rng import stream
from simgen.scene import scene_to_dict

RNG = stream(0, 0, "codec")


def scenes(name, count, size="[64,64]"):
    config = load(name, [f"output.size_wh={size}"])
    return config, [draw_scene(config, 3, index) for index in range(count)]


def leaves(value, path=""):
    """All values of a scene by their place: objects by name, lamps and boxes in an order of their own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple) and path.endswith("quat_xyzw"):
        for number, entry in enumerate(rotation_from_quat(value).ravel()):
            yield f"{path}.{number}", float(entry)
    elif isinstance(value, list | tuple):
        named = value and isinstance(value[0], dict)
        for number, entry in enumerate(sorted(value, key=lambda v: v.get("name", str(v))) if named else value):
            yield from leaves(entry, f"{path}.{number}")
    else:
        yield path, value


@pytest.mark.parametrize("name", ["dice", "digits", "bracket", "charuco"])
def test_a_scene_comes_back_up_to_rounding_and_seeds(name):
    _, drawn = scenes(name, 12)
    codec = SceneCodec.learn(drawn)
    for scene in drawn:
        there = dict(leaves(scene_to_dict(scene)))
        back = dict(leaves(scene_to_dict(codec.decode(codec.encode(scene), RNG))))
        assert back.keys() == there.keys()
        for place, value in there.items():
            if place.endswith(".seed"):
                assert isinstance(back[place], int)
            elif isinstance(value, float):
                assert back[place] == pytest.approx(value, abs=2e-4, rel=1e-4), place
            else:
                assert back[place] == value, place


@pytest.mark.parametrize("name", ["dice", "digits", "bracket", "charuco"])
def test_any_numbers_make_a_valid_scene(name):
    config, drawn = scenes(name, 12)
    codec = SceneCodec.learn(drawn)
    rng = stream(1, 0, "noise")
    for scene in drawn[:4]:
        encoded = codec.encode(scene)
        noise = replace(
            encoded,
            scene=rng.normal(0, 3, encoded.scene.shape),
            types=rng.integers(len(codec.types), size=len(encoded.types)),
            items=rng.normal(0, 3, encoded.items.shape),
        )
        made = codec.decode(noise, rng)
        assert len({body.name for body in made.objects}) == len(made.objects)
        for body in made.objects:
            build_model(body.model).collider(config.root)


def test_a_decoded_scene_simulates():
    config, drawn = scenes("dice", 6)
    codec = SceneCodec.learn(drawn)
    # Some scenes of any generator never come to rest.
    made = [(scene, settled(config, codec.decode(codec.encode(scene), RNG))) for scene in drawn]
    at_rest = [(scene, sample) for scene, sample in made if sample is not None]
    assert len(at_rest) >= 3
    for scene, sample in at_rest:
        assert set(sample.metadata["poses"]) == {body.name for body in scene.objects}


def test_decoded_numbers_stay_within_the_data():
    field = field_of("x", [0.0, 0.25, 1.0])
    assert [field.decode([v], RNG) for v in (-1e9, 1e9)] == [0.0, 1.0]
    assert field.decode(field.encode(0.25), RNG) == 0.25


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("seed", [1, 2**31 - 1], Seed),
        ("x", [0.5, 0.5], Constant),
        ("x", [0.5, 0.7], Real),
        ("x", [0.5, 0.7] * 30, Category),
        ("x", [1, 200], Real),
        ("digit", [0, 9], Category),
        ("kind", ["a", "b"], Category),
    ],
)
def test_a_field_is_of_the_kind_that_its_values_say(name, values, kind):
    assert isinstance(field_of(name, values), kind)


def test_new_seeds_are_drawn_evenly():
    field = field_of("seed", [5, 7])
    assert field.encode(5) == []
    draws = [field.decode([], RNG) for _ in range(400)]
    assert 0.4 < np.mean(draws) / 2**31 < 0.6


def test_a_tray_is_one_thing():
    drawn = [scene_to_dict(scene)["objects"] for scene in scenes("dice", 12)[1]]
    trays = [objects for objects in drawn if any(spec["name"] == "wall_east" for spec in objects)]
    assert trays
    for objects in trays:
        folded = fold(objects)
        (tray,) = [spec for spec in folded if spec["name"] == "tray"]
        parts = {spec["name"] for spec in objects} - {spec["name"] for spec in folded}
        assert {spec["name"] for spec in unfold(tray)} == parts


def test_walls_that_make_no_tray_stay_walls():
    objects = next(o for o in (scene_to_dict(s)["objects"] for s in scenes("dice", 12)[1]) if "wall_east" in str(o))
    moved = [{**o, "position_m": [1.0, 0.0, 0.0]} if o["name"] == "wall_east" else o for o in objects]
    assert fold(moved) == moved


def test_a_codec_comes_back_from_json_of_sorted_keys():
    _, drawn = scenes("dice", 6)
    codec = SceneCodec.learn(drawn)
    again = SceneCodec.of(json.loads(json.dumps(codec.plain(), sort_keys=True)))
    first, second = codec.encode(drawn[0]), again.encode(drawn[0])
    assert np.array_equal(first.items, second.items)
    assert np.array_equal(first.types, second.types)
    assert np.array_equal(first.scene, second.scene)


def test_places_that_were_never_seen_are_left_out():
    _, drawn = scenes("dice", 6)
    codec = SceneCodec.learn([replace(scene, lamps=()) for scene in drawn])
    lit = next(scene for scene in drawn if scene.lamps)
    assert codec.decode(codec.encode(lit), RNG).lamps == ()


def test_no_scenes_make_no_codec():
    with pytest.raises(DataError, match="expected at least one scene"):
        SceneCodec.learn([])
    with pytest.raises(DataError, match="expected the format"):
        SceneCodec.of({"format": "x"})
