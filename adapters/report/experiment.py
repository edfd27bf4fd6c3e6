"""The page of an experiment: everything about a sweep in one file that opens offline."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simgen import __version__
from simgen.adapters.embeddings import MOST_OBJECTS
from simgen.adapters.experiment import Experiment, Trained
from simgen.adapters.gap import write_gap
from simgen.adapters.logs import Columns, read_log
from simgen.adapters.metrics.paired import Difference
from simgen.adapters.outcomes import START, Outcome, Row, curves, rows
from simgen.adapters.report.comparison import comparison_tables, score_cell
from simgen.adapters.report.embed import page_template
from simgen.adapters.report.examples import examples
from simgen.adapters.report.maps import component_maps, domain_distance, neighbour_maps, worth_showing
from simgen.adapters.report.page import detail_plots, flat
from simgen.adapters.report.pictures import confusion_plot, shots_plot
from simgen.adapters.report.training import Logs, losses_plot, validation_plot
from simgen.adapters.report.words import UNDEFINED, difference_text, figure_name, gap_text, mean_text, noun
from simgen.adapters.runs import fingerprint, identifying
from simgen.formats.imageset import ImageSet

GAP_FOLDER = "gap"
SECTIONS = {
    "labels": "Few labels",
    "choice": "Chosen without labels",
    "training": "Training",
    "confusion": "Confusion",
    "embeddings": "Embeddings",
    "examples": "A closer look",
    "gap": "What to move",
    "failed": "Failed",
}
_EXAMPLES = 8


def write_experiment(found: Experiment, title: str, path: Path) -> Path:
    """Write the page, and beside it the page of the gap; return its path."""
    parts = {
        **_tables(found),
        **_few_labels(found),
        **_choice(found),
        **_training(found.trained),
        **_looks(found),
        **_maps(found),
        **_gap(found, path.parent),
    }
    failed = [outcome for outcome in found.trained.outcomes if outcome.problem]
    there = {
        "labels": parts["shots_plot"] or found.comparison,
        "choice": found.choice or "choose" in parts["notes"],
        "training": parts["losses_plot"],
        "confusion": parts["confusions"],
        "embeddings": parts["maps"],
        "examples": parts["examples"] or parts["details"],
        "gap": found.gap or "gap" in parts["notes"],
        "failed": failed,
    }
    shown = [("scores", "Scores"), *((key, name) for key, name in SECTIONS.items() if there[key])]
    page = page_template("experiment.html").render(
        title=title,
        sections=[*shown, ("repeat", "To repeat it")],
        failed=failed,
        **_configuration(found.trained),
        **parts,
    )
    path.write_text(page, "utf-8")
    return path


def _tables(found: Experiment) -> dict[str, Any]:
    if found.comparison is not None:
        columns = [
            figure_name(found.trained.config.task, found.trained.figure),
            f"difference to {found.comparison.baseline}",
            "gap closed",
        ]
        return {"roles": _roles(found), "role_columns": columns, **comparison_tables(found.comparison)}
    table = rows(found.trained.outcomes)
    figures = list(dict.fromkeys(f for row in table for f in row.figures))
    shown = [(f"{row.name} ({_seeds(row)})", [mean_text(row.figures.get(f)) for f in figures]) for row in table]
    return {"comparison": None, "columns": [figure_name(found.trained.config.task, f) for f in figures], "rows": shown}


def _leading(trained: Trained) -> str:
    return figure_name(trained.config.task, trained.figure)


def _seeds(row: Row) -> str:
    return f"{row.seeds} seed{'s' if row.seeds > 1 else ''}"


def _roles(found: Experiment) -> list[tuple[str, str, list[str]]]:
    """Return what to read first: the ends, and what was chosen between them."""
    comparison, choice = found.comparison, found.choice
    assert comparison is not None
    named = [("without adaptation", START)]
    if choice is not None:
        named += [("chosen without labels", choice.selected), ("the best of the same, by the labels", choice.best)]
    elif found.shown is not None:
        named.append(("the best, by the labels", found.shown))
    named += [("learnt from real labels", comparison.oracle)] if comparison.oracle else []
    arms = {arm.name: arm for arm in comparison.arms}
    figure = found.trained.figure
    return [
        (
            role,
            name,
            [
                score_cell(arms[name], figure),
                difference_text(arms[name].differences.get(figure, Difference(None))),
                gap_text(arms[name].gaps[figure]) if figure in arms[name].gaps else UNDEFINED,
            ],
        )
        for role, name in named
        if name in arms
    ]


def _few_labels(found: Experiment) -> dict[str, Any]:
    trained = found.trained
    if found.comparison is None:
        return {"shots_plot": None}
    labelled = 0 if trained.material.labelled is None else len(trained.material.labelled)
    lines = curves(trained.outcomes, trained.figure, labelled)
    means = {row.name: row.figures[trained.figure][0] for row in rows(trained.scored) if trained.figure in row.figures}
    levels = {f"{START}, no label": means[START]} if START in means else {}
    if found.choice is not None and found.choice.selected != START:
        levels[f"{found.choice.selected}, no label"] = means[found.choice.selected]
    return {"shots_plot": shots_plot(lines, _leading(trained), levels) if lines else None}


def _choice(found: Experiment) -> dict[str, Any]:
    choice, notes = found.choice, dict(found.notes or {})
    if choice is None:
        return {"choice": None, "notes": notes}
    judged = [
        (
            _marked(name, choice.selected, choice.best),
            ["-" if math.isnan(v) else f"{v:.3f}" for v in (j.information, j.source, j.reverse, j.real)],
        )
        for name, j in sorted(choice.judged.items(), key=lambda pair: -pair[1].information)
    ]
    return {
        "choice": choice,
        "choice_name": _leading(found.trained),
        "judged": judged,
        "checkpoints": _checkpoints(found),
        "notes": notes,
    }


def _marked(name: str, selected: str, best: str) -> str:
    marks = [word for word, chosen in (("chosen", selected), ("best", best)) if chosen == name]
    return f"{name} ({', '.join(marks)})" if marks else name


def _checkpoints(found: Experiment) -> list[tuple[str, str]]:
    """Return the step that each run's model is from, where its settings choose between checkpoints."""
    assert found.comparison is not None
    shown = []
    for name, evaluation in found.comparison.evaluations.items():
        candidates = evaluation.history.get("selection", ())
        if candidates:
            last = max(candidate["step"] for candidate in candidates)
            shown.append((name, f"step {candidates[0]['step']} of {last}, of {len(candidates)} checkpoints"))
    return shown


