"""`simgen rare`: find rare cases in a dataset, and fill them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simgen.cli.rare_train import train

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageSet
    from simgen.rare.find import Findings
    from simgen.rare.gate import Gate
    from simgen.rare.job import FillJob
    from simgen.rare.outcome import Filled
    from simgen.rare.patches import Embedding
    from simgen.rare.pixels.gate import ClassGate
    from simgen.rare.plan import Plan

app = typer.Typer(help="Rare cases: find them in a dataset, and generate them with exact labels.", no_args_is_help=True)
app.command()(train)
SHOWN = 20


@app.command()
def find(
    dataset: Annotated[str, typer.Argument(help="Labelled images: a folder in any known format.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for rare.json, tables and plots.")],
    real: Annotated[
        str | None,
        typer.Option(help="Labelled photographs, a folder or a real image set: what they have and it has not."),
    ] = None,
    real_split: Annotated[str, typer.Option(help="Of --real: all, first:N or last:N images by file name.")] = "all",
    bins: Annotated[
        list[str] | None,
        typer.Option(
            help='Attributes to cross, with edges or categories, e.g. "class x visible_fraction:0.2,0.5,0.8", or a '
            "YAML file of such; may be repeated. Default: class by visibility, size, light, view, truncation, touching."
        ),
    ] = None,
    thin: Annotated[
        float, typer.Option(help="A cell is thin with less than this share of an even share of the objects.")
    ] = 0.2,
    model: Annotated[
        Path | None,
        typer.Option(help="A model file of `simgen train`, of task classify: its features are the embedding."),
    ] = None,
    likelihood: Annotated[
        bool,
        typer.Option("--likelihood/--no-likelihood", help="Whether an autoencoder tells how likely objects are, too."),
    ] = True,
    seed: Annotated[int, typer.Option(help="Of the autoencoder that tells how likely an object is.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder to look for a real image set in first; then SIMGEN_DATA, the user's cache, download."
        ),
    ] = None,
) -> None:
    """Find thin cells of class and attributes, objects unlike all others, and cases that only the photographs have."""
    from simgen.adapters.parts import part_of
    from simgen.cli.evaluate import read_real
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.errors import ConfigError
    from simgen.rare.bins import DEFAULT_BINS, read_bins
    from simgen.rare.find import FindConfig
    from simgen.rare.find import find as run
    from simgen.rare.report import require_folder, write_findings

    require("--seed", seed, 0)
    if not 0 < thin <= 1:
        raise ConfigError(f"--thin: expected a share above 0 and at most 1, got {thin:g}")
    _require_split(real, real_split)
    require_folder(out)
    grids = tuple(read_bins(bins or DEFAULT_BINS))
    found = read_real(dataset, data)
    photographs = None if real is None else part_of(read_real(real, data), real_split)
    config = FindConfig(grids, bool(bins), thin, _embedding(model), likelihood, seed)
    with bar("find", len(found) + (len(photographs) if photographs is not None else 0), "images") as advance:
        findings = run(found, config, photographs, lambda made: advance(made))
    plan = write_findings(findings, out)
    _print_findings(findings)
    typer.echo(f"plan: {plan}")


@app.command()
def fill(
    dataset: Annotated[str, typer.Argument(help="The dataset that the plan was made for.")],
    plan: Annotated[Path, typer.Option(help="The rare.json of `simgen rare find`; targets may be edited.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the new samples, a dataset of its own.")],
    how: Annotated[
        str,
        typer.Option(
            help="simulate: scenes of the dataset's own generator, with exact labels. scene: those that a trained net "
            "proposes. vae, gan: crops of a trained generator, placed in scenes. mix: simulate and crops in turn."
        ),
    ] = "simulate",
    generator: Annotated[
        Path | None, typer.Option(help="The model file of `simgen rare train`, for all but simulate.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", "--count", help="Images in all; default: what the cells lack.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the new samples, >= 0.")] = 0,
    scene: Annotated[
        str | None,
        typer.Option(
            help="Of a generated set: its scene, where that names files in its own folder. Of another set: the scene "
            "that crops of its objects are placed in."
        ),
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(
            help="A classifier of `simgen train` that saw none of this: samples enter only if it agrees, they look as "
            "near to --real as that to itself, and they are no copies of the dataset's objects."
        ),
    ] = None,
    gate_confidence: Annotated[
        float | None,
        typer.Option(
            help="Of --gate: the probability that it must give to an object's class, 0 to 1; default: 0.95 of "
            "drawn crops, 0 of what the simulator labels."
        ),
    ] = None,
    real: Annotated[
        str | None, typer.Option(help="Of --gate: labelled photographs, a folder or a real image set.")
    ] = None,
    real_split: Annotated[str, typer.Option(help="Of --real: all, first:N or last:N images by file name.")] = "all",
    workers: Annotated[int, typer.Option(help="Processes; 0 = one for each core.")] = 0,
) -> None:
    """Generate samples of the plan's cells. The same command goes on where an interrupted one stopped."""
    import os

    from simgen.cli.evaluate import read_real
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.config import load
    from simgen.engine import LocalEngine
    from simgen.errors import ConfigError, DataError
    from simgen.formats.coco import require_place
    from simgen.rare.fill import fill as run
    from simgen.rare.job import HOW, fill_job, scenes_for
    from simgen.rare.pixels.ways import PIXEL_WAYS, pixel_ways
    from simgen.rare.plan import read_plan, require_parameters, require_plan_of
    from simgen.rare.scenes.ways import scene_ways

    require("--count", count, 1)
    require("--seed", seed, 0)
    require("--workers", workers, 0)
    require_place(out)
    if generator is not None and how == "simulate":
        raise ConfigError("--generator: is of --how scene, vae, gan and mix, got --how simulate")
    _require_split(real, real_split)
    wanted = read_plan(plan)
    data = read_real(dataset)
    require_plan_of(wanted, data, plan)
    require_parameters(wanted, data, plan)
    config = scenes_for(data, load(scene) if scene else None)
    passed, of_crops = _gate(gate, gate_confidence, how, real, real_split, data)
    ways = {**HOW, **scene_ways(generator), **pixel_ways(generator, of_crops)}
    if how in PIXEL_WAYS and gate is None:
        typer.echo("without --gate nobody checks that what was drawn shows what its label says", err=True)
    job = fill_job(data, wanted, out, how, config=config, count=count, seed=seed, gate=passed, ways=ways)
    _print_left(job, wanted)
    with bar("fill", len(job.order), "images") as advance:
        results = run(job, wanted, LocalEngine(workers or os.cpu_count() or 1), lambda made: advance(made))
    _print_filled(results)
    total = sum(one.made for one in results)
    if not total:
        hint = "" if gate is None else "; lower --gate-confidence, or train a better generator"
        raise DataError(f"fill: none of the {len(job.order)} images that were asked for could be made{hint}")
    typer.echo(f"{total} images in {out}")


