"""The folder of a generator's training: whose it is, and texts that are there whole or not at all."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simgen.errors import OutputError


def claim(folder: Path, identity: Mapping[str, Any]) -> None:
    """Take a folder for a run that is told by plain data, or find that it is that run's already.

    Raises:
        OutputError: it is a file, holds something else, or a run of another identity.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: expected a folder for the run, but it is a file")
    known = folder / "run.json"
    try:
        if known.is_file():
            there = json.loads(known.read_text("utf-8"))
            different = [key for key in identity if not isinstance(there, dict) or there.get(key) != identity[key]]
            if different:
                raise OutputError(f"{folder}: holds a run of another {different[0]}; choose another folder")
        elif folder.is_dir() and any(folder.iterdir()):
            raise OutputError(
                f"{folder}: expected an empty folder or one of a crop generator, but it holds other files"
            )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(known, json.dumps(identity, indent=1, sort_keys=True) + "\n")
    except ValueError:
        raise OutputError(f"{known}: cannot be read as the description of a run; choose another folder") from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None


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
