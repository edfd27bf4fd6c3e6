"""`Cell`: what makes a case, as data. A conjunction of conditions on the attributes of one object."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError
from simgen.rare.attributes import ATTRIBUTES, Row, Value, categories_of, require_categories
from simgen.scene import STRICT


@dataclass(frozen=True, config=STRICT)
class Condition:
    """What one attribute must be: in [low, high), or one of some categories. A value that is not known never is.

    Attributes:
        attribute: its name or dotted path.
        low: least value; None for no bound.
        high: what all values lie below; None for no bound.
        among: the categories.
    """

    attribute: str
    low: float | None = None
    high: float | None = None
    among: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Condition":
        bounded = self.low is not None or self.high is not None
        if bounded == bool(self.among):
            raise ValueError(f'"{self.attribute}": expected low or high, or categories under "among"')
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f'"{self.attribute}": expected low < high, got {self.low:g} and {self.high:g}')
        return self

    def holds(self, value: Value) -> bool:
        """Whether a value is what it must be."""
        if value is None:
            return False
        if self.among or isinstance(value, str):
            return value in self.among
        return (self.low is None or value >= self.low) and (self.high is None or value < self.high)

    @property
    def text(self) -> str:
        """The condition for people."""
        if self.among:
            return f"{self.attribute} {' or '.join(self.among)}"
        if self.low is None:
            return f"{self.attribute} < {self.high:g}"
        return f"{self.attribute} >= {self.low:g}" if self.high is None else f"{self.attribute} {self.span}"

    @property
    def span(self) -> str:
        """Its values for people, without the attribute's name."""
        if self.among:
            return " or ".join(self.among)
        if self.low is None:
            return f"< {self.high:g}"
        return f">= {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, config=STRICT)
class Cell:
    """A case: objects for which all conditions hold.

    Attributes:
        conditions: at least one, each of another attribute.
        name: how people call it; default: the conditions' texts.
    """

    conditions: tuple[Condition, ...] = Field(min_length=1)
    name: str = ""

    @model_validator(mode="after")
    def _each_once(self) -> "Cell":
        for number, condition in enumerate(self.conditions):
            if condition.attribute in self.attributes[:number]:
                raise ValueError(f'expected each attribute once, got "{condition.attribute}" again')
        return self

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that it is made of."""
        return tuple(condition.attribute for condition in self.conditions)

    @property
    def title(self) -> str:
        """Its name, or else what it says."""
        return self.name or ", ".join(condition.text for condition in self.conditions)

    def holds(self, row: Row) -> bool:
        """Whether an object is such a case."""
        return all(condition.holds(row.get(condition.attribute)) for condition in self.conditions)


def require_condition(condition: Condition, classes: Sequence[str], where: str) -> None:
    """Raise `ConfigError` for a condition that no object of a set can ever meet.

    Args:
        condition: on an attribute that `require_attribute` knows.
        classes: of the set.
        where: for the sentence.
    """
    known = categories_of(condition.attribute, classes)
    if known and not condition.among:
        raise ConfigError(f'{where}: {condition.attribute}: expected categories under "among", got low or high')
    require_categories(condition.attribute, condition.among, classes, where)
    if condition.attribute in ATTRIBUTES and not condition.among:
        least, most = ATTRIBUTES[condition.attribute].span
        low, high = condition.low, condition.high
        if (low is not None and low > most) or (high is not None and high <= least):
            raise ConfigError(f"{where}: {condition.attribute} is {least:g} to {most:g}, never {condition.span}")


def count(cells: Sequence[Cell], rows: Sequence[Row]) -> list[int]:
    """Return how many rows are in each cell."""
    return [sum(cell.holds(row) for row in rows) for cell in cells]


@dataclass(frozen=True, config=STRICT)
class Bins:
    """How the values of one attribute are divided: between edges, or by category.

    Attributes:
        attribute: its name or dotted path.
        edges: rising; the first bin is all below the first of them, the last all from the last on.
        among: the categories; with neither, those that occur.
    """

    attribute: str
    edges: tuple[float, ...] = ()
    among: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _rising(self) -> "Bins":
        if self.edges and self.among:
            raise ValueError(f'"{self.attribute}": expected edges or categories, got both')
        if any(b <= a for a, b in pairwise(self.edges)):
            raise ValueError(
                f'"{self.attribute}": expected edges that rise, got {", ".join(map("{:g}".format, self.edges))}'
            )
        return self

    def conditions(self, rows: Sequence[Row]) -> tuple[Condition, ...]:
        """Return one condition a bin."""
        if self.edges:
            bounds = (None, *self.edges, None)
            return tuple(Condition(self.attribute, a, b) for a, b in pairwise(bounds))
        found = {value for row in rows if isinstance(value := row.get(self.attribute), str)}
        return tuple(Condition(self.attribute, among=(name,)) for name in self.among or sorted(found))


Grid = tuple[Bins, ...]
"""Attributes whose bins are crossed: every combination is a cell."""


def cross(grid: Grid, rows: Sequence[Row]) -> list[Cell]:
    """Return the cells of a grid: the first attribute's bins slowest."""
    cells: list[tuple[Condition, ...]] = [()]
    for bins in grid:
        cells = [(*conditions, new) for conditions in cells for new in bins.conditions(rows)]
    return [Cell(conditions) for conditions in cells]


def plain(cell: Cell) -> dict[str, Any]:
    """Return a cell as short plain data: what is not said is left out."""
    conditions: list[dict[str, Any]] = []
    for condition in cell.conditions:
        given: Mapping[str, Any] = vars(condition)
        conditions.append({key: given[key] for key in ("attribute", "low", "high") if given[key] is not None})
        if condition.among:
            conditions[-1]["among"] = list(condition.among)
    return {"conditions": conditions, **({"name": cell.name} if cell.name else {})}
