"""`simgen train DATA -o RUN`: a model from a synthetic set."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled images: a COCO folder, as `simgen generate` writes it, or a real image set; or vectors: a "
            ".npz or .parquet file with x and y."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; an interrupted one goes on.")],
    config: Annotated[
        str | None,
        typer.Option(
            help="A YAML file, or shipped settings: dice (detect), dice-segment (segment), digits (classify), "
            "dice-crops (classify), charuco (keypoints) or features (features); default: those of --task."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="detect, segment, classify, keypoints or features; default: that of --config, else detect."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="How to learn from both domains; default: source_only. See docs/adaptation.md.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Pictures or vectors to adapt to, by their folder, file or name; their labels are not read."),
    ] = None,
    simulated: Annotated[
        str | None,
        typer.Option(help="Labelled simulated images to mix into those of DATA, with --method finetune: method.mix."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Of DATA: all, first:N or last:N images by file name; default: all.")
    ] = None,
    target_split: Annotated[str | None, typer.Option(help="As --split, of --target.")] = None,
    init: Annotated[Path | None, typer.Option(help="A model file to go on from: RUN/model.pt.")] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Optimizer steps; default: those of the settings, 3000 (dice, dice-segment, digits), 2000 (features), "
            "1600 (charuco) or 1200 (dice-crops)."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, data order and augmentation, >= 0; default: 0.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Processor threads of torch; default: torch's own choice.")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="32-true, bf16-mixed, or auto, the quicker; default: that of --config, else auto."),
    ] = None,
    devices: Annotated[
        int | None, typer.Option(help="GPUs (without, processes) that share each batch; default: 1.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: KEY=VALUE, e.g. optimizer.lr=0.001.")
    ] = None,
) -> None:
    """Train a model on a synthetic set; prints where it is.

    A run that was stopped goes on from its last checkpoint, to the same model.
    One is written every 200 steps (--set runtime.checkpoint_every=N).
    """
    from simgen.adapters.checkpoint import load_model
    from simgen.adapters.train import train_with
    from simgen.cli.evaluate import read_real, read_target
    from simgen.cli.progress import bar, reaching
    from simgen.cli.renderer import require

    require("--steps", steps, 1)
    require("--seed", seed, 0)
    require("--threads", threads, 0)
    require("--devices", devices, 1)

    given = {
        "task": task,
        "method.kind": method,
        "part": split,
        "target.part": target_split,
        "steps": steps,
        "seed": seed,
        "runtime.threads": threads,
        "runtime.precision": precision,
        "runtime.devices": devices,
    }
    overrides = [f"{name}={value}" for name, value in given.items() if value is not None] + (set_ or [])
    with bar("train", None, "steps") as advance:
        pictures = None if target is None else read_target(target)
        mixed = None if simulated is None else read_real(simulated)
        sets = {"target": pictures, "simulated": mixed}
        model = train_with(read_real(data), out, config, overrides, **sets, init=init, on_step=reaching(advance))
    stop = load_model(model).history.get("stop")
    if isinstance(stop, dict):
        typer.echo("stopped after step {last_step}; the model is that of step {best_step}".format(**stop), err=True)
    typer.echo(model)
