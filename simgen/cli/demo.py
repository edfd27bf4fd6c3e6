"""`simgen demo`: the whole road once, from a shipped scene to a score on real images."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simgen.cli.renderer import RendererOption

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation
    from simgen.formats.imageset import ImageSet


@dataclass(frozen=True)
class Road:
    """What the demo does for one task.

    Attributes:
        scene: a shipped scene; also the name of the training settings.
        images: synthetic images to train on; a tenth as many again, of another seed, are for the report.
        steps: of training.
        figures: to show.
        real: the real set, and the part of it that is scored.
    """

    scene: str
    images: int
    steps: int
    figures: tuple[str, ...]
    real: str
    part: str = "all"


DICE = Road("dice", 240, 800, ("map50", "map", "precision", "recall", "f1"), "d6-dice", "last:50")
DIGITS = Road("digits", 80, 2500, ("accuracy", "f1"), "digits")


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the demo.")] = Path("runs/demo"),
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that holds the dice photographs; then SIMGEN_DATA, the user's cache, download."),
    ] = None,
    task: Annotated[str, typer.Option(help="dice, digits, or auto: dice where the photographs can be had.")] = "auto",
    renderer: RendererOption = None,
) -> None:
    """Generate, train, and score on real images: dice photographs where they can be had, else scanned digits."""
    from simgen.errors import ConfigError, did_you_mean

    if task not in ("auto", "dice", "digits"):
        raise ConfigError(
            f'--task: expected auto, dice or digits, got "{task}"{did_you_mean(task, ("dice", "digits"))}'
        )
    road, real = _choose(task, data)
    _travel(road, real, out / (f"{road.scene}-{renderer}" if renderer else road.scene), renderer)


def _choose(task: str, data: Path | None) -> "tuple[Road, ImageSet]":
    from simgen.adapters.parts import part_of
    from simgen.cli.evaluate import read_real
    from simgen.errors import DataError

    if task in ("auto", "dice"):
        try:
            photographs = read_real("d6-dice", data)
        except DataError as error:
            if task == "dice":
                raise
            typer.echo(f"The dice photographs cannot be had: {error}.")
        else:
            typer.echo("Real images: 50 photographs of dice (the last of 200 by file name).")
            return DICE, part_of(photographs, DICE.part)
    typer.echo("Real images: the 1,797 scanned handwritten digits of scikit-learn.")
    return DIGITS, read_real("digits")


def _travel(road: Road, real: "ImageSet", out: Path, renderer: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from simgen.adapters.evaluate import evaluate, write_evaluation
    from simgen.cli.generate import generate
    from simgen.cli.progress import bar
    from simgen.cli.train import train
    from simgen.formats.coco import CocoDataset

    fresh = max(4, road.images // 10)
    generate(road.scene, out / "train", road.images, seed=1, renderer=renderer)
    generate(road.scene, out / "test", fresh, seed=2, renderer=renderer)
    train(str(out / "train"), out / "run", config=road.scene, steps=road.steps)
    table = Table("source-only", *road.figures, title=f"{road.scene}: trained on synthetic images alone")
    for name, images in (("on synthetic", CocoDataset.read(out / "test")), ("on real", real)):
        synthetic = images is not real
        with bar(f"score {name}", len(images), "images") as advance:
            model = out / "run" / "model.pt"
            result = evaluate(model, images, repeats=200, synthetic=synthetic, progress=lambda *_: advance(1))
        table.add_row(name, *_cells(result, road.figures))
        named = result if synthetic else replace(result, image_set=road.real, part=road.part)
        report = write_evaluation(named, out / name.replace(" ", "_"))
    Console().print(table)
    typer.echo(f"report: {report}")


def _cells(result: "Evaluation", figures: tuple[str, ...]) -> list[str]:
    cells = []
    for name in figures:
        score = result.scores[name]
        interval = "" if score.low is None else f" [{score.low:.3f}, {score.high:.3f}]"
        cells.append("–" if score.value is None else f"{score.value:.3f}{interval}")
    return cells
