"""Bins as people write them: `class x visible_fraction:0.2,0.5,0.8`, or a YAML file of such grids."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from simgen.errors import ConfigError
from simgen.rare.attributes import require_attribute
from simgen.rare.cells import Bins, Grid
from simgen.registry import validate

DEFAULT_BINS = (
    "class x visible_fraction:0.3,0.6,0.9",
    "class x truncated:whole,cut x size_px:16,32,64,128",
    "class x image_luma:60,100,180",
    "class x object_luma:40,80,160",
    "class x view_tilt_deg:15,30",
    "class x touching_same_class:1",
)
MOST_CELLS = 2000


def read_bins(given: Sequence[str]) -> list[Grid]:
    """Return the grids of texts and of YAML files, which hold a list of mappings.

    A mapping's keys are attributes; its values are lists of edges or of categories, or null for all that occur:
    `- {class: null, visible_fraction: [0.2, 0.5, 0.8]}`.

    Raises:
        ConfigError: unknown attribute, edges that do not rise, a missing or malformed file.
    """
    grids: list[Grid] = []
    for text in given:
        grids += _of_file(Path(text)) if text.endswith((".yaml", ".yml")) else [_of_text(text)]
    return grids


def _of_text(text: str) -> Grid:
    where = f'--bins "{text}"'
    parts = [part.strip() for part in text.split(" x ")]
    axes = []
    for part in parts:
        name, colon, values = part.partition(":")
        listed = [value.strip() for value in values.split(",")] if colon else []
        axes.append((name.strip(), [_number(value) for value in listed]))
    return _grid(axes, where)


def _of_file(file: Path) -> list[Grid]:
    where = f'--bins "{file}"'
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{where}: expected YAML, got {getattr(error, 'problem', None) or 'none'}") from None
    if not isinstance(content, list) or not content or not all(isinstance(entry, dict) and entry for entry in content):
        raise ConfigError(f"{where}: expected a list of mappings from attributes to edges, got {content!r:.60}")
    return [_grid([(str(name), values or []) for name, values in entry.items()], where) for entry in content]


def _grid(axes: Sequence[tuple[str, Any]], where: str) -> Grid:
    grid = []
    for name, values in axes:
        require_attribute(name, where)
        if not isinstance(values, list):
            raise ConfigError(f"{where}: {name}: expected a list of edges or categories, got {values!r:.60}")
        kind = "among" if values and all(isinstance(value, str) for value in values) else "edges"
        grid.append(validate(Bins, {"attribute": name, kind: tuple(values)}, where))
    names = [bins.attribute for bins in grid]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f'{where}: expected each attribute once, got "{name}" again')
    return tuple(grid)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
