"""What the commands say about their options: in their help, and when a value cannot be."""

import re
from importlib import resources

import pytest

from simgen.adapters.settings import TrainConfig
from simgen.cli.app import main
from simgen.config import load_section
from simgen.formats import READERS
from simgen.realdata import EMBEDDED, REAL_SETS


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--help"]) == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


def shipped(folder: str) -> set[str]:
    names = (entry.name for entry in (resources.files("simgen.assets") / folder).iterdir())
    return {name.removesuffix(".yaml") for name in names if name.endswith(".yaml")}


@pytest.mark.parametrize("command", ["generate", "preview"])
def test_help_names_every_shipped_scene(command, capsys):
    listed = shown(capsys, command)
    for name in shipped("scenes"):
        assert name in listed


def test_help_names_the_shipped_settings_and_defaults_of_training(capsys):
    listed = shown(capsys, "train")
    for name in shipped("train"):
        config = load_section(TrainConfig, name)
        assert f"{name} ({config.task})" in listed
        assert re.search(rf"{config.steps} \([^)]*{name}", listed)
        assert f"every {config.runtime.checkpoint_every} steps" in listed
        assert f"default: {config.seed}." in listed


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_help_names_every_real_set_and_format(command, capsys):
    listed = shown(capsys, command)
    for name in (*REAL_SETS, *EMBEDDED, *READERS):
        assert name in listed


@pytest.mark.parametrize(
    ("words", "option", "least", "got"),
    [
        (["generate", "dice", "-n", "0"], "--count", 1, 0),
        (["generate", "dice", "--seed", "-1"], "--seed", 0, -1),
        (["generate", "dice", "--workers", "-2"], "--workers", 0, -2),
        (["preview", "dice", "-n", "-1"], "--count", 1, -1),
        (["preview", "dice", "--seed", "-3"], "--seed", 0, -3),
        (["train", "set", "--steps", "0"], "--steps", 1, 0),
        (["train", "set", "--seed", "-1"], "--seed", 0, -1),
        (["train", "set", "--threads", "-1"], "--threads", 0, -1),
    ],
)
def test_the_option_that_is_wrong_is_named(words, option, least, got, tmp_path, capsys):
    assert main([*words, "-o", str(tmp_path / "out.png")]) == 2
    assert capsys.readouterr().err == f"error: {option}: expected a whole number >= {least}, got {got}\n"
    assert not list(tmp_path.iterdir())


def test_the_list_of_real_sets_is_whole_in_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["data", "list"]) == 0
    listed = capsys.readouterr().out
    for name, entry in REAL_SETS.items():
        assert f"{name}\n    {entry.title}\n    {entry.licence}, {entry.source}\n    " in listed
    assert "digits\n    1,797 scans of handwritten digits, 8 x 8 pixels\n    CC BY 4.0\n    here: comes with" in listed
    assert "…" not in listed
    assert max(len(line) for line in listed.splitlines() if "here: /" not in line) <= 80
