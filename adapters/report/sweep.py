"""The page of a sweep: its table, and the curve over labelled photographs."""

from collections.abc import Sequence
from pathlib import Path

from simgen.adapters.report.embed import page_template
from simgen.adapters.report.pictures import shots_plot
from simgen.adapters.report.words import NAMES
from simgen.adapters.sweep import Outcome, curves, rows


def write_sweep(outcomes: Sequence[Outcome], title: str, path: Path) -> Path:
    """Write the page of a sweep's outcomes; return its path."""
    table = rows(outcomes)
    figures = list(dict.fromkeys(f for row in table for f in row.figures))
    shown = [(r.name, r.seeds, [cell(r.figures.get(f)) for f in figures]) for r in table]
    found = curves(outcomes, figures[0]) if figures else {}
    page = page_template("sweep.html").render(
        title=title,
        columns=[NAMES.get(f, f) for f in figures],
        rows=shown,
        failed=[o for o in outcomes if o.problem],
        plots=[shots_plot(found, NAMES.get(figures[0], figures[0]))] if found else [],
    )
    path.write_text(page, "utf-8")
    return path


def cell(figure: tuple[float, float | None] | None) -> str:
    """Return "mean ± standard deviation" for people."""
    if figure is None:
        return "–"
    mean, spread = figure
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"
