"""The page of a comparison: models by figures, their differences, the gap that each closes, their confusions."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simgen.adapters.metrics import Score
from simgen.adapters.metrics.paired import Difference, Gap
from simgen.adapters.report.embed import page_template
from simgen.adapters.report.pictures import confusion_plot, intervals_plot
from simgen.adapters.report.words import (
    COMPARED,
    difference_text,
    gap_text,
    mcnemar_text,
    noun,
    score_text,
    set_text,
)

if TYPE_CHECKING:
    from simgen.adapters.compare import Arm, Comparison

Row = tuple[str, list[str]]


def write_comparison_page(comparison: "Comparison", path: Path) -> Path:
    """Write the page; return its path."""
    first = next(iter(comparison.evaluations.values()))
    page = page_template("comparison.html").render(
        title=f"Models compared on {set_text(first.image_set, first.part)}",
        methods=True,
        confusions=[
            (name, confusion_plot(found.confusion, found.classes))
            for name, found in comparison.evaluations.items()
            if found.confusion.size
        ],
        **comparison_tables(comparison),
    )
    path.write_text(page, "utf-8")
    return path


def comparison_tables(comparison: "Comparison") -> dict[str, Any]:
    """Return what the template `comparison_tables.html` shows."""
    first = next(iter(comparison.evaluations.values()))
    names = COMPARED[first.task]
    leading, *_ = names
    others = [arm for arm in comparison.arms if arm.name != comparison.baseline]
    scored = [(arm.name, arm.scores.get(leading, Score(None))) for arm in comparison.arms]
    return {
        "comparison": comparison,
        "noun": noun(first.task),
        "first": first,
        "n_objects": sum(not a.ignore for r in first.records for a in r.annotations),
        "columns": list(names.values()),
        "several": any(arm.spread for arm in comparison.arms),
        "paired": any(arm.mcnemar for arm in comparison.arms),
        "scores": [(arm, [score_cell(arm, name) for name in names]) for arm in comparison.arms],
        "differences": [
            (*_row(arm.name, arm.differences, names, difference_text, Difference(None)), mcnemar_text(arm.mcnemar))
            for arm in others
        ],
        "gaps": [_row(arm.name, arm.gaps, names, gap_text, Gap(None)) for arm in others if arm.gaps],
        "plot": intervals_plot(scored, names[leading], comparison.baseline),
    }


def score_cell(arm: "Arm", name: str) -> str:
    """Return "0.884 [0.844, 0.928] ± 0.012": a figure, its interval over images, its deviation over seeds."""
    text = score_text(arm.scores.get(name, Score(None)))
    spread = arm.spread.get(name)
    return text if spread is None else f"{text} ± {spread:.3f}"


def _row(title: str, found: dict[str, Any], names: dict[str, str], text: Callable[[Any], str], missing: Any) -> Row:
    return title, [text(found.get(name, missing)) for name in names]
