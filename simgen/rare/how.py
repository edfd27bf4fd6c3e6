"""The protocol of a way to make samples of rare cases."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from simgen.config import Config
from simgen.formats.imageset import ImageSet
from simgen.rare.cells import Cell
from simgen.rare.plan import Entry
from simgen.samples import Sample

LEAST_EXAMPLES = 4
"""Of a cell with fewer, nothing can be learned."""


def too_few(entry: Entry) -> str:
    """Return that a cell has too few objects to learn from, "" where it has enough."""
    if entry.count >= LEAST_EXAMPLES:
        return ""
    return f"{entry.count} {'example is' if entry.count == 1 else 'examples are'} too few to learn from"


def able(entry: Entry) -> str:
    """Return "": a way that can make every cell."""
    del entry
    return ""


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be filled.

    Attributes:
        data: the dataset.
        config: of the scenes: the one that it was generated from, or for other sets a given one.
        cells: what is looked for.
        seed: of all that is drawn.
    """

    data: ImageSet
    config: Config
    cells: tuple[Cell, ...]
    seed: int


@dataclass(frozen=True, eq=False)
class Made:
    """What came of one try.

    Attributes:
        sample: holds the cell, measured on its own labels; its metadata say under "source" where it is from, with the
            generator, the cell's title and the weight. None where none was found.
        tried: how many scenes or crops of each stage it took, e.g. {"drawn": 90, "settled": 4, "rendered": 1}.
    """

    sample: Sample | None
    tried: dict[str, int] = field(default_factory=dict)


class Maker(Protocol):
    """Makes samples; plain data, for it is sent to worker processes."""

    def make(self, order: int, number: int) -> Made:
        """Return the `number`-th sample of the cell that is `order`-th in the task: a pure function."""
        ...


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        prepare: looks at the dataset and learns or loads what making takes.
        unable: returns why it cannot make a cell of a plan, "" where it can. It is asked before `prepare`, which is
            given all cells.
        identity: what it was made from, for a filled dataset to be told from others.
    """

    prepare: Callable[[Task], Maker]
    unable: Callable[[Entry], str] = able
    identity: Mapping[str, str] = field(default_factory=dict)


def identity_of(file: Path | None) -> dict[str, str]:
    """Return what tells a way's generator from others: 16 hexadecimal digits of its file, nothing without one."""
    return {} if file is None or not file.is_file() else {"generator": file_digest(file)}


def file_digest(file: Path) -> str:
    """Return 16 hexadecimal digits of a file's sha256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
