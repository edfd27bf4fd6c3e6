"""The folder of a generator's training: whose it is, and texts that are there whole or not at all."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simgen.errors import OutputError

_DIGEST = 32
"""Texts of a run's description that are longer are digests."""


def claim(folder: Path, identity: Mapping[str, Any]) -> None:
    """Take a folder for a run that is told by plain data, or find that it is that run's already.

    Raises:
        OutputError: it is a file, holds something else, or another run; the sentence names what is different.
    """
    require_own(folder)
    known = folder / "run.json"
    try:
        if known.is_file():
            _require_same(folder, json.loads(known.read_text("utf-8")), json.loads(json.dumps(identity)))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(known, json.dumps(identity, indent=1, sort_keys=True) + "\n")
    except ValueError:
        raise OutputError(f"{known}: cannot be read as the description of a run; choose another folder") from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None


def require_own(folder: Path) -> None:
    """Raise `OutputError` for a file, or a folder with other things in it than a run."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: expected a folder for the run, but it is a file")
    if folder.is_dir() and not (folder / "run.json").is_file() and any(folder.iterdir()):
        raise OutputError(f"{folder}: expected an empty folder or one of such a run, but it holds other files")


def _require_same(folder: Path, there: Any, here: Any) -> None:
    different = _first_difference(there, here, "")
    if different:
        raise OutputError(f"{folder}: holds another run ({_text(*different)}); choose another folder")


def _text(name: str, there: Any, here: Any) -> str:
    """Say what differs; of digests only that they do."""
    if any(isinstance(value, str) and len(value) >= _DIGEST for value in (there, here)):
        return f"of other {name}"
    return f"{name} is {there!r:.60} there and {here!r:.60} here"


def _first_difference(there: Any, here: Any, name: str) -> tuple[str, Any, Any] | None:
    """Return the dotted name of the first value that differs, without "config.", and both values."""
    if not (isinstance(there, dict) and isinstance(here, dict)):
        return None if there == here else (name.removeprefix("config."), there, here)
    for key in (*here, *(key for key in there if key not in here)):
        found = _first_difference(there.get(key), here.get(key), f"{name}.{key}".strip("."))
        if found:
            return found
    return None


def write_text(path: Path, text: str) -> None:
    """Write a file in one move."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, "utf-8")
    partial.replace(path)


def table(rows: Sequence[Mapping[str, float]]) -> str:
    """Return rows as CSV; columns are all names in the order of their first row, numbers have 6 digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(f"{row[name]:.6g}" if name in row else "" for name in names) for row in rows]
    return "\n".join([",".join(names), *lines]) + "\n"
