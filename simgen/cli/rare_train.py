"""`simgen rare train`: a generator of rare cases from a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simgen.adapters.rgba import RgbaClassifier


def train(
    dataset: Annotated[str, typer.Argument(help="Labelled images: generated ones for scene, with masks for pixel.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the run.")],
    space: Annotated[
        str, typer.Option(help="scene: a net of whole scenes. pixel: a generator of object crops with masks.")
    ] = "scene",
    plan: Annotated[
        Path | None, typer.Option(help="Of scene: the rare.json of `simgen rare find`; the net learns its cases.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="A YAML file of settings, or of pixel: vae, gan (with a discriminator). Default: scene, vae."
        ),
    ] = None,
    backbone: Annotated[
        Path | None,
        typer.Option(
            help="Of pixel: a model file of `simgen train`, of task classify: its features judge likeness, in the loss "
            "and in the figures of each epoch."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and noise; default: that of --config.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: KEY=VALUE, e.g. epochs=60, steps=4000.")
    ] = None,
) -> None:
    """Train a generator of rare cases; prints where it is. A run that was stopped goes on, to the same model."""
    from simgen.cli.renderer import require
    from simgen.errors import ConfigError, did_you_mean
    from simgen.rare.runfolder import require_own

    require("--seed", seed, 0)
    spaces = {"scene": plan, "pixel": backbone}
    if space not in spaces:
        raise ConfigError(f'--space: expected scene or pixel, got "{space}"{did_you_mean(space, spaces)}')
    require_own(out)
    for given, option, own in ((plan, "--plan", "scene"), (backbone, "--backbone", "pixel")):
        if given is not None and space != own:
            raise ConfigError(f"{option}: is of --space {own}, got --space {space}")
    if space == "scene" and config in ("vae", "gan"):
        raise ConfigError(f"--config {config}: is of --space pixel, got --space scene")
    overrides = ([] if seed is None else [f"seed={seed}"]) + (set_ or [])
    if space == "scene":
        if plan is None:
            raise ConfigError("--space scene: expected --plan, the rare.json of simgen rare find, got none")
        _train_scenes(dataset, out, plan, config or "scene", overrides)
    else:
        _train_crops(dataset, out, backbone, config or "vae", overrides)


def _train_scenes(dataset: str, out: Path, plan: Path, config: str, overrides: list[str]) -> None:
    from simgen.cli.evaluate import read_real
    from simgen.cli.progress import bar, reaching
    from simgen.config import load_section
    from simgen.errors import ConfigError
    from simgen.rare.plan import read_plan, require_parameters, require_plan_of, source_of
    from simgen.rare.scenes.learn import scene_data
    from simgen.rare.scenes.propose import too_few_scenes
    from simgen.rare.scenes.train import SceneTrainConfig, train_scenes
    from simgen.rare.simulate import held

    settings = load_section(SceneTrainConfig, config, overrides, folder="rare")
    wanted, data = read_plan(plan), read_real(dataset)
    require_plan_of(wanted, data, plan)
    source_of(data)
    require_parameters(wanted, data, plan)
    cells = [entry.cell for entry in wanted.entries]
    metadata, answers = [], []
    with bar("read", len(data), "images") as advance:
        for sample in data:
            metadata.append(sample.metadata)
            answers.append([bool(held(sample, cell)) for cell in cells])
            advance(1)
    named: dict[str, list[bool]] = {cell.title: [row[k] for row in answers] for k, cell in enumerate(cells)}
    reasons = {title: too_few_scenes(sum(answers_of)) for title, answers_of in named.items()}
    if all(reasons.values()):
        title, reason = next(iter(reasons.items()))
        raise ConfigError(
            f'plan "{plan}": "{title}": {reason}, and so it is with every cell; --how simulate needs none'
        )
    for title, reason in reasons.items():
        if reason:
            typer.echo(f'"{title}": {reason}; fill will leave it to simulate', err=True)
    with bar("train", settings.steps, "steps") as advance:
        trained = train_scenes(scene_data(metadata, named), settings, out, reaching(advance))
    if trained.note:
        typer.echo(trained.note, err=True)
    typer.echo(out / "model.pt")


def _train_crops(dataset: str, out: Path, backbone: Path | None, config: str, overrides: list[str]) -> None:
    from simgen.cli.evaluate import read_real
    from simgen.cli.progress import bar, reaching
    from simgen.config import load_section
    from simgen.rare.how import file_digest
    from simgen.rare.pixels.crops import crops_of
    from simgen.rare.pixels.settings import PixelTraining
    from simgen.rare.pixels.train import train_crops

    settings = load_section(PixelTraining, config, overrides, folder="rare")
    judge = None if backbone is None else _backbone(backbone, settings.view.margin)
    data = read_real(dataset)
    crops = crops_of(data, settings.view)
    total = sum(len(record.annotations) for record in data.records)
    typer.echo(
        f"{len(crops)} crops of {len(crops.classes)} classes; {total - len(crops)} other objects are small, hidden or "
        "cut (view.min_side_px, min_visible_fraction, truncated)",
        err=True,
    )
    if judge is None:
        typer.echo(
            "coverage and kid are measured on coarse colours and edges: they tell a collapse, and not whether a crop "
            "can be read; give --backbone, a classifier, for figures that do",
            err=True,
        )
    with bar("train", settings.epochs, "epochs") as advance:
        move = reaching(advance)

        def show(epoch: int, figures: dict[str, float]) -> None:
            move(epoch, None, {name: figures[name] for name in ("total", "coverage", "kid") if name in figures})

        tools: dict[str, Any] = {}
        if judge is not None and backbone is not None:
            tools = {"perceptual": judge.perceptual, "features": judge.features, "judge": file_digest(backbone)}
        trained = train_crops(settings, crops, out, on_epoch=show, **tools)
    if trained.stopped:
        typer.echo(trained.stopped, err=True)
    typer.echo(trained.model)


def _backbone(file: Path, margin: float) -> "RgbaClassifier":
    from simgen.adapters.checkpoint import load_model
    from simgen.adapters.rgba import RgbaClassifier

    return RgbaClassifier(load_model(file), margin)
