"""`simgen train DATA -o RUN`: a model from a synthetic set."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[Path, typer.Argument(help="COCO folder, as `simgen generate` writes it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; an interrupted one goes on.")],
    config: Annotated[
        str | None, typer.Option(help="YAML file or name of shipped settings; by default those of the task.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="detect or classify; by default that of the settings.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, data order and augmentation.")] = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads of torch.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: KEY=VALUE, e.g. optimizer.lr=0.001.")
    ] = None,
) -> None:
    """Train a model on a synthetic set; prints where it is."""
    from simgen.adapters.train import train_with
    from simgen.cli.progress import bar

    given = {"task": task, "steps": steps, "seed": seed, "runtime.threads": threads}
    overrides = [f"{name}={value}" for name, value in given.items() if value is not None] + (set_ or [])
    last = 0
    with bar("train", None, "steps") as advance:

        def show(step: int, total: int, losses: dict[str, float]) -> None:
            nonlocal last
            advance(step - last, total=total, note=" ".join(f"{name} {value:.3f}" for name, value in losses.items()))
            last = step

        model = train_with(data, out, config, overrides, on_step=show)
    typer.echo(model)
