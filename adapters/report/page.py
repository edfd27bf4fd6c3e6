"""The page of one evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simgen.adapters.report.embed import page_template
from simgen.adapters.report.examples import examples
from simgen.adapters.report.pictures import confusion_plot, curves_plot, pixels_plot, reliability_plot
from simgen.adapters.report.words import HEADLINE, PER_CLASS, noun, score_text, set_text

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation


def write_report(evaluation: "Evaluation", path: Path) -> Path:
    """Write the page of one evaluation; return its path."""
    names = {key: name for key, name in HEADLINE[evaluation.task].items() if key in evaluation.scores}
    page = page_template("report.html").render(
        title=_title(evaluation),
        evaluation=evaluation,
        noun=noun(evaluation.task),
        n_objects=sum(not a.ignore for r in evaluation.records for a in r.annotations),
        headline=[
            (name, score_text(evaluation.scores[key])) for key, name in names.items() if key in evaluation.scores
        ],
        class_columns=list(PER_CLASS[evaluation.task].values()),
        per_class=_per_class(evaluation),
        plots=_plots(evaluation),
        examples=examples(evaluation),
        training=flat(evaluation.history),
    )
    path.write_text(page, "utf-8")
    return path


def _title(evaluation: "Evaluation") -> str:
    what = f"Score on {'synthetic' if evaluation.synthetic else 'real'} {noun(evaluation.task)}"
    if not evaluation.image_set:
        return what
    return f"{what}: {set_text(evaluation.image_set, evaluation.part)}"


def _plots(evaluation: "Evaluation") -> list[str]:
    plots = [confusion_plot(evaluation.confusion, evaluation.classes)] if evaluation.confusion.size else []
    return plots + detail_plots(evaluation)


def detail_plots(evaluation: "Evaluation") -> list[str]:
    """Return the plots of an evaluation beside its confusion: curves, pixels, reliability, as the task has them."""
    plots = []
    if len(evaluation.curves):
        plots.append(curves_plot(evaluation.curves, evaluation.classes))
    if len(evaluation.pixels):
        plots.append(pixels_plot(evaluation.pixels.sum(0), evaluation.classes))
    if evaluation.reliability is not None:
        plots.append(reliability_plot(evaluation.reliability))
    return plots


def _per_class(evaluation: "Evaluation") -> list[tuple[str, int, list[str]]]:
    if not evaluation.confusion.size:
        return []
    counts = evaluation.confusion[:-1].sum(1)
    keys = PER_CLASS[evaluation.task]
    return [
        (name, int(count), [score_text(evaluation.scores[f"{key}/{name}"]) for key in keys])
        for name, count in zip(evaluation.classes, counts, strict=True)
    ]


def flat(data: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested plain data as sorted (dotted name, text) rows."""
    rows: list[tuple[str, str]] = []
    for key, value in sorted(data.items()):
        name = f"{prefix}{key}"
        rows += flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, str(value))]
    return rows
