"""The page of one evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simgen.adapters.metrics import iou_figures
from simgen.adapters.report.embed import page_template
from simgen.adapters.report.overlays import segments_picture
from simgen.adapters.report.pictures import (
    confusion_plot,
    crop_picture,
    curves_plot,
    detection_picture,
    pixels_plot,
    reliability_plot,
)
from simgen.adapters.report.poses import pose_examples
from simgen.adapters.report.words import HEADLINE, PER_CLASS, noun, score_text, set_text

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation

EXAMPLES = 12


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
        examples=_examples(evaluation),
        training=_flat(evaluation.history),
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


def _examples(evaluation: "Evaluation") -> list[tuple[str, str]]:
    """Return (picture, caption) pairs, the worst first; vectors have no pictures."""
    if evaluation.task == "features":
        return []
    if evaluation.task == "classify":
        return _wrong_crops(evaluation)
    if evaluation.task == "keypoints":
        return pose_examples(evaluation, EXAMPLES)
    none = len(evaluation.classes)
    errors = [sum(said != true for said, true in m.detections) + len(m.missed) for m in evaluation.matches]
    shares = [iou_figures(pixels)["miou"] or 0.0 for pixels in evaluation.pixels]
    worst = np.lexsort((np.array(shares or errors, float), -np.array(errors)))[:EXAMPLES]
    shown = []
    for i in (int(w) for w in worst):
        match = evaluation.matches[i]
        wrong = sum(said != true and true != none for said, true in match.detections)
        false = sum(true == none for _, true in match.detections)
        caption = f"{evaluation.records[i].path.name}: {wrong} wrong class, {false} false, {len(match.missed)} missed"
        if shares:
            caption += f", mIoU {shares[i]:.3f}"
        shown.append((_picture(evaluation, i), caption))
    return shown


def _picture(evaluation: "Evaluation", i: int) -> str:
    record, match, classes = evaluation.records[i], evaluation.matches[i], evaluation.classes
    if evaluation.task == "segment":
        return segments_picture(record, evaluation.segments[i], match, classes)
    return detection_picture(record, evaluation.found[i], match, classes)


def _wrong_crops(evaluation: "Evaluation") -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    pairs = [(r, a) for r in evaluation.records for a in r.annotations if not a.ignore]
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
