"""`simgen evaluate`: the score of a model on a labelled image set."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation
    from simgen.formats.imageset import ImageSet

HEADLINE = (
    *("miou", "map", "map50", "accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "ece"),
    *("pck@1", "pck@5", "corner_px_median", "corner_px_90", "oks", "translation_percent_median"),
    *("rotation_deg_median", "add_mm_median", "reprojection_px_median", "mask_iou", "gross_failures"),
)
REAL_HELP = (
    "A folder (COCO, YOLO, Pascal VOC, a folder a class), vectors (a .npz or .parquet file), or a real image set: "
    "d6-dice, d6-dice-test, digits."
)
SPLIT_HELP = "all, first:N or last:N images by file name, or a part that the set names, e.g. val."
FORMAT_HELP = "coco, yolo, voc, imagefolder or vectors; default: what lies there."


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="The model file of `simgen train`: RUN/model.pt.")],
    real: Annotated[str, typer.Argument(help=REAL_HELP)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for metrics.json and report.html.")] = Path("report"),
    split: Annotated[str, typer.Option(help=SPLIT_HELP)] = "all",
    repeats: Annotated[int, typer.Option(help="Bootstrap samples for the intervals; 0 for none.")] = 500,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder to look for a real image set in first; then SIMGEN_DATA, the user's cache, download."
        ),
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", help=FORMAT_HELP)] = None,
    synthetic: Annotated[
        bool,
        typer.Option(
            "--synthetic",
            help="The images are generated ones: seen at the scale of the training crops, and their boxes with the "
            "habits of the training's; without, both are taken as they are.",
        ),
    ] = False,
) -> None:
    """Score a model on real images, or on generated ones."""
    from simgen.adapters import evaluate as scoring
    from simgen.adapters.parts import part_of
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.errors import OutputError
    from simgen.realdata import EMBEDDED, REAL_SETS

    require("--repeats", repeats, 0)
    if (out / "sweep.json").is_file():
        raise OutputError(f'output "{out}": expected a folder for one report, got that of a sweep; choose another')
    chosen = part_of(read_real(real, data, format_), split)
    with bar("evaluate", len(chosen), unit_of(chosen)) as advance:

        def count(*_: int) -> None:
            advance(1)

        result = scoring.evaluate(checkpoint, chosen, repeats=repeats, synthetic=synthetic, progress=count)
    name = real if real in (*REAL_SETS, *EMBEDDED) else result.image_set
    report = scoring.write_evaluation(replace(result, image_set=name, part=split), out)
    print_scores(result, f"{real}, {len(chosen)} {unit_of(chosen)}")
    typer.echo(f"report: {report}")


def read_real(real: str, data: Path | None = None, kind: str | None = None) -> "ImageSet":
    """Return the image set of a folder in any known format, a registered name or `digits`."""
    from simgen.errors import ConfigError, DataError, did_you_mean
    from simgen.formats import read_images
    from simgen.realdata import EMBEDDED, REAL_SETS, read_real_set

    if kind is not None and real in (*REAL_SETS, *EMBEDDED):
        raise ConfigError(f"--format: is for folders, and {real} is the name of a real image set")
    if real == "digits":
        from simgen.adapters.scans import scanned_digits

        return scanned_digits()
    if real in REAL_SETS:
        return read_real_set(real, data)
    if not Path(real).exists():
        hint = did_you_mean(real, (*REAL_SETS, *EMBEDDED))
        raise DataError(f'real image set "{real}": expected a folder of images or the name of a set, got neither{hint}')
    return read_images(Path(real), kind)


def read_pictures(name: str, data: Path | None = None) -> "ImageSet":
    """Return an image set as `read_real` does, or that of a bare folder of pictures."""
    from simgen.adapters.pictures import read_folder
    from simgen.realdata import EMBEDDED, REAL_SETS

    folder = Path(name)
    return read_folder(folder) if name not in (*REAL_SETS, *EMBEDDED) and folder.is_dir() else read_real(name, data)


def read_target(name: str) -> "ImageSet":
    """Return pictures to adapt to: as `read_pictures`, each picture of a bare folder as one object."""
    from simgen.adapters.pictures import framed

    return framed(read_pictures(name))


def unit_of(data: "ImageSet") -> str:
    """Return what a progress bar counts: "images" or "vectors"."""
    from simgen.formats.vectors import VectorRecord

    return "vectors" if any(isinstance(record, VectorRecord) for record in data.records) else "images"


def print_scores(result: "Evaluation", title: str) -> None:
    """Print the headline figures with their intervals."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("figure", "value", "95 % interval", title=escape(title))
    for name in HEADLINE:
        score = result.scores.get(name)
        if score is not None and score.value is not None:
            interval = "" if score.low is None else f"{score.low:.3f} to {score.high:.3f}"
            table.add_row(name, f"{score.value:.3f}", interval)
    Console().print(table)
