"""The folder of a generator's training: whose it is, and its figures as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simgen.errors import OutputError
from simgen.runfile import read_json, require_same, write_json


def claim(folder: Path, identity: Mapping[str, Any]) -> None:
    """Take a folder for a run that is told by plain data, or find that it is that run's already.

    Raises:
        OutputError: it is a file, holds something else, or another run; the sentence names what is different.
    """
    require_own(folder)
    known = folder / "run.json"
    if known.is_file():
        require_same(folder, read_json(known), dict(identity))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(known, dict(identity))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None


def require_own(folder: Path) -> None:
    """Raise `OutputError` for a file, or a folder with other things in it than a run."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: expected a folder for the run, but it is a file")
    if folder.is_dir() and not (folder / "run.json").is_file() and any(folder.iterdir()):
        raise OutputError(f"{folder}: expected an empty folder or one of such a run, but it holds other files")


def table(rows: Sequence[Mapping[str, float]]) -> str:
    """Return rows as CSV; columns are all names in the order of their first row, numbers have 6 digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(f"{row[name]:.6g}" if name in row else "" for name in names) for row in rows]
    return "\n".join([",".join(names), *lines]) + "\n"
