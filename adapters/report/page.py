"""Fills the page's template."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from simgen.adapters.metrics import Score
from simgen.adapters.report.pictures import confusion_plot, crop_picture, curves_plot, detection_picture

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation

EXAMPLES = 12
NAMES = {
    "map": "mAP (IoU 0.50 to 0.95)",
    "map50": "mAP50",
    "map75": "mAP75",
    "macro_f1": "F1 (mean over classes)",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "accuracy": "accuracy",
}


def write_report(evaluation: "Evaluation", path: Path) -> Path:
    """Write the page of one evaluation; return its path."""
    headline = [(NAMES[k], _shown(s)) for k, s in evaluation.scores.items() if k in NAMES]
    plots = [confusion_plot(evaluation.confusion, evaluation.classes)]
    if len(evaluation.curves):
        plots.append(curves_plot(evaluation.curves, evaluation.classes))
    page = template("report.html").render(
        title=_title(evaluation),
        evaluation=evaluation,
        n_objects=sum(len(r.annotations) for r in evaluation.records),
        headline=headline,
        per_class=_per_class(evaluation),
        plots=plots,
        examples=_examples(evaluation),
        training=_flat(evaluation.history),
    )
    path.write_text(page, "utf-8")
    return path


def write_comparison(arms: Mapping[str, Mapping[str, Score]], names: Sequence[str], title: str, path: Path) -> Path:
    """Write a page with one row for each arm and one column for each named score; return its path."""
    rows = [(arm, [_shown(scores.get(name, Score(None))) for name in names]) for arm, scores in arms.items()]
    page = template("comparison.html").render(title=title, columns=[NAMES.get(n, n) for n in names], rows=rows)
    path.write_text(page, "utf-8")
    return path


def _title(evaluation: "Evaluation") -> str:
    what = f"Score on {'synthetic' if evaluation.synthetic else 'real'} images"
    if not evaluation.image_set:
        return what
    part = "" if evaluation.part == "all" else f", split {evaluation.part}"
    return f"{what}: {evaluation.image_set}{part}"


def template(name: str) -> Any:
    """Return a page's template by its file name."""
    loader = PackageLoader("simgen.adapters.report", "templates")
    return Environment(loader=loader, autoescape=select_autoescape(default=True), trim_blocks=True).get_template(name)


def _shown(score: Score) -> str:
    if score.value is None:
        return "–"
    interval = "" if score.low is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return f"{score.value:.3f}{interval}"


def _per_class(evaluation: "Evaluation") -> list[tuple[str, int, list[str]]]:
    counts = evaluation.confusion[:-1].sum(1)
    keys = [k for k in ("ap50", "ap", "f1") if f"{k}/{evaluation.classes[0]}" in evaluation.scores]
    return [
        (name, int(count), [_shown(evaluation.scores[f"{k}/{name}"]) for k in keys])
        for name, count in zip(evaluation.classes, counts, strict=True)
    ]


def _examples(evaluation: "Evaluation") -> list[tuple[str, str]]:
    """Return (picture, caption) pairs, the worst first."""
    if evaluation.task == "classify":
        return _wrong_crops(evaluation)
    none = len(evaluation.classes)
    errors = [sum(said != true for said, true in m.detections) + len(m.missed) for m in evaluation.matches]
    worst = np.argsort(-np.array(errors), kind="stable")[:EXAMPLES]
    shown = []
    for i in (int(w) for w in worst):
        match = evaluation.matches[i]
        wrong = sum(said != true and true != none for said, true in match.detections)
        false = sum(true == none for _, true in match.detections)
        caption = f"{evaluation.records[i].path.name}: {wrong} wrong class, {false} false, {len(match.missed)} missed"
        picture = detection_picture(evaluation.records[i], evaluation.found[i], match, evaluation.classes)
        shown.append((picture, caption))
    return shown


def _wrong_crops(evaluation: "Evaluation") -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    pairs = [(r, a) for r in evaluation.records for a in r.annotations]
    for (record, annotation), said in zip(pairs, evaluation.said, strict=True):
        if evaluation.classes[said] != annotation.class_name and len(shown) < 4 * EXAMPLES:
            caption = f"{annotation.class_name} read as {evaluation.classes[said]}"
            shown.append((crop_picture(record, annotation.box_xyxy), caption))
    return shown


def _flat(data: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in sorted(data.items()):
        name = f"{prefix}{key}"
        rows += _flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, str(value))]
    return rows
