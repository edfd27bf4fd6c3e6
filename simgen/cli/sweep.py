"""`simgen sweep -o OUT`: methods x seeds, trained and scored side by side."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simgen.adapters.experiment import Trained
    from simgen.adapters.outcomes import Outcome


def sweep(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="Labelled simulated images: a COCO folder, or the name of a set.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the sweep; a stopped one goes on.")],
    config: Annotated[str | None, typer.Argument(help="Settings, as --config of train.", show_default=False)] = None,
    task: Annotated[str | None, typer.Option(help="As of train.")] = None,
    methods: Annotated[str, typer.Option(help="Names, with commas; see docs/adaptation.md.")] = "source_only",
    seeds: Annotated[str, typer.Option(help="Whole numbers, with commas.")] = "0",
    target: Annotated[str | None, typer.Option(help="Pictures to adapt to; their labels are not read.")] = None,
    target_split: Annotated[str | None, typer.Option(help="all, first:N or last:N of --target.")] = None,
    real: Annotated[str | None, typer.Option(help="Photographs to score on; nothing else sees them.")] = None,
    real_split: Annotated[str, typer.Option(help="all, first:N or last:N of --real.")] = "all",
    real_train: Annotated[
        str | None, typer.Option(help="Photographs whose labels oracle, finetune and linear_probe learn from.")
    ] = None,
    real_train_split: Annotated[str, typer.Option(help="all, first:N or last:N of --real-train.")] = "all",
    simulated: Annotated[
        str | None,
        typer.Option(help="Labelled simulated images to mix into --real-train, with method.mix; default: --source."),
    ] = None,
    shots: Annotated[
        str | None,
        typer.Option(
            help="Numbers of labelled photographs, e.g. 0,5,20,50: fine-tuning against training from scratch."
        ),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="A model file that methods go on from; default: each seed's source_only run.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(help="Bootstrap samples for the intervals of the page; 0 for no intervals.")
    ] = 1000,
    page: Annotated[bool, typer.Option("--report/--no-report", help="Whether to write report.html at the end.")] = True,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a setting: KEY=VALUE.")] = None,
) -> None:
    """Train several methods with several seeds, and compare them on one page.

    Writes results.csv, results.json and report.html; a run that fails is reported and the sweep goes on.
    """
    from simgen.adapters.experiment import Trained
    from simgen.adapters.outcomes import Outcome
    from simgen.adapters.parts import part_of
    from simgen.adapters.sweep import Material, plan
    from simgen.adapters.sweep import sweep as run
    from simgen.adapters.train import settings
    from simgen.cli.evaluate import read_real, read_target
    from simgen.cli.progress import bar
    from simgen.cli.renderer import require
    from simgen.errors import TrainingError

    require("--repeats", repeats, 0)
    given = {"task": task, "target.part": target_split}
    chosen = settings(config, [*(f"{k}={v}" for k, v in given.items() if v is not None), *(set_ or [])])
    material = Material(
        source=read_real(source),
        target=None if target is None else read_target(target),
        labelled=None if real_train is None else part_of(read_real(real_train), real_train_split),
        report=None if real is None else part_of(read_real(real), real_split),
        init=init,
        simulated=None if simulated is None else read_real(simulated),
    )
    arms = plan(_words(methods), _numbers("--seeds", seeds), _numbers("--shots", shots or ""), material)
    outcomes: list[Outcome] = []
    with bar("sweep", len(arms), "runs") as advance:
        for outcome in run(
            chosen, arms, material, out, lambda arm, step, steps: advance(0, note=f"{arm.name} {step}/{steps}")
        ):
            advance(1, note=outcome.arm.name)
            outcomes.append(outcome)
            if outcome.problem:
                typer.echo(f"{outcome.arm.name}, seed {outcome.arm.seed}: {outcome.problem}", err=True)
    print_rows(outcomes)
    if outcomes and all(outcome.problem for outcome in outcomes):
        raise TrainingError(f"sweep: none of the {len(outcomes)} runs came to an end; the reasons stand above")
    if page:
        trained = Trained(chosen, material, outcomes, out, command_line(context))
        typer.echo(f"report: {write_page(trained, repeats)}")


def write_page(trained: "Trained", repeats: int) -> Path:
    """Look at a sweep's runs together, and write report.html into its folder; return the page's path."""
    from simgen.adapters.experiment import STAGES, examine
    from simgen.adapters.report.experiment import write_experiment
    from simgen.cli.progress import bar

    with bar("report", len(STAGES), "stages") as advance:
        found = examine(trained, repeats, trained.config.seed, lambda stage: advance(1, note=stage))
    title = f"Experiment: {trained.config.task} on {trained.material.source.root.name}"
    return write_experiment(found, title, trained.out / "report.html")


def command_line(context: typer.Context) -> str:
    """Return the command that was given, with the options that were named."""
    words = [context.command_path]
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if value is None or value == parameter.get_default(context):
            continue
        if parameter.param_type_name == "argument":
            words.append(shlex.quote(str(value)))
            continue
        name = parameter.secondary_opts[0] if value is False else max(parameter.opts, key=len)
        values = value if isinstance(value, list | tuple) else [value]
        words += [name if isinstance(v, bool) else f"{name} {shlex.quote(str(v))}" for v in values]
    return " ".join(words)


def print_rows(outcomes: "Sequence[Outcome]") -> None:
    """Print the table of a sweep."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from simgen.adapters.outcomes import rows
    from simgen.adapters.report.words import mean_text

    found = rows(outcomes)
    figures = list(dict.fromkeys(f for row in found for f in row.figures))
    table = Table("method", "seeds", *figures, title="mean ± standard deviation over seeds")
    for row in found:
        table.add_row(escape(row.name), str(row.seeds), *(mean_text(row.figures.get(f)) for f in figures))
    Console().print(table)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(option: str, text: str) -> list[int]:
    from simgen.errors import ConfigError

    words = _words(text)
    wrong = next((word for word in words if not word.isdecimal()), None)
    if wrong is not None:
        raise ConfigError(f'{option}: expected whole numbers >= 0 with commas between them, got "{wrong}"')
    return [int(word) for word in words]
