"""`simgen data`: the registry of real image sets."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Real image sets to evaluate on.", no_args_is_help=True)
DataOption = Annotated[
    Path | None, typer.Option(help="A folder to look in first; then SIMGEN_DATA and the user's cache.")
]


@app.command("list")
def list_sets(data: DataOption = None) -> None:
    """List the sets, their licences, and where they lie."""
    from simgen.realdata import EMBEDDED, REAL_SETS, local_places

    for name, entry in REAL_SETS.items():
        here = [str(p) for p in local_places(name, data) if (p / "annotations.json").is_file()]
        megabytes = sum(file.size for file in entry.files) / 1e6
        where = f"here: {here[0]}" if here else f"not here: `simgen data get {name}` downloads {megabytes:.1f} MB"
        _print_set(name, entry.title, f"{entry.licence}, {entry.source}", where)
    for name, (title, licence, source) in EMBEDDED.items():
        _print_set(name, title, licence, f"here: comes with {source}")


def _print_set(name: str, *lines: str) -> None:
    typer.echo("\n    ".join([name, *lines]))


@app.command("get")
def get(name: Annotated[str, typer.Argument(help="d6-dice or d6-dice-test.")]) -> None:
    """Download, verify and convert a set."""
    from simgen.realdata import get_real_set

    typer.echo(get_real_set(name))


@app.command("verify")
def verify(
    name: Annotated[str | None, typer.Argument(help="d6-dice or d6-dice-test; default: all that are here.")] = None,
    data: DataOption = None,
) -> None:
    """Check the labels and decode every image of the sets that are here."""
    from simgen.errors import DataError
    from simgen.realdata import REAL_SETS, local_places, verify_real_set

    names = [name] if name else list(REAL_SETS)
    here = [n for n in names if any((p / "annotations.json").is_file() for p in local_places(n, data))]
    if name:
        here = [name]  # its own sentence says where it was looked for
    if not here:
        raise DataError("data verify: none of the real image sets is here; `simgen data get NAME` downloads one")
    for found in here:
        images = verify_real_set(found, data)
        typer.echo(f"{found}: {len(images)} images are fine in {images.root}")
