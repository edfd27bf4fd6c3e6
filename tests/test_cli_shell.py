"""How the command answers: what is printed where, and with which exit code."""

import subprocess
import sys

import pytest
import typer

import simgen
import simgen.samples
from simgen.cli import app as shell
from simgen.errors import ConfigError

HEAVY = (
    "torch",
    "lightning",
    "albumentations",
    "pybullet",
    "cv2",
    "sklearn",
    "matplotlib",
    "scipy",
    "trimesh",
    "pycocotools",
)


def _with_command(monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, returned: object = None) -> None:
    """Put a command `act` that raises or returns in the place of simgen's own."""
    fake = typer.Typer(pretty_exceptions_enable=False, add_completion=False)

    @fake.callback()
    def root() -> None:
        pass

    @fake.command()
    def act(count: int = 1) -> object:
        if raised is not None:
            raise raised
        return returned

    monkeypatch.setattr(shell, "app", fake)


@pytest.mark.parametrize(
    ("raised", "code", "stderr"),
    [
        (ConfigError('dice.yaml line 3: unknown key "ligt"'), 2, 'error: dice.yaml line 3: unknown key "ligt"\n'),
        (ConfigError("two\n  lines"), 2, "error: two lines\n"),
        (KeyboardInterrupt(), 130, "stopped; run the same command again to go on\n"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            2,
            "error: this command needs torch, which is not installed: pip install 'simgen-robotics[train]'\n",
        ),
        (
            ModuleNotFoundError("No module named 'sklearn.datasets'", name="sklearn.datasets"),
            2,
            "error: this command needs sklearn, which is not installed: pip install 'simgen-robotics[train]'\n",
        ),
        (typer.Exit(3), 3, ""),
        (None, 0, ""),
    ],
)
def test_every_end_has_its_code_and_its_sentence(raised, code, stderr, monkeypatch, capsys):
    _with_command(monkeypatch, raised)
    assert shell.main(["act"]) == code
    captured = capsys.readouterr()
    assert captured.err == stderr
    assert captured.out == ""


def test_what_a_command_returns_is_not_an_exit_code(monkeypatch):
    _with_command(monkeypatch, None, returned="a report")
    assert shell.main(["act"]) == 0


@pytest.mark.parametrize("defect", [ZeroDivisionError("x"), ModuleNotFoundError("No module named 'xyz'", name="xyz")])
def test_a_defect_keeps_its_traceback(defect, monkeypatch):
    _with_command(monkeypatch, defect)
    with pytest.raises(type(defect)):
        shell.main(["act"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["act", "--coun", "1"], "--count"), (["act", "--count", "many"], "'--count'"), (["ac"], "'ac'")],
)
def test_wrong_words_are_one_sentence(words, expected, monkeypatch, capsys):
    _with_command(monkeypatch, None)
    assert shell.main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert expected in err


def test_without_a_command_the_help_is_shown_and_nothing_else(capsys):
    assert shell.main([]) == 2
    captured = capsys.readouterr()
    assert "generate" in captured.out + captured.err
    assert "error:" not in captured.out + captured.err


def test_help_lists_every_command(capsys):
    assert shell.main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in ("generate", "preview", "train", "evaluate", "compare", "gap", "export", "data", "demo"):
        assert f" {name} " in listed


@pytest.mark.parametrize("command", [["simgen"], ["simgen", "generate"], ["simgen", "data", "list"]])
def test_every_help_is_there(command, capsys):
    assert shell.main([*command[1:], "--help"]) == 0
    assert " ".join(command) in capsys.readouterr().out


def test_version_as_a_module():
    run = subprocess.run([sys.executable, "-m", "simgen", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"simgen {simgen.__version__}\n"


@pytest.mark.parametrize("module", ["simgen", "simgen.cli.app"])
def test_importing_the_shell_imports_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_public_names_are_found_where_they_live():
    assert simgen.Sample is simgen.samples.Sample
    assert set(simgen.__all__) <= set(dir(simgen))
    for name in simgen.__all__:
        assert getattr(simgen, name) is not None


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'simgen' has no attribute 'smaple'"):
        simgen.smaple  # noqa: B018
