"""`simgen rare train`: a generator of rare cases from a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simgen.adapters.rgba import RgbaClassifier


def train(
    dataset: Annotated[str, typer.Argument(help="Labelled images with masks, or PNG files with an alpha channel.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the run.")],
    config: Annotated[
        str, typer.Option(help="vae, gan (an autoencoder with a discriminator), or a YAML file of settings.")
    ] = "vae",
    backbone: Annotated[
        Path | None,
        typer.Option(
            help="A model file of `simgen train`, of task classify: its features judge likeness, in the loss and in "
            "the figures of each epoch."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the crops; default: those of the settings.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and noise; default: that of --config.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: KEY=VALUE, e.g. quarter_turns=true.")
    ] = None,
) -> None:
    """Train a generator of object crops with masks; prints where it is.

    Sheets of crops and figures of each epoch lie in the run's folder. A run that was stopped goes on after its last
    epoch, to the same model.
    """
    from simgen.cli.evaluate import read_real
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.config import load_section
    from simgen.rare.pixels.crops import crops_of
    from simgen.rare.pixels.descriptor import describe
    from simgen.rare.pixels.settings import PixelTraining
    from simgen.rare.pixels.train import train_crops

    require("--epochs", epochs, 1)
    require("--seed", seed, 0)
    given = {"epochs": epochs, "seed": seed}
    overrides = [f"{name}={value}" for name, value in given.items() if value is not None] + (set_ or [])
    settings = load_section(PixelTraining, config, overrides, folder="rare")
    judge = None if backbone is None else _backbone(backbone, settings.view.margin)
    crops = crops_of(read_real(dataset), settings.view)
    typer.echo(f"{len(crops)} crops of {len(crops.classes)} classes", err=True)
    last = 0
    with bar("train", settings.epochs, "epochs") as advance:

        def show(epoch: int, figures: dict[str, float]) -> None:
            nonlocal last
            noted = [f"{name} {figures[name]:.3g}" for name in ("total", "coverage", "kid") if name in figures]
            advance(epoch - last, note=" ".join(noted))
            last = epoch

        tools = {} if judge is None else {"perceptual": judge.perceptual}
        features = describe if judge is None else judge.features
        trained = train_crops(settings, crops, out, features=features, on_epoch=show, **tools)
    if trained.stopped:
        typer.echo(trained.stopped, err=True)
    typer.echo(trained.model)


def _backbone(file: Path, margin: float) -> "RgbaClassifier":
    from simgen.adapters.checkpoint import load_model
    from simgen.adapters.rgba import RgbaClassifier

    return RgbaClassifier(load_model(file), margin)
