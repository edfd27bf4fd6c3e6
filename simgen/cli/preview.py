"""`simgen preview`: a contact sheet with the labels drawn."""

from pathlib import Path
from typing import Annotated

import typer

from simgen.cli.renderer import SCENE_HELP, RendererOption, load_with, require


def preview(
    config: Annotated[str, typer.Argument(help=SCENE_HELP)],
    out: Annotated[Path, typer.Option("-o", "--out", help="The .png or .jpg file to write.")],
    count: Annotated[int, typer.Option("-n", "--count", help="Number of samples.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed, >= 0.")] = 0,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change a value: a.b=c; may be repeated.")
    ] = None,
    renderer: RendererOption = None,
) -> None:
    """Draw samples with their labels, depth, instances and what else `output` asks for on one sheet."""
    import cv2
    import numpy as np

    from simgen.cli.progress import bar
    from simgen.errors import OutputError
    from simgen.generate import sample
    from simgen.preview import contact_sheet

    require("--count", count, 1)
    require("--seed", seed, 0)
    if out.suffix.lower() not in (".png", ".jpg"):
        raise OutputError(f'-o "{out}": expected a .png or .jpg file')
    loaded = load_with(config, overrides, renderer)
    samples = []
    with bar("preview", count, "images") as advance:
        for index in range(count):
            samples.append(sample(loaded, seed, index))
            advance(1)
    sheet = contact_sheet(samples, loaded.classes, layers={"depth", "instances", *loaded.output.layers})
    _, data = cv2.imencode(out.suffix, np.ascontiguousarray(sheet[..., ::-1]))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(data.tobytes())
    except OSError as error:
        raise OutputError(f'-o "{out}": cannot be written: {error.strerror}') from None
    typer.echo(f"{count} samples on {out}")
