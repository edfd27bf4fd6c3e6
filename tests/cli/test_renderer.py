"""--renderer on the commands that draw."""

import json
from pathlib import Path

import cv2
import pytest
import yaml
from scenes_for_tests import small_dice

from simgen.cli.app import main
from simgen.formats.coco import CocoDataset


def scene(tmp_path: Path, **render: object) -> str:
    file = tmp_path / "scene.yaml"
    file.write_text(yaml.safe_dump(small_dice(render=render), sort_keys=False))
    return str(file)


@pytest.mark.parametrize("command", ["generate", "preview"])
def test_an_unknown_renderer_is_one_sentence_and_writes_nothing(command, tmp_path, capsys):
    out = tmp_path / "out.png"
    assert main([command, scene(tmp_path), "-o", str(out), "--renderer", "tyny"]) == 2
    err = capsys.readouterr().err
    assert err == 'error: --renderer: expected one of auto, gl, tiny, got "tyny" (did you mean "tiny"?)\n'
    assert not out.exists()


def test_where_gl_cannot_run_auto_says_what_to_install_and_draws_with_tiny(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("simgen.config.why_no_gl", lambda: "no EGL; apt-get install libegl1")
    file = scene(tmp_path, kind="tiny", light_distance_m=0.7)
    command = ["generate", file, "-o", str(tmp_path / "set"), "-n", "1", "--workers", "1", "--renderer", "auto"]
    assert main(command) == 0
    expected = "renderer: tiny, because gl cannot be used here: no EGL; apt-get install libegl1\n"
    assert expected in capsys.readouterr().err
    (made,) = CocoDataset.read(tmp_path / "set")
    assert made.metadata["renderer"]["kind"] == "tiny"
    header = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert header["config"]["render"] == {"kind": "tiny", "tiny": {"light_distance_m": 0.7}}


def test_a_label_that_only_gl_draws_says_why_auto_is_not_gl_here(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("simgen.config.why_no_gl", lambda: "no EGL; apt-get install libegl1")
    file = tmp_path / "scene.yaml"
    data = small_dice(output={"size_wh": [96, 96], "parts": True}, render={"kind": "auto"})
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    assert main(["generate", str(file), "-o", str(tmp_path / "set"), "-n", "1", "--workers", "1"]) == 2
    why = "renderer: tiny, because gl cannot be used here: no EGL; apt-get install libegl1"
    assert f'expected a renderer that draws parts (gl), got "tiny"; {why}\n' in capsys.readouterr().err


def test_gl_without_opengl_is_one_sentence(tmp_path, capsys, monkeypatch):
    from simgen.render.gl.context import GlError

    def refuse() -> None:
        raise GlError("OpenGL: no context can be made")

    monkeypatch.setattr("simgen.render.gl.device", refuse)
    command = [
        "generate",
        scene(tmp_path),
        "-o",
        str(tmp_path / "set"),
        "-n",
        "1",
        "--workers",
        "1",
        "--renderer",
        "gl",
    ]
    assert main(command) == 2
    assert "error: OpenGL: no context can be made\n" in capsys.readouterr().err


def test_a_preview_by_tiny(tmp_path):
    out = tmp_path / "sheet.png"
    assert main(["preview", scene(tmp_path), "-o", str(out), "-n", "1", "--renderer", "tiny"]) == 0
    assert cv2.imread(str(out)).shape[1] == 1680