def _require_split(real: str | None, split: str) -> None:
    from simgen.errors import ConfigError

    if real is None and split != "all":
        raise ConfigError("--real-split: expected --real, the photographs that it is of, got none")


def _print_left(job: "FillJob", plan: "Plan") -> None:
    """Say which cells are made in another way than was asked for, or not at all."""
    made_of = {cell for _, cell, _ in job.order}
    for cell, entry in enumerate(plan.entries):
        if cell in job.left:
            instead = "made by simulate" if cell in made_of else "left out"
            typer.echo(f'"{entry.cell.title}": {job.left[cell]}: {instead}', err=True)
        elif entry.need and cell not in made_of:
            typer.echo(f'"{entry.cell.title}": none of the {len(job.order)} images is for it', err=True)


def _gate(
    model: Path | None, confidence: float | None, how: str, real: str | None, split: str, data: "ImageSet"
) -> tuple["Gate | None", "ClassGate | None"]:
    """Return the gate, and that of crops before they are placed, by the same classifier."""
    from simgen.errors import ConfigError

    if confidence is not None and not 0 <= confidence <= 1:
        raise ConfigError(f"--gate-confidence: expected a probability from 0 to 1, got {confidence:g}")
    if confidence is not None and model is None:
        raise ConfigError("--gate-confidence: expected --gate, the classifier that it is of, got none")
    if (model is None) != (real is None):
        raise ConfigError("--gate and --real: expected both or none of them, got one")
    if model is None or real is None:
        return None, None
    from dataclasses import replace

    from simgen.adapters.checkpoint import load_model
    from simgen.adapters.crop_features import CropModel, crop_embedding
    from simgen.adapters.parts import part_of
    from simgen.adapters.rgba import RgbaClassifier
    from simgen.cli.evaluate import read_real
    from simgen.rare.gate import gate_of
    from simgen.rare.how import file_digest
    from simgen.rare.pixels.crops import CropView
    from simgen.rare.pixels.gate import CONFIDENCE, ClassGate
    from simgen.rare.pixels.ways import PIXEL_WAYS
    from simgen.rare.plan import fingerprint

    if confidence is None:
        confidence = CONFIDENCE if how in PIXEL_WAYS else 0.0
    classifier = CropModel(model)
    classifier.require_classes(data)
    photographs = part_of(read_real(real), split)
    gate = gate_of(classifier.probabilities, classifier.classes, crop_embedding(model), photographs, data)
    eye = RgbaClassifier(load_model(model), CropView().margin)
    identity = f"{file_digest(model)} {fingerprint(photographs)}"
    return replace(gate, confidence=confidence, identity=identity), ClassGate(
        eye.probabilities, eye.classes, confidence
    )


