"""`simgen compare`: several models on one labelled image set."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simgen.cli.evaluate import FORMAT_HELP, REAL_HELP, SPLIT_HELP, read_real, unit_of

if TYPE_CHECKING:
    from simgen.adapters.compare import Comparison
    from simgen.adapters.evaluate import Evaluation
    from simgen.formats.imageset import ImageSet


def compare(
    models: Annotated[
        list[Path], typer.Argument(help="Two or more: RUN/model.pt, a RUN folder, or a report of `simgen evaluate`.")
    ],
    data: Annotated[str, typer.Option(help=REAL_HELP)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for comparison.json and comparison.html.")] = Path(
        "comparison"
    ),
    split: Annotated[str, typer.Option(help=SPLIT_HELP)] = "all",
    baseline: Annotated[
        str | None,
        typer.Option(help="Name of the model or method that the others are held against; default: the first."),
    ] = None,
    oracle: Annotated[
        str | None, typer.Option(help="Name of the model or method trained on real labels, for the gap closed.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Bootstrap samples; 0 for no intervals.")] = 1000,
    format_: Annotated[str | None, typer.Option("--format", help=FORMAT_HELP)] = None,
) -> None:
    """Score models on the same real images, with intervals of their differences.

    A model is called after its run's folder. Models whose files name the same method also count together.
    """
    from simgen.adapters import compare as comparing
    from simgen.adapters.checkpoint import load_model
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.errors import ConfigError

    require("--repeats", repeats, 0)
    if len(models) < 2:
        raise ConfigError(f"compare: expected two models or more, got {len(models)}")
    files = _named([_model_file(path) for path in models])
    comparing.check({name: load_model(file) for name, file in files.items()}, baseline, oracle)
    images = read_real(data, None, format_)
    found = _scored(files, images, (data, split))
    with bar("resample", len(found), "models") as advance:
        result = comparing.compare(
            found, baseline=baseline, oracle=oracle, sampling=(repeats, 0), progress=lambda *_: advance(1)
        )
    page = comparing.write_comparison(result, out)
    print_comparison(result)
    typer.echo(f"report: {page}")


def print_comparison(result: "Comparison") -> None:
    """Print the leading figure of each arm, its difference to the baseline, and the gap that it closes."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from simgen.adapters.report.words import COMPARED, difference_text, gap_text, noun, score_text

    first = next(iter(result.evaluations.values()))
    name, title = next(iter(COMPARED[first.task].items()))
    table = Table(title=f"{len(first.records)} {noun(first.task)}; difference to {escape(result.baseline)}")
    table.add_column("", overflow="fold")
    for column in (title, "difference", *(["gap closed"] * (result.oracle is not None))):
        table.add_column(column)
    for arm in result.arms:
        cells = [score_text(arm.scores[name])]
        cells.append(difference_text(arm.differences[name]) if name in arm.differences else "")
        if result.oracle is not None:
            cells.append(gap_text(arm.gaps[name]) if name in arm.gaps else "")
        table.add_row(escape(arm.name), *cells)
    Console().print(table)


def _scored(files: dict[str, Path], images: "ImageSet", called: tuple[str, str]) -> "dict[str, Evaluation]":
    from simgen.adapters import evaluate as scoring
    from simgen.adapters.parts import part_of
    from simgen.cli.progress import bar
    from simgen.realdata import EMBEDDED, REAL_SETS

    data, part = called
    chosen = part_of(images, part)
    with bar("evaluate", len(chosen) * len(files), unit_of(chosen)) as advance:
        found = {
            name: scoring.evaluate(file, chosen, repeats=0, progress=lambda *_: advance(1))
            for name, file in files.items()
        }
    title = data if data in (*REAL_SETS, *EMBEDDED) else chosen.root.name
    return {name: replace(result, image_set=title, part=part) for name, result in found.items()}


def _model_file(path: Path) -> Path:
    """Return the model file of a run's folder, or the one that a report of `simgen evaluate` was made of."""
    from simgen.errors import CheckpointError

    if (path / "model.pt").is_file():
        return path / "model.pt"
    report = path / "metrics.json" if path.is_dir() else path
    if report.name != "metrics.json" or not report.is_file():
        return path
    try:
        return Path(json.loads(report.read_text("utf-8"))["model"])
    except (ValueError, KeyError, TypeError):
        raise CheckpointError(f'report "{report}": expected one of simgen evaluate, which names its model') from None


def _named(files: Sequence[Path]) -> dict[str, Path]:
    """Return the files by the names of their runs' folders, or by their paths where those are the same."""
    from simgen.errors import ConfigError

    twice = [file for file, times in Counter(file.resolve() for file in files).items() if times > 1]
    if twice:
        raise ConfigError(f'compare: expected different models, got "{twice[0]}" twice')
    names = [file.resolve().parent.name if file.name == "model.pt" else file.stem for file in files]
    return {name if names.count(name) == 1 else str(file): file for name, file in zip(names, files, strict=True)}
