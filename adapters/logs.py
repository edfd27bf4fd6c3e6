"""Reading what a run wrote down step by step: losses.csv and validation.csv of simgen.adapters.runs."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.float64]]


def read_log(path: Path) -> Columns:
    """Return the columns of a `runs.Table` by name, (n,) float64 each, NaN for an empty cell; none without the file.

    Rows that a killed process left unfinished, and columns that hold no number, are left out.
    """
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        names = list(table.fieldnames or ())
        rows = [[_number(row[name]) for name in names] for row in table if None not in row.values()]
    columns = dict(zip(names, np.array(rows, np.float64).reshape(len(rows), len(names)).T, strict=True))
    return {name: values for name, values in columns.items() if np.isfinite(values).any()}


def thinned(steps: NDArray[np.float64], values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return (2, k) means over up to `most` neighbouring groups of steps, all about equally long; k <= `most`.

    Args:
        steps: (n,) ascending.
        values: (n,) of them.
        most: groups.
    """
    groups = min(most, len(steps))
    pieces = zip(np.array_split(steps, groups or 1), np.array_split(values, groups or 1), strict=True)
    return np.array([(s.mean(), v.mean()) for s, v in pieces if len(s)], np.float64).reshape(-1, 2).T


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
