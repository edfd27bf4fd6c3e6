"""`simgen gap SOURCE TARGET`: how far two image sets are apart, and which randomization to move."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simgen.adapters.gap import Gap
    from simgen.formats.imageset import ImageSet

SET_HELP = "a COCO folder, a folder of JPEG or PNG files, or a real image set: d6-dice, d6-dice-test, digits."


def gap(
    source: Annotated[str, typer.Argument(help=f"What a model is trained on: {SET_HELP}")],
    target: Annotated[str, typer.Argument(help=f"Where it is to work; labels are optional: {SET_HELP}")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for gap.json and gap.html.")] = Path("gap"),
    split: Annotated[str, typer.Option(help="Of the target: all, first:N or last:N images by file name.")] = "all",
    source_split: Annotated[
        str, typer.Option(help="Of the source, likewise; with --model, images that it was not trained on.")
    ] = "all",
    model: Annotated[
        Path | None,
        typer.Option(
            help="A model file of `simgen train`: compare its features, and estimate prior and concept shift; "
            "default: a fixed descriptor."
        ),
    ] = None,
    images: Annotated[int, typer.Option(help="At most so many images of each set, drawn with the seed.")] = 400,
    seed: Annotated[int, typer.Option(help="Of every choice, permutation and fold.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder to look for a real image set in first; then SIMGEN_DATA, the user's cache, download."
        ),
    ] = None,
) -> None:
    """Measure how far two image sets are apart, and say which randomization to widen or move."""
    from simgen.adapters.gap import GapConfig, compare, require_folder, write_gap
    from simgen.adapters.parts import part_of
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require

    require("--images", images, 10)
    require("--seed", seed, 0)
    require_folder(out)

    pair = [part_of(read_set(name, data), part) for name, part in ((source, source_split), (target, split))]
    total = sum(min(len(one), images) for one in pair)
    with bar("gap", total, "images") as advance:
        result = compare(pair[0], pair[1], GapConfig(images, seed, model), progress=lambda: advance(1))
    page = write_gap(result, out)
    print_findings(result)
    typer.echo(f"report: {page}")


def read_set(name: str, data: Path | None = None) -> "ImageSet":
    """Return an image set as `simgen evaluate` reads it, or a bare folder of pictures."""
    from simgen.cli.evaluate import read_pictures
    from simgen.errors import DataError

    if Path(name).suffix in (".npz", ".parquet"):
        raise DataError(
            f'vectors "{name}": expected images to compare, and these have no light, colour or objects; '
            "for vectors call simgen.adapters.gap.kernels.mmd_test or simgen.adapters.validators.a_distance in Python"
        )
    return read_pictures(name, data)


def print_findings(result: "Gap") -> None:
    """Print the distance in one line, then what to move, the largest gap first."""
    domain = result.distances.domain
    typer.echo(f"proxy A-distance {domain.a_distance:.2f} (0 not told apart, 2 always), by {result.features_from}")
    for number, finding in enumerate(result.findings, 1):
        typer.echo(f"{number}. {finding.text}")
    if not result.findings:
        typer.echo("nothing to move: in every statistic the source covers the target")
