"""Files of plain data and tensors: written whole or not at all, and read without running anything."""

import pickle  # noqa: TID251  (only to name the error that torch raises for a file that holds code)
import zipfile
from pathlib import Path
from typing import Any

import torch

from simgen.errors import CheckpointError


def write_plain(path: Path, content: dict[str, Any]) -> None:
    """Write a file in one move: a killed run leaves the old file or the new one."""
    partial = path.with_name(path.name + ".part")
    torch.save(content, partial)
    partial.replace(path)


def read_plain(path: Path, what: str = "file") -> Any:
    """Read a file, called `what` in messages.

    Raises:
        CheckpointError: missing, truncated, or holds more than plain data and tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such {what}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(f"{path}: refused, because it holds more than plain data and weights") from None
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, zipfile.BadZipFile):
        raise CheckpointError(f"{path}: cannot be read as a torch file; it may be truncated") from None
