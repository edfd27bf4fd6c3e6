import html
import re
import shlex
from pathlib import Path

import pytest
from adapter_fakes import shapes, write_coco

from simgen.cli.app import main

FAST = ["--set", "steps=2", "--set", "batch_size=4", "--set", "runtime.workers=0", "--set", "validation.fraction=0.34"]


def _words(tmp_path: Path, *more: str) -> list[str]:
    return ["sweep", "digits", "--source", str(tmp_path / "set"), "-o", str(tmp_path / "out"), *FAST, *more]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path) -> None:
    write_coco(tmp_path / "set", shapes(6), ("square", "disc"))


def test_a_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    real = ["--real", str(tmp_path / "set"), "--real-split", "last:2", "--target", str(tmp_path / "set")]
    assert main(_words(tmp_path, "--methods", "source_only,adabn", "--seeds", "0,1", *real)) == 0
    printed = capsys.readouterr().out
    assert "adabn" in printed
    assert "±" in printed
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {
        "source_only-0",
        "adabn-1",
        "results.csv",
        "results.json",
        "report.html",
    }
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    shown = re.search(r"<pre>(.*?)</pre>", page)
    assert shown is not None
    words = shlex.split(html.unescape(shown[1]))
    again = tmp_path / "again"
    words[words.index("--out") + 1] = str(again)
    assert words[:2] == ["simgen", "sweep"]
    assert main([*words[1:], "--no-report"]) == 0
    assert (again / "results.csv").read_text() == (tmp_path / "out" / "results.csv").read_text()
    assert not (again / "report.html").exists()


def test_another_sweep_s_folder_is_left_alone_and_a_sweep_without_any_model_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(_words(tmp_path, "--methods", "source_only", "--no-report")) == 0
    before = (tmp_path / "out" / "results.csv").read_bytes()
    assert main(_words(tmp_path, "--methods", "source_only", "--no-report", "--set", "steps=3")) == 2
    assert "holds a sweep of another configuration (steps is 2 there and 3 here)" in capsys.readouterr().err
    assert (tmp_path / "out" / "results.csv").read_bytes() == before
    model = tmp_path / "out" / "source_only-0" / "model.pt"
    assert main(["evaluate", str(model), str(tmp_path / "set"), "-o", str(tmp_path / "out")]) == 2
    assert "expected a folder for one report, got that of a sweep" in capsys.readouterr().err
    words = _words(tmp_path, "--methods", "source_only", "--seeds", "0,1", "--set", "optimizer.lr=1e30")
    words[words.index("-o") + 1] = str(tmp_path / "none")
    assert main([*words, "--set", "optimizer.warmup_steps=0", "--set", "steps=6"]) == 2
    said = capsys.readouterr().err
    assert "source_only, seed 1: step" in said
    assert "error: sweep: none of the 2 runs came to an end" in said
    assert not (tmp_path / "none" / "report.html").exists()


def test_simulated_pictures_are_mixed_into_the_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sets = ["--real-train", str(tmp_path / "set"), "--simulated", str(tmp_path / "set"), "--no-report"]
    mix = ["--set", "method.kind=finetune", "--set", "method.mix=0.5"]
    assert main(_words(tmp_path, "--methods", "finetune", *sets, *mix)) == 0
    assert "finetune, seed" not in capsys.readouterr().err
    assert '"simulated"' in (tmp_path / "out" / "finetune-0" / "run.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--methods", "dan_n"], '--methods: there is no method "dan_n"'),
        (["--seeds", "0,x"], '--seeds: expected whole numbers >= 0 with commas between them, got "x"'),
        (["--shots", "5,-1"], '--shots: expected whole numbers >= 0 with commas between them, got "-1"'),
        (["--shots", "5"], "expected photographs with labels to learn from (--real-train), got none"),
        (["--repeats", "-1"], "--repeats: expected"),
        (
            ["--simulated", "SET"],
            "--simulated: expected finetune with a share for it (method.mix) among the runs, got none",
        ),
        (["--methods", "dann"], "expected target images to adapt to (--target), got none"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = [str(tmp_path / "set") if word == "SET" else word for word in words]
    assert main(_words(tmp_path, *words)) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
