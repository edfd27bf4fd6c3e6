"""What a user gets: everything is in the wheel, and the README's program runs."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"simgen": "simgen", "adapters": "simgen/adapters", "envs": "simgen/envs", "assets": "simgen/assets"}
JUNK = shutil.ignore_patterns("__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy: building leaves folders behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=JUNK)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*pip, str(out), str(source)], check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path):
    expected = {
        f"{inside}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, inside in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


def test_the_wheel_is_named_after_the_distribution_and_brings_the_command(wheel: Path):
    assert wheel.name.startswith("simgen_robotics-")
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "simgen = simgen.cli.app:main" in archive.read(entry_points).decode()
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        required = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.MULTILINE)
    always = [line for line in required if "extra ==" not in line]
    assert not [line for line in always if re.match(r"torch|lightning|albumentations", line)]
    assert [line for line in required if re.match(r"torch.*extra == .train.", line)]


def test_assets_are_read_from_an_installed_wheel_in_another_folder(wheel: Path, tmp_path: Path):
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "import importlib.resources, simgen, simgen.adapters, simgen.assets, yaml\n"
        f"assert simgen.__file__.startswith({str(installed)!r}), simgen.__file__\n"
        "for name in ('scenes/dice.yaml', 'scenes/digits.yaml', 'train/dice.yaml', 'train/digits.yaml'):\n"
        "    text = importlib.resources.files('simgen.assets').joinpath(name).read_text()\n"
        "    print(name, type(yaml.safe_load(text)).__name__)\n"
    )
    # -I: neither the environment nor the current folder adds to the path.
    run = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [
        *("scenes/dice.yaml", "dict", "scenes/digits.yaml", "dict"),
        *("train/dice.yaml", "dict", "train/digits.yaml", "dict"),
    ]


def test_the_program_in_the_readme_runs_and_draws(tmp_path: Path):
    cv2 = pytest.importorskip("cv2")
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(program.splitlines()) <= 20
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) >= 4
    pictures = sorted(tmp_path.glob("sample_*.png"))
    assert len(pictures) == 4
    assert all(cv2.imread(str(path)).std() > 5 for path in pictures)


def test_the_makefile_describes_every_target():
    text = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    described = re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)
    assert described == phony.split()
    assert {"help", "demo", "test", "lint", "types", "bench", "bench-dice"} <= set(described)