def _embedding(model: Path | None) -> "Embedding":
    from simgen.rare.patches import THUMBNAILS

    if model is None:
        return THUMBNAILS
    from simgen.adapters.crop_features import crop_embedding

    return crop_embedding(model)


def _print_findings(findings: "Findings") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    for name in findings.left_out:
        typer.echo(f"left out: {name}, which no object of the dataset has")
    if findings.real is not None:
        real = findings.real
        typer.echo(
            f"of {len(real.found)} real objects, {real.covered.mean():.1%} have a synthetic one among their neighbours"
        )
        for name in sorted({*real.found.missing} - {*findings.left_out}):
            typer.echo(f"not compared: {name}, which no real object has")
    entries = findings.plan.entries
    table = Table(
        "rare case",
        "has",
        "target",
        "why",
        title=f"{len(entries)} of {sum(len(g.cells) for g in findings.grids)} cells are rare",
    )
    for entry in entries[:SHOWN]:
        table.add_row(escape(entry.cell.title), str(entry.count), str(entry.target), escape(entry.rule))
    Console().print(table)
    if len(entries) > SHOWN:
        typer.echo(f"and {len(entries) - SHOWN} more, in rare.json; all cells are in cells.csv")


def _print_filled(results: "Sequence[Filled]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from simgen.rare.gate import rates

    table = Table("rare case", "images", "tried", "accepted", "effective")
    for one in results:
        stages = _stages(one)
        share = "" if one.acceptance is None else f"{one.acceptance:.2g} of {one.last_stage}"
        table.add_row(escape(one.entry.cell.title), f"{one.made} of {one.asked}", stages, share, f"{one.effective:.1f}")
    Console().print(table)
    for one in results:
        if any(one.refused):
            shares = ", ".join(f"{reason} {share:.0%}" for reason, share in rates(one.refused).items() if share)
            typer.echo(f'"{one.entry.cell.title}": of {len(one.refused)} made the gate refused: {shares}')
        if one.made < one.asked:
            spent = f" ({_stages(one)})" if one.tried else ""
            typer.echo(f'"{one.entry.cell.title}": made {one.made} of {one.asked} within the limits{spent}', err=True)


def _stages(one: "Filled") -> str:
    return ", ".join(f"{count} {stage}" for stage, count in one.tried.items())
