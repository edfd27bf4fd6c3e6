"""`simgen generate`: a labelled dataset from a config."""

from pathlib import Path
from typing import Annotated

import typer

from simgen.cli.renderer import SCENE_HELP, RendererOption, load_with, require


def generate(
    config: Annotated[str, typer.Argument(help=SCENE_HELP)],
    out: Annotated[Path, typer.Option("-o", "--out", help="The dataset's folder.")],
    count: Annotated[int, typer.Option("-n", "--count", help="Number of images.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the dataset, >= 0.")] = 0,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change a value: a.b=c; may be repeated.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 = one for each core.")] = 0,
    renderer: RendererOption = None,
    profile: Annotated[bool, typer.Option("--profile", help="Print where the time went.")] = False,
) -> None:
    """Generate labelled images (COCO). The same command goes on where an interrupted one stopped."""
    import os

    from simgen.cli.progress import bar
    from simgen.engine import LocalEngine
    from simgen.generate import Job
    from simgen.generate import generate as run

    require("--count", count, 1)
    require("--seed", seed, 0)
    require("--workers", workers, 0)
    loaded = load_with(config, overrides, renderer)
    job = Job(loaded.source, loaded.root, seed, out)
    with bar("generate", count, "images") as advance:
        seconds = run(job, count, LocalEngine(min(workers or os.cpu_count() or 1, count)), advance)
    typer.echo(f"{count} images in {out}")
    if profile:
        _print_profile(seconds)


def _print_profile(seconds: dict[str, float]) -> None:
    from rich.console import Console
    from rich.table import Table

    total = sum(seconds.values()) or 1.0
    base = sum(seconds.get(stage, 0.0) for stage in ("spawn", "physics", "render")) or 1.0
    table = Table("stage", "seconds", "share", title="where the time went, summed over processes")
    for stage, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        table.add_row(stage, f"{spent:.2f}", f"{spent / total:.1%}")
    Console().print(table)
    typer.echo("build: models, meshes, painted surfaces (under gl those are painted in render)")
    typer.echo("spawn: PyBullet's own calls that make and close its world")
    bare = sum(seconds.get(stage, 0.0) for stage in ("physics", "render")) or 1.0
    typer.echo(
        f"all stages / (spawn + physics + render) = {total / base:.3f}, / (physics + render) = {total / bare:.3f}"
    )
