"""`simgen gap`: what it prints and writes, and one sentence for each mistake."""

import json

import cv2
import numpy as np
import pytest
from adapter_fakes import shapes, write_coco

from simgen.cli.app import main


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    write_coco(root / "source", shapes(14), ("square", "disc"))
    write_coco(root / "dark", [(rgb // 2, found) for rgb, found in shapes(14, 1)], ("square", "disc"))
    write_coco(root / "few", shapes(4), ("square", "disc"))
    write_coco(root / "broken", shapes(12, 2), ("square", "disc"))
    picture = root / "broken" / "images" / "00000007.png"
    picture.write_bytes(picture.read_bytes()[:-40])
    np.savez(root / "rows.npz", x=np.ones((20, 3)))
    (root / "nothing").mkdir()
    (root / "empty").mkdir()
    (root / "empty" / "annotations.json").write_text('{"images": [], "annotations": [], "categories": []}')
    (root / "photos").mkdir()
    for number in range(12):
        grey = np.full((40, 60, 3), 90 + number, np.uint8)
        cv2.imwrite(str(root / "photos" / f"p{number:02d}.jpg"), grey)
    return root


def test_the_findings_are_printed_and_written(sets, tmp_path, capsys):
    words = ["gap", str(sets / "source"), str(sets / "dark"), "-o", str(tmp_path / "out"), "--split", "first:12"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "darker than all of yours: lower light.ambient" in printed
    assert printed.endswith(f"report: {tmp_path / 'out' / 'gap.html'}\n")
    content = json.loads((tmp_path / "out" / "gap.json").read_text())
    assert (content["source"]["images"], content["target"]["images"]) == (14, 12)


def test_a_folder_of_photographs_of_another_size_will_do(sets, tmp_path):
    assert main(["gap", str(sets / "source"), str(sets / "photos"), "-o", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "gap.json").read_text())["target"]["objects"] is None


@pytest.mark.parametrize(
    ("source", "target", "options", "sentence"),
    [
        ("source", "few", [], 'few": expected at least 10 images to compare, got 4'),
        ("empty", "source", [], 'empty": expected at least 10 images to compare, got 0'),
        ("source", "nothing", [], 'nothing": expected one of the known layouts'),
        ("source", "missing", [], 'missing": expected a folder of images or the name of a set, got neither'),
        ("source", "rows.npz", [], 'rows.npz": expected images to compare, and these have no light, colour or objects'),
        ("source", "broken", [], '00000007.png": expected a whole PNG file, got a truncated one'),
        ("source", "dark", ["--split", "first:99"], 'split "first:99": expected "all", "first:N" or "last:N"'),
        ("source", "dark", ["--images", "9"], "--images: expected a whole number >= 10, got 9"),
        ("source", "dark", ["--seed", "-1"], "--seed: expected a whole number >= 0, got -1"),
        ("source", "dark", ["--model", "none.pt"], "none.pt: there is no such model file"),
    ],
)
def test_a_mistake_is_one_sentence(source, target, options, sentence, sets, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["gap", str(sets / source), str(sets / target), "-o", str(out), *options]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert sentence in said[0]
    assert not out.exists()


def test_an_output_that_is_a_file_is_named(sets, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["gap", str(sets / "source"), str(sets / "dark"), "-o", str(tmp_path / "file")]) == 2
    assert f'output "{tmp_path / "file"}": expected a folder, got a file' in capsys.readouterr().err


def test_help_names_defaults_and_sets(capsys):
    assert main(["gap", "--help"]) == 0
    listed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for words in ("d6-dice-test", "[default: 400]", "[default: gap]", "first:N", "default: a fixed descriptor"):
        assert words in listed