def _training(trained: Trained) -> dict[str, Any]:
    losses, validations = (_logs(trained, name) for name in ("losses.csv", "validation.csv"))
    name = next((key for runs in validations.values() for log in runs for key in log if key != "step"), "")
    return {
        "losses_plot": losses_plot(losses) if losses else None,
        "validation_plot": validation_plot(validations, figure_name(trained.config.task, name))
        if validations
        else None,
        "single": all(len(log["step"]) < 2 for runs in validations.values() for log in runs),
    }


def _logs(trained: Trained, file: str) -> Logs:
    logs: dict[str, list[Columns]] = {}
    for outcome in trained.scored:
        log = read_log(outcome.arm.folder(trained.out) / file)
        if len(log) > 1 and "step" in log:
            logs.setdefault(outcome.arm.name, []).append(log)
    return logs


def _looks(found: Experiment) -> dict[str, Any]:
    """Return the confusions of the arms that matter, and one of their models' answers on photographs."""
    if found.comparison is None:
        return {"confusions": [], "examples": [], "details": [], "task": found.trained.config.task}
    evaluations, models = found.comparison.evaluations, {arm.name: arm.models for arm in found.comparison.arms}
    best = found.choice.best if found.choice else None
    wanted = [START, found.shown, best, found.comparison.oracle]
    names = [name for name in dict.fromkeys(wanted) if name in models]
    confusions = [
        confusion_plot(np.sum([evaluations[m].confusion for m in models[name]], axis=0), first.classes, name)
        for name in names
        if (first := evaluations[models[name][0]]).confusion.size
    ]
    shown = models[found.shown if found.shown in models else next(iter(models))][0]
    evaluation = evaluations[shown]
    return {
        "confusions": confusions,
        "examples": examples(evaluation, _EXAMPLES),
        "details": detail_plots(evaluation),
        "shown": shown,
        "task": evaluation.task,
    }


def _maps(found: Experiment) -> dict[str, Any]:
    shown = [one for one in found.embeddings if worth_showing(one)]
    seed = found.trained.config.seed
    if not shown:
        return {"maps": []}
    distances = [domain_distance(one, seed) for one in shown]
    return {
        "maps": [
            ("Principal components", component_maps(shown)),
            ("Neighbours (t-SNE; its axes have no unit)", neighbour_maps(shown, seed)),
        ],
        "distances": [
            (
                one.name,
                [str(len(one.source.vectors)), str(len(one.target.vectors)), UNDEFINED if d is None else f"{d:.2f}"],
            )
            for one, d in zip(shown, distances, strict=True)
        ],
        "most_objects": MOST_OBJECTS,
    }


def _gap(found: Experiment, folder: Path) -> dict[str, Any]:
    if found.gap is None:
        return {"gap": None}
    page = write_gap(found.gap, folder / GAP_FOLDER)
    return {"gap": found.gap, "gap_page": page.relative_to(folder).as_posix()}


def _configuration(trained: Trained) -> dict[str, Any]:
    config, material = trained.config, trained.material
    settings = identifying(config)
    kept = "the last model counts" if config.selection.kind == "last" else "checkpoints are chosen without labels"
    for varied in ("seed", "method"):
        settings.pop(varied, None)
    sets = {
        "simulated images": material.source,
        "photographs to adapt to": trained.target,
        "photographs with labels to learn from": material.labelled,
        "simulated images to mix into them": material.simulated,
        "photographs that are scored on": material.report,
    }
    facts = [
        ("methods", ", ".join(dict.fromkeys(o.arm.name for o in trained.outcomes))),
        ("seeds", ", ".join(str(seed) for seed in dict.fromkeys(o.arm.seed for o in trained.outcomes))),
        *((name, _set_text(data, config.task)) for name, data in sets.items() if data is not None),
        ("simgen", __version__),
    ]
    return {
        "summary": _summary(trained.outcomes, material.report, config.task),
        "command": trained.command,
        "facts": facts,
        "settings": flat(settings),
        "kept": kept,
    }


def _summary(outcomes: Sequence[Outcome], report: ImageSet | None, task: str) -> str:
    methods, seeds = len({o.arm.name for o in outcomes}), len({o.arm.seed for o in outcomes})
    scored = f", scored on {len(report)} real {noun(task)} of {report.root.name}" if report is not None else ""
    return f"Task {task}: {methods} method{'s' * (methods > 1)}, {seeds} seed{'s' * (seeds > 1)}{scored}."


def _set_text(data: ImageSet, task: str) -> str:
    """Return what tells a set from others; of labels only their digest."""
    return f"{data.root.name or data.root}: {len(data)} {noun(task)}, sha256 {fingerprint(data)[:16]}"
