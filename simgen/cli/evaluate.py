"""`simgen evaluate`: the score of a model on a labelled image set."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation
    from simgen.formats.coco import CocoDataset

HEADLINE = (
    *("map", "map50", "precision", "recall", "f1", "accuracy"),
    *("pck@1", "pck@5", "corner_px_median", "corner_px_90", "oks", "translation_percent_median"),
    *("rotation_deg_median", "add_mm_median", "reprojection_px_median", "mask_iou", "gross_failures"),
)


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="The model file of `simgen train`: RUN/model.pt.")],
    real: Annotated[str, typer.Argument(help="A COCO folder, or a real image set: d6-dice, d6-dice-test, digits.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for metrics.json and report.html.")] = Path("report"),
    split: Annotated[str, typer.Option(help="all, first:N or last:N images by file name.")] = "all",
    repeats: Annotated[int, typer.Option(help="Bootstrap samples for the intervals; 0 for none.")] = 500,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder to look for a real image set in first; then SIMGEN_DATA, the user's cache, download."
        ),
    ] = None,
) -> None:
    """Score a model on real images."""
    from simgen.adapters import evaluate as scoring
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.realdata import EMBEDDED, REAL_SETS

    require("--repeats", repeats, 0)
    chosen = scoring.split(read_real(real, data), split)
    with bar("evaluate", len(chosen), "images") as advance:
        result = scoring.evaluate(checkpoint, chosen, repeats=repeats, progress=lambda *_: advance(1))
    name = real if real in (*REAL_SETS, *EMBEDDED) else result.image_set
    report = scoring.write_evaluation(replace(result, image_set=name, part=split), out)
    print_scores(result, f"{real}, {len(chosen)} images")
    typer.echo(f"report: {report}")


def read_real(real: str, data: Path | None = None) -> "CocoDataset":
    """Return the image set of a folder, a registered name or `digits`."""
    from simgen.errors import DataError, did_you_mean
    from simgen.formats.coco import CocoDataset
    from simgen.realdata import EMBEDDED, REAL_SETS, read_real_set

    if real == "digits":
        from simgen.adapters.scans import scanned_digits

        return scanned_digits()
    if real in REAL_SETS:
        return read_real_set(real, data)
    if not Path(real).exists():
        hint = did_you_mean(real, (*REAL_SETS, *EMBEDDED))
        raise DataError(f'real image set "{real}": expected a COCO folder or the name of a set, got neither{hint}')
    return CocoDataset.read(Path(real))


def print_scores(result: "Evaluation", title: str) -> None:
    """Print the headline figures with their intervals."""
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", "95 % interval", title=title)
    for name in HEADLINE:
        score = result.scores.get(name)
        if score is not None and score.value is not None:
            interval = "" if score.low is None else f"{score.low:.3f} to {score.high:.3f}"
            table.add_row(name, f"{score.value:.3f}", interval)
    Console().print(table)
