"""`simgen data`: the registry of real image sets."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Real image sets to evaluate on.", no_args_is_help=True)
DataOption = Annotated[Path | None, typer.Option(help="A folder to look in first.")]


@app.command("list")
def list_sets(data: DataOption = None) -> None:
    """List the sets, their licences, and where they lie."""
    from rich.console import Console
    from rich.table import Table

    from simgen.realdata import EMBEDDED, REAL_SETS, local_places

    table = Table("name", "what", "licence", "source", "MB", "here")
    for name, entry in REAL_SETS.items():
        here = [str(p) for p in local_places(name, data) if (p / "annotations.json").is_file()]
        megabytes = sum(file.size for file in entry.files) / 1e6
        table.add_row(name, entry.title, entry.licence, entry.source, f"{megabytes:.1f}", here[0] if here else "no")
    for name, (title, licence, source) in EMBEDDED.items():
        table.add_row(name, title, licence, source, "0", f"with {source}")
    Console().print(table)


@app.command("get")
def get(name: str) -> None:
    """Download, verify and convert a set."""
    from simgen.realdata import get_real_set

    typer.echo(get_real_set(name))


@app.command("verify")
def verify(
    name: Annotated[str | None, typer.Argument(help="A set, or none for all that are here.")] = None,
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
