"""What a folder says of the run that it holds, as plain data: read, written in one move, compared."""

import json
from pathlib import Path
from typing import Any

from simgen.errors import OutputError

_DIGEST = 32
"""Texts that are as long, or longer, are digests: of these is said only that they differ."""


def read_json(path: Path) -> dict[str, Any]:
    """Return a run's description. Raises `OutputError` where it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise OutputError(f"{path}: cannot be read as the description of a run; choose another folder")
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a run's description in one move."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file in one move."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, "utf-8")
    partial.replace(path)


def first_difference(there: Any, here: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Return the dotted name of the first value that differs, in the order of `here`, and both values."""
    if not (isinstance(there, dict) and isinstance(here, dict)):
        return None if there == here else (name, there, here)
    for key in (*here, *(key for key in there if key not in here)):
        found = first_difference(there.get(key), here.get(key), f"{name}.{key}".strip("."))
        if found:
            return found
    return None


def require_same(folder: Path, there: dict[str, Any], here: dict[str, Any], what: str = "run") -> None:
    """Raise `OutputError` where a folder holds another run: the sentence names the first thing that differs.

    Args:
        folder: of the run.
        there: its description, as it was read.
        here: the description of the run that wants it.
        what: that it is called.
    """
    different = first_difference(there, json.loads(json.dumps(here)))
    if different is None:
        return
    name, (old, new) = different[0].removeprefix("config."), different[1:]
    hidden = any(isinstance(value, str) and len(value) >= _DIGEST for value in (old, new))
    text = f"its {name} is another" if hidden else f"{name} is {old!r:.60} there and {new!r:.60} here"
    raise OutputError(f"{folder}: holds a {what} of another configuration ({text}); choose another folder")
