"""What came of a sweep: scores by arm, means over seeds, curves over labelled photographs, results.csv and .json."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from simgen.adapters.evaluate import Evaluation

START = "source_only"
SCRATCH = "scratch"


@dataclass(frozen=True)
class Arm:
    """One run of a sweep.

    Attributes:
        method: name in METHODS.
        seed: of the run.
        shots: how many labelled photographs; 0: all that there are, or none, as the method needs.
    """

    method: str
    seed: int
    shots: int = 0

    @property
    def name(self) -> str:
        """What arms that differ by their seed alone are called."""
        if not self.shots:
            return self.method
        return f"{SCRATCH if self.method == 'oracle' else self.method}-{self.shots}"

    def folder(self, out: Path) -> Path:
        """Return the folder of the run in a sweep's."""
        return out / f"{self.name}-{self.seed}"


@dataclass(frozen=True)
class Outcome:
    """What came of an arm: scores by name, or the sentence that says why there are none.

    Attributes:
        arm: the run.
        scores: figures on the report's images.
        problem: why there are none.
        evaluation: what the scores are from, where the model was scored just now.
    """

    arm: Arm
    scores: dict[str, float] = field(default_factory=dict)
    problem: str = ""
    evaluation: Evaluation | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Row:
    """Arms that differ by their seed alone: mean and standard deviation (None for one seed) of each figure."""

    name: str
    seeds: int
    figures: dict[str, tuple[float, float | None]]


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """Return the table of a sweep, in the order of the arms; without runs that failed and figures undefined in some."""
    grouped: dict[str, list[dict[str, float]]] = {}
    for outcome in outcomes:
        if not outcome.problem:
            grouped.setdefault(outcome.arm.name, []).append(outcome.scores)
    return [
        Row(name, len(found), {f: _spread([s[f] for s in found]) for f in found[0] if all(f in s for s in found)})
        for name, found in grouped.items()
    ]


def read_results(out: Path) -> list[Outcome]:
    """Return the outcomes of a sweep's results.csv, none where there is no such file or it is damaged."""
    try:
        with (out / "results.csv").open(newline="", encoding="utf-8") as file:
            return [_read(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError):
        return []


def _read(row: dict[str, str]) -> Outcome:
    known = {"name", "method", "shots", "seed", "problem"}
    scores = {name: float(value) for name, value in row.items() if name not in known and value}
    return Outcome(Arm(row["method"], int(row["seed"]), int(row["shots"])), scores, row["problem"])


def write_results(outcomes: Sequence[Outcome], out: Path) -> None:
    """Write results.csv, a row an arm, and results.json, with the table."""
    out.mkdir(parents=True, exist_ok=True)
    figures = list(dict.fromkeys(f for o in outcomes for f in o.scores))
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "method", "shots", "seed", *figures, "problem"])
        for o in outcomes:
            scores = [f"{o.scores[f]:.6f}" if f in o.scores else "" for f in figures]
            table.writerow([o.arm.name, o.arm.method, o.arm.shots, o.arm.seed, *scores, o.problem])
    content: dict[str, Any] = {
        "arms": [
            {"name": o.arm.name, "seed": o.arm.seed, "scores": o.scores, "problem": o.problem or None} for o in outcomes
        ],
        "table": {
            r.name: {f: {"mean": m, "sd": sd, "seeds": r.seeds} for f, (m, sd) in r.figures.items()}
            for r in rows(outcomes)
        },
    }
    (out / "results.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


def curves(outcomes: Sequence[Outcome], figure: str, labelled: int = 0) -> dict[str, list[tuple[int, float, float]]]:
    """Return the k-shot curves: (labelled photographs, mean, standard deviation) of fine-tuning and from scratch.

    Args:
        outcomes: of the arms.
        figure: its name.
        labelled: how many labelled photographs there are: so many finetune and oracle learn from without a number.
    """
    table = {row.name: row.figures.get(figure) for row in rows(outcomes)}
    arms = {o.arm.name: o.arm for o in outcomes}
    found: dict[str, dict[int, tuple[float, float]]] = {"finetune": {}, SCRATCH: {}}
    for name, arm in sorted(arms.items(), key=lambda pair: pair[1].shots):
        k, line = arm.shots or labelled, {"finetune": "finetune", "oracle": SCRATCH}.get(arm.method)
        if line and k and table.get(name):
            found[line][k] = _whole(table[name])
    if found["finetune"] and table.get(START):
        found["finetune"][0] = _whole(table[START])
    return {name: [(k, *points[k]) for k in sorted(points)] for name, points in found.items() if points}


def _spread(values: Sequence[float]) -> tuple[float, float | None]:
    return fmean(values), stdev(values) if len(values) > 1 else None


def _whole(figure: tuple[float, float | None] | None) -> tuple[float, float]:
    mean, spread = figure or (0.0, None)
    return mean, spread or 0.0
