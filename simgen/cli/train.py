"""`simgen train DATA -o RUN`: a model from a synthetic set."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[Path, typer.Argument(help="COCO folder, as `simgen generate` writes it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; an interrupted one goes on.")],
    config: Annotated[
        str | None,
        typer.Option(
            help="A YAML file, or shipped settings: dice (detect), digits (classify) or charuco (keypoints); "
            "default: those of --task."
        ),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="detect, classify or keypoints; default: that of --config, else detect.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Optimizer steps; default: those of the settings, 3000 (dice, digits), 1600 (charuco)."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, data order and augmentation, >= 0; default: 0.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Processor threads of torch; default: torch's own choice.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: KEY=VALUE, e.g. optimizer.lr=0.001.")
    ] = None,
) -> None:
    """Train a model on a synthetic set; prints where it is.

    A run that was stopped goes on from its last checkpoint, to the same model.
    One is written every 200 steps (--set runtime.checkpoint_every=N).
    """
    from simgen.adapters.train import train_with
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require

    require("--steps", steps, 1)
    require("--seed", seed, 0)
    require("--threads", threads, 0)

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
