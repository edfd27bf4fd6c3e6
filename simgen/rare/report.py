"""The folder that `simgen rare find` leaves: the plan, tables and plots."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simgen.errors import OutputError
from simgen.rare.find import Findings
from simgen.rare.plan import read_plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 24
"""Objects on a sheet."""
FILES = ("rare.json", "cells.csv", "objects.csv", "cells.png", "lowest.png", "uncovered.png")


def require_folder(out: Path) -> None:
    """Raise `OutputError` where findings cannot be written: a file, a folder with something else, an edited plan."""
    if out.exists() and not out.is_dir():
        raise OutputError(f'output "{out}": expected a folder, got a file')
    foreign = sorted(path.name for path in out.iterdir() if path.name not in FILES) if out.is_dir() else []
    if foreign:
        raise OutputError(f'output "{out}": expected an empty folder or one of rare find, got one with "{foreign[0]}"')
    plan = out / "rare.json"
    if plan.is_file() and read_plan(plan).edited:
        raise OutputError(f'output "{out}": its rare.json was edited, and would be lost; choose another folder')


def write_findings(findings: Findings, out: Path) -> Path:
    """Write the plan, the tables and the plots; return the plan's file. Raises `OutputError`."""
    from simgen.rare.plots import cell_bars, object_sheet

    require_folder(out)
    content: dict[str, str | bytes] = {
        "cells.csv": _table(_cell_rows(findings)),
        "objects.csv": _table(_object_rows(findings)),
        "cells.png": _png(cell_bars(findings.grids)),
    }
    lowest = findings.density.lowest(SHOWN)
    titles = [f"{findings.density.rarity[k]:.3f}" for k in lowest]
    heading = "rarest objects, by the mean rank of distance and likelihood"
    content["lowest.png"] = _png(object_sheet(findings.found, lowest, titles, heading))
    if findings.real is not None:
        bare = findings.real.uncovered(SHOWN)
        heading = "real objects without a synthetic neighbour, and how far the nearest is"
        titles = [f"{findings.real.distance[k]:.2f}" for k in bare]
        content["uncovered.png"] = _png(object_sheet(findings.real.found, bare, titles, heading))
    content["rare.json"] = findings.plan.to_json()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if name not in content:
                (out / name).unlink(missing_ok=True)
        for name, data in content.items():
            (out / name).write_bytes(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise OutputError(f'output "{out}": cannot be written: {error.strerror}') from None
    return out / "rare.json"


def _cell_rows(findings: Findings) -> list[dict[str, object]]:
    return [
        {
            "grid": grid.title,
            "cell": cell.title,
            "count": number,
            "even_share": round(grid.share, 2),
            "thin_below": grid.floor,
            "real_count": grid.real_counts[place] if grid.real_counts is not None else "",
        }
        for grid in findings.grids
        for place, (cell, number) in enumerate(zip(grid.cells, grid.counts, strict=True))
    ]


def _object_rows(findings: Findings) -> list[dict[str, object]]:
    found, density = findings.found, findings.density
    rows = []
    for k, row in enumerate(found.rows):
        values = {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
        score: Mapping[str, object] = {
            "distance": round(float(density.distance[k]), 5),
            "likelihood_bound": "" if density.bound is None else round(float(density.bound[k]), 3),
            "rarity": round(float(density.rarity[k]), 5),
        }
        image = found.data.records[int(found.image[k])].path.name
        rows.append({"image": image, "annotation": int(found.place[k]), **values, **score})
    return rows


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["cell"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()
