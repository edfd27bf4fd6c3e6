"""What a user can get wrong in a config, and the sentence that they are told."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from scenes_for_tests import small_dice

from simgen.config import from_dict, load, why_no_gl
from simgen.errors import AssetError, ConfigError
from simgen.generate import sample
from simgen.render import RENDERERS, TinyRenderer


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scene.yaml"
    path.write_text(text)
    return path


def message(tmp_path: Path, old: str, new: str) -> str:
    text = yaml.safe_dump(small_dice(), sort_keys=False)
    assert old in text
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text.replace(old, new)))
    return str(caught.value).removeprefix(str(tmp_path))


@pytest.mark.parametrize("name", ["bracket", "dice", "dice-plain", "digits", "digits-plain"])
def test_shipped_scenes_load_and_render(name):
    config = load(name, ["output.size_wh=[96, 96]"])
    made = sample(config, 0, 0)
    assert made.rgb.shape == (96, 96, 3)
    assert {a.class_name for a in made.annotations} <= set(config.classes)


@pytest.mark.skipif(why_no_gl() is not None, reason="OpenGL cannot be used here")
@pytest.mark.parametrize("name", ["dice", "dice-plain", "digits", "digits-plain"])
def test_shipped_scenes_are_lit_by_gl(name):
    config = load(name, ["output.size_wh=[96, 96]", "render.kind=gl", "randomize.sensor=false"])
    made = sample(config, 0, 0)
    assert made.metadata["renderer"]["kind"] == "gl"
    assert 30 < made.rgb.mean() < 225
    assert {a.class_name for a in made.annotations} <= set(config.classes)


@pytest.mark.parametrize("name", ["dice", "digits"])
def test_what_only_gl_sees_leaves_tiny_as_it_was(name):
    small = ["output.size_wh=[96, 96]", "render.kind=tiny"]
    lit = sample(load(name, small), 1, 0)
    dark = sample(load(name, [*small, "randomize.lamps=false", "randomize.environment=false"]), 1, 0)
    assert lit.metadata["scene"]["environment"] is not None
    assert dark.metadata["scene"]["environment"] is None
    assert (lit.rgb == dark.rgb).all()


def test_unknown_key(tmp_path):
    assert message(tmp_path, "view_width_m", "view_widht_m") == (
        '/scene.yaml line 29: randomize.camera.view_widht_m: unknown key "view_widht_m" (did you mean "view_width_m"?)'
    )


def test_unknown_randomizer(tmp_path):
    assert message(tmp_path, "sensor:", "senzor:").endswith(
        'randomize.senzor.kind: unknown kind "senzor" (did you mean "sensor"?)'
    )


def test_range_upside_down(tmp_path):
    found = message(tmp_path, "    - 2\n    - 4", "    - 4\n    - 2")
    assert found.endswith("randomize.dice.count: expected low <= high, got the range upside down: [4, 2]")
    assert "/scene.yaml line" in found


def test_wrong_type(tmp_path):
    assert message(tmp_path, "noise: 3", "noise: loud").endswith(
        "randomize.sensor.noise: expected a number, a range [low, high] or a distribution, got 'loud'"
    )


def test_malformed_yaml_names_the_line(tmp_path):
    with pytest.raises(ConfigError, match=r"line 2: expected YAML"):
        load(written(tmp_path, "classes: [a]\nrandomize: {a: [}\n"))


def test_missing_file_and_unknown_name(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match='did you mean "dice"'):
        load("dise")


OLD, NEW = {"kind": "tiny", "light_distance_m": 0.7}, {"kind": "auto", "tiny": {"light_distance_m": 0.7}}


def test_a_renderer_has_its_fields_beside_its_kind_or_in_a_section_of_its_own():
    flat = from_dict(small_dice(render=OLD))
    own = from_dict(small_dice(render={**NEW, "kind": "tiny"}))
    assert flat.render == own.render == TinyRenderer(light_distance_m=0.7)
    assert from_dict(small_dice()).render == TinyRenderer()
    assert flat.source["render"] == OLD


@pytest.mark.parametrize("section", [OLD, NEW])
def test_choosing_another_renderer_leaves_the_first_ones_fields_to_it(section, tmp_path):
    file = written(tmp_path, yaml.safe_dump(small_dice(render=section)))
    chosen = load(file, ["render.kind=gl"])
    assert type(chosen.render) is RENDERERS["gl"]
    assert chosen.source["render"] == {"kind": "gl", "tiny": {"light_distance_m": 0.7}}
    back = load(file, ["render.kind=gl", "render.kind=tiny"])
    assert back.render == TinyRenderer(light_distance_m=0.7)


@pytest.mark.parametrize(("reason", "kind"), [(None, "gl"), ("no EGL; apt-get install libegl1", "tiny")])
def test_auto_is_settled_when_the_config_is_read(reason, kind, monkeypatch):
    monkeypatch.setattr("simgen.config.why_no_gl", lambda: reason)
    config = from_dict(small_dice(render=NEW))
    assert type(config.render) is RENDERERS[kind]
    assert config.source["render"] == {**NEW, "kind": kind}
    assert config.note == ("" if reason is None else f"renderer: tiny, because gl cannot be used here: {reason}")
    assert from_dict(config.source).source == config.source


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"kind": "tny"}, 'render.kind: unknown kind "tny" (did you mean "tiny"?)'),
        (
            {"kind": "tiny", "suprsample": 2},
            'render.suprsample: unknown key "suprsample" (did you mean "supersample"?)',
        ),
        (
            {"kind": "gl", "tiny": {"suprsample": 2}},
            'render.tiny.suprsample: unknown key "suprsample" (did you mean "supersample"?)',
        ),
        ({"kind": "tiny", "tiny": 3}, "render.tiny: expected a section, got 3"),
        (7, "render: expected a section, got 7"),
        (
            {"kind": "auto", "supersample": 2},
            (
                'render: expected fields in a section of their kind where the kind is "auto", '
                'e.g. "tiny: {supersample: ...}"'
            ),
        ),
    ],
)
def test_mistakes_about_the_renderer(section, sentence):
    with pytest.raises(ConfigError) as caught:
        from_dict(small_dice(render=section))
    assert str(caught.value) == sentence


def test_overrides():
    config = load("dice", ["output.quality=70", "randomize.tray=false", "redraws=2"])
    assert (config.output.quality, config.redraws) == (70, 2)
    assert "tray" not in config.randomize
    with pytest.raises(ConfigError, match="expected KEY=VALUE"):
        load("dice", ["output.quality"])
    with pytest.raises(ConfigError, match='unknown key "qualty"'):
        load("dice", ["output.qualty=70"])


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"path": "none.obj"}, "there is no such file"),
        ({"path": "broken.obj"}, "expected 1 to 500000 triangles, got 0"),
    ],
)
def test_a_mesh_that_is_missing_or_empty(tmp_path, model, sentence):
    from simgen.catalog import build_model

    (tmp_path / "broken.obj").write_text("v 0 0 0\n")
    with pytest.raises(AssetError, match=sentence):
        build_model({"kind": "mesh", **model}).mesh(tmp_path)


def test_a_texture_that_is_missing_or_unreadable(tmp_path):
    from simgen.textures import draw_texture

    (tmp_path / "broken.png").write_bytes(b"\x89PNG no")
    whole = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssetError, match="expected a whole image file, got a truncated one"):
        draw_texture({"kind": "photo", "path": "cut.jpg"}, (8, 8), tmp_path)
    with pytest.raises(AssetError, match="there is no such file"):
        draw_texture({"kind": "photo", "path": "none.png"}, (8, 8), tmp_path)
    with pytest.raises(AssetError, match="cannot be decoded"):
        draw_texture({"kind": "photo", "path": "broken.png"}, (8, 8), tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": [1, 2]}, "classes: expected a list of names, got [1, 2]"),
        ({"classes": ["one", "one"]}, 'classes: expected each name once, got "one" again'),
        ({"classes": [""]}, "classes: expected a list of names, got ['']"),
        ({"physics": {"step_s": 0}}, "physics.step_s: expected a number > 0, got 0"),
        ({"redraws": -1}, "redraws: expected a number >= 0, got -1"),
    ],
)
def test_values_that_make_no_scene(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        from_dict(small_dice(**changes))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("value", [".nan", "[0, .inf]", "{kind: normal, mean: .nan, std: 1}"])
def test_numbers_that_are_none(value):
    with pytest.raises(ConfigError, match=r"randomize\.camera\.tilt_rad.*: expected a finite number, got (nan|inf)"):
        load("dice", [f"randomize.camera.tilt_rad={value}"])


@pytest.mark.parametrize("value", ["-4", "[-3, 5]", "2.5", "1000000000", "{kind: normal, mean: 3, std: 1}"])
def test_counts_that_are_none(value):
    with pytest.raises(ConfigError, match=r"randomize\.dice\.count: expected whole numbers from 0 to 10000, got"):
        load("dice", [f"randomize.dice.count={value}"])


def test_yaml_nested_too_deep(tmp_path):
    with pytest.raises(ConfigError, match="nested too deep"):
        load(written(tmp_path, "a: " + "[" * 3000 + "]" * 3000))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "redraws: 1\nclasses: [a]\nredraws: 2\n",
            'line 3: expected each key once, got "redraws" again (it is there on line 1)',
        ),
        ("randomize:\n  light: {ambient: 0.5, ambient: 0.6}\n", 'line 2: expected each key once, got "ambient" again'),
    ],
)
def test_a_key_that_stands_twice(tmp_path, text, sentence):
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert str(caught.value).endswith(f"scene.yaml {sentence}")


def test_a_merged_section_may_be_changed(tmp_path):
    text = yaml.safe_dump(small_dice(), sort_keys=False)
    text = text.replace("    noise: 3", "    <<: &few {noise: 2, gamma: 1.1}\n    noise: 3")
    assert load(written(tmp_path, text)).randomize["sensor"].noise.value == 3


@pytest.mark.parametrize("name", ["scenes", "scenes.yaml", "."])
def test_a_folder_is_no_config(tmp_path, name, monkeypatch):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(name)
    assert str(caught.value) == f'config "{name}": expected a .yaml file, got a folder'


def test_a_folder_of_the_name_of_a_shipped_scene_does_not_hide_it(tmp_path, monkeypatch):
    (tmp_path / "dice").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load("dice").classes[0] == "one"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("randomize.sensor.jpeg_quality=400", "expected whole numbers from 1 to 100, got 400"),
        ("randomize.sensor.jpeg_quality=50.5", "expected whole numbers from 1 to 100, got 50.5"),
        ("randomize.sensor.noise=-4", "expected numbers from 0 to 255, got -4"),
        ("randomize.sensor.noise=[-1, 4]", "expected numbers from 0 to 255, got -1"),
        (
            "randomize.sensor.noise={kind: normal, mean: 3, std: 1}",
            'expected numbers from 0 to 255, got a normal without "low"',
        ),
        ("randomize.sensor.noise={kind: mixture, parts: [3, [0, 300]]}", "expected numbers from 0 to 255, got 300"),
        ("randomize.sensor.noise={kind: choice, values: [0, -2]}", "expected numbers from 0 to 255, got -2"),
        ("randomize.dice.mass_kg=-1", "expected numbers from 0 to 1000, got -1"),
        ("randomize.dice.size_m=[-0.01, 0.02]", "expected numbers from 0.0001 to 100, got -0.01"),
        ("randomize.tray.probability=7", "expected numbers from 0 to 1, got 7"),
        ("randomize.light.ambient=-5", "expected numbers from 0 to 1, got -5"),
        ("randomize.drop.friction=-1", "expected numbers from 0 to 10, got -1"),
        ("randomize.drop.restitution=3", "expected numbers from 0 to 1, got 3"),
        ("randomize.camera.tilt_rad=[0, 30]", "expected numbers from -3.1416 to 3.1416, got 30"),
        ("randomize.environment.intensity=-1", "expected numbers >= 0, got -1"),
        ("randomize.dice.pips=[]", "expected at least 1 entry, got none"),
    ],
)
def test_numbers_that_a_quantity_cannot_have(override, sentence):
    place = override.partition("=")[0]
    with pytest.raises(ConfigError) as caught:
        load("dice", [override])
    assert str(caught.value).partition(": ")[0].startswith("dice line ")
    assert str(caught.value).partition(": ")[2] == f"{place}: {sentence}"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("lamps.groups=[{aspect: 0}]", "lamps.groups.0.aspect: expected numbers from 0.01 to 100, got 0"),
        (
            "environment.kinds=[{kind: sky, turbidity: 40}]",
            "environment.kinds.0.turbidity: expected numbers from 2 to 10, got 40",
        ),
        ("camera.lens={kind: brown, k1: 200}", "camera.lens.k1: expected numbers from -100 to 100, got 200"),
        ("camera.lens=3", 'camera.lens: expected a section with "kind", got 3'),
        ("dice.pips=[{value: 3}]", "dice.pips.0.value: expected numbers from 0 to 1, got 3"),
        ("sensor.noise={kind: normal, mean: 1}", "sensor.noise.std: required, but missing"),
        (
            "lamps.groups=[{kind: aera}]",
            'lamps.groups.0.kind: expected one of directional, point, spot, area, got "aera" (did you mean "area"?)',
        ),
    ],
)
def test_mistakes_inside_of_lists_and_kinds(override, sentence):
    with pytest.raises(ConfigError) as caught:
        load("dice", [f"randomize.{override}"])
    assert str(caught.value).partition(": randomize.")[2] == sentence


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("output.image=gif", "output.image: expected one of jpg, png, got \"gif\""),
        ("output.size_wh=[640]", "output.size_wh: expected at least 2 entries, got [640]"),
        ("output.size_wh=[640, 1, 1]", "output.size_wh: expected at most 2 entries, got 3"),
        ("output.size_wh=7", "output.size_wh: expected a list, got 7"),
        ("output.depth=maybe", "output.depth: expected true or false, got 'maybe'"),
        ("output.quality=9.5", "output.quality: expected a whole number, got 9.5"),
        ("labels=3", "labels: expected a section, got 3"),
        ("labels.min_visible_fraction=2", "labels.min_visible_fraction: expected a number <= 1, got 2"),
        ("physics.limit_s=soon", "physics.limit_s: expected a number, got 'soon'"),
        ("classes=one", "classes: expected a list of names, got 'one'"),
    ],
)  # fmt: skip
def test_sentences_are_plain(override, sentence):
    with pytest.raises(ConfigError) as caught:
        load("dice", [override])
    assert str(caught.value).partition(": ")[2] == sentence


def test_the_style_of_digits_has_limits():
    with pytest.raises(
        ConfigError, match=r"digit_tiles\.style\.thickness: expected numbers from 0\.005 to 0\.5, got -1"
    ):
        load("digits", ["randomize.digit_tiles.style={thickness: [-1, 0.1]}"])
    with pytest.raises(ConfigError, match=r"digits line 14: randomize\.digit_tiles\.style: `slant` needs low <= high"):
        load("digits", ["randomize.digit_tiles.style={slant: [1, 0]}"])


def test_a_panorama_is_looked_at_when_the_config_is_read(tmp_path):
    def config(path):
        return written(tmp_path, yaml.safe_dump(scene(path), sort_keys=False))

    def scene(path):
        data = small_dice(render={"kind": "tiny"})
        data["randomize"]["environment"] = {"kinds": [{"kind": "image", "paths": [path]}]}
        return data

    cv2.imwrite(str(tmp_path / "good.png"), np.full((16, 32, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "square.png"), np.full((16, 16, 3), 90, np.uint8))
    below = np.zeros((16, 32, 3), np.uint8)
    below[9:] = 90
    cv2.imwrite(str(tmp_path / "below.png"), below)
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:-20])
    assert sample(load(config("good.png")), 0, 0).metadata["scene"]["environment"]["map"]["path"] == "good.png"
    for name, reason in (
        ("none.hdr", "cannot be read: No such file or directory"),
        ("cut.png", "expected a whole .hdr, .exr, .png or .jpg file, got one that cannot be decoded"),
        ("below.png", "expected light from above, got a panorama that is dark there"),
        ("square.png", "expected a panorama twice as wide as high, got 16 x 16 pixels"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(config(name))
        where = f"{tmp_path / 'scene.yaml'} line "
        assert str(caught.value).startswith(where)
        assert str(caught.value).endswith(
            f'randomize.environment.kinds.0.paths: environment "{tmp_path / name}": {reason}'
        )
