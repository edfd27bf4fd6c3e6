"""The page on scenes names every randomizer, every one of its keys, and every kind of model, texture and number."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simgen.annotate import Labels
from simgen.catalog import MODELS
from simgen.config import Output
from simgen.randomize import DISTRIBUTIONS, RANDOMIZERS
from simgen.textures import TEXTURES
from simgen.world import Physics

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "scenes.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("name", RANDOMIZERS)
def test_every_key_of_a_randomizer_is_there(name):
    assert words(ROWS[name]) == {f.name for f in dataclasses.fields(RANDOMIZERS[name])}


@pytest.mark.parametrize(("name", "section"), [("output", Output), ("physics", Physics), ("labels", Labels)])
def test_every_key_of_a_section_is_there(name, section):
    assert {f.name for f in dataclasses.fields(section)} <= words(ROWS[name])


def test_every_kind_is_there():
    assert {*MODELS, *TEXTURES, *DISTRIBUTIONS} <= words(PAGE)


def test_the_first_example_is_the_readme_s_and_runs(tmp_path):
    root = Path(__file__).resolve().parents[1]
    code = (root / "examples" / "01_hello.py").read_text("utf-8")
    block = re.search(r"## Hello world\n\n```python\n(.*?)```", (root / "README.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    assert code.endswith(block[1])
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "visible" in run.stdout
    assert {f.name for f in tmp_path.iterdir()} == {f"sample_{i}.png" for i in range(4)}


def test_the_third_example_adapts_a_classifier_of_vectors(tmp_path):
    program = Path(__file__).resolve().parents[1] / "examples" / "03_vectors.py"
    run = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = dict(line.split() for line in run.stdout.splitlines())
    assert list(printed) == ["source_only", "dann"]
    assert 0.5 < float(printed["source_only"]) < float(printed["dann"]) <= 1


def test_the_second_example_counts_up_and_says_how_to_call_it(tmp_path):
    root = Path(__file__).resolve().parents[1]
    program = [sys.executable, str(root / "examples" / "02_cad_part.py")]
    bare = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert bare.returncode != 0
    assert bare.stderr.startswith("usage: python examples/02_cad_part.py PART")
    assert bare.stderr.count("\n") == 1
    part = root / "assets" / "meshes" / "bracket.obj"
    run = subprocess.run([*program, str(part)], cwd=tmp_path, capture_output=True, text=True, check=True)
    counted = [int(n) for n in re.findall(r"^(\d+) of 20 images$", run.stdout, re.MULTILINE)]
    assert counted == sorted(counted)
    assert counted[-1] == 20
    assert "m away" in run.stdout
