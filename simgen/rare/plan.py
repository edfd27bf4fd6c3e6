"""`Plan`: which cells of one dataset are to be filled, and how far. Written as rare.json, read strictly."""

import difflib
import hashlib
import json
import math
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError, DataError, did_you_mean
from simgen.formats.imageset import ImageSet
from simgen.rare.attributes import ATTRIBUTES, object_of, paths_in, places_of, require_attribute, value_of
from simgen.rare.cells import Cell, plain, require_condition
from simgen.registry import validate
from simgen.scene import STRICT

FORMAT: Literal["simgen-rare/1"] = "simgen-rare/1"
MOST_TARGET = 100_000


@dataclass(frozen=True, config=STRICT)
class Entry:
    """One cell to be filled.

    Attributes:
        cell: what makes the case.
        count: how many objects of the dataset are such.
        target: how many there should be.
        rule: why it is here, for people.
    """

    cell: Cell
    count: Annotated[int, Field(ge=0)]
    target: Annotated[int, Field(ge=1, le=MOST_TARGET)]
    rule: str = ""

    @property
    def need(self) -> int:
        """How many are lacking."""
        return max(self.target - self.count, 0)


@dataclass(frozen=True, config=STRICT)
class Plan:
    """What to fill.

    Attributes:
        dataset: the fingerprint of the dataset that it was made for.
        entries: the cells, the most important first.
        format: of the file.
        written: a digest of the entries as they were written; another one of those that are there tells an edited file.
    """

    dataset: str
    entries: tuple[Entry, ...]
    format: Literal["simgen-rare/1"] = FORMAT
    written: str = field(default="", compare=False)

    def to_json(self) -> str:
        """Return the text of rare.json."""
        content = {
            "format": self.format,
            "dataset": self.dataset,
            "written": _digest(self._plain),
            "entries": self._plain,
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that tell its dataset and entries from others."""
        return _digest([self.dataset, *self._plain])

    @property
    def edited(self) -> bool:
        """Whether its entries are not those that were written."""
        return self.written != _digest(self._plain)

    @property
    def _plain(self) -> list[dict[str, Any]]:
        return [{"cell": plain(e.cell), "count": e.count, "target": e.target, "rule": e.rule} for e in self.entries]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def read_plan(file: Path) -> Plan:
    """Return the plan of a rare.json.

    Raises:
        ConfigError: there is no such file, or it is not a plan; the sentence names the place in it.
    """
    where = f'plan "{file}"'
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{where}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where} line {error.lineno}: expected JSON, got {error.msg}") from None
    except RecursionError:
        raise ConfigError(f"{where}: expected a plan, got JSON nested too deep") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        got = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ConfigError(f'{where}: expected "format": "{FORMAT}", got {got!r:.60}')
    try:
        _require_finite(content)
        plan = validate(Plan, content, "")
        for number, entry in enumerate(plan.entries):
            for name in entry.cell.attributes:
                require_attribute(name, f"entries.{number}.cell")
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return plan


def _require_finite(value: Any) -> None:
    """JSON has no infinite numbers, but Python's reader lets them in."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"expected finite numbers, got {value}")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_finite(inner)


def require_plan_of(plan: Plan, data: ImageSet, file: Path) -> None:
    """Refuse a plan that does not fit a dataset.

    Raises:
        DataError: a plan of another dataset.
        ConfigError: a cell that nothing can ever be in: of a class or category that there is not.
    """
    if plan.dataset != fingerprint(data):
        raise DataError(
            f'plan "{file}": was made for another dataset than "{data.root}" (its images, classes, config or seed '
            "differ): run simgen rare find on this one"
        )
    for number, entry in enumerate(plan.entries):
        for condition in entry.cell.conditions:
            require_condition(condition, data.classes, f'plan "{file}": entries.{number}.cell')


def require_parameters(plan: Plan, data: ImageSet, file: Path) -> None:
    """Raise `ConfigError` for a plan with a sampled parameter that no object of a generated set has."""
    names = {name for entry in plan.entries for name in entry.cell.attributes if name not in ATTRIBUTES}
    known: set[str] = set()
    for number in range(len(data) if names and "config" in header_of(data) else 0):
        sample = data[number]
        for place in places_of(sample):
            names = {name for name in names if value_of(sample, place, name) is None}
            known |= {*paths_in(sample.metadata.get("scene"), "scene"), *paths_in(object_of(sample, place), "object")}
        if not names:
            return
    if known:
        name = min(names)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = did_you_mean(name, near) if near else ""
        raise ConfigError(f'plan "{file}": no object of "{data.root}" has a parameter "{name}"{hint}')


def fingerprint(data: ImageSet) -> str:
    """Return what tells a set from others: 16 hexadecimal digits of its config, seed, classes and labels' numbers."""
    header = {key: value for key, value in header_of(data).items() if key != "version"}
    images = [[record.path.name, len(record.annotations)] for record in data.records]
    return _digest([header, list(data.classes), images])


def source_of(data: ImageSet) -> dict[str, Any]:
    """Return the config that a dataset was generated from, as plain data. Raises `DataError` where there is none."""
    source = header_of(data).get("config")
    if not isinstance(source, dict):
        raise DataError(f'dataset "{data.root}": expected a generated one, with its config in dataset.json, got none')
    return source


def header_of(data: ImageSet) -> dict[str, Any]:
    """Return the content of a generated set's dataset.json: config, seed, classes; nothing for other sets.

    Raises:
        DataError: the file is damaged.
    """
    file = data.root / "dataset.json"
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise DataError(f'dataset "{data.root}": expected dataset.json to hold a mapping, got a damaged file')
    return content
