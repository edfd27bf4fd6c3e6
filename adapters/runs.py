"""The folder of a training run: whose it is, its loss history, and where it stopped.

- run.json: the configuration and fingerprints of the data; another configuration never writes here
- last.ckpt: everything needed to go on
- losses.csv: one row a step
- validation.csv: one row a validation
- model.pt: the result; its existence means that the run is finished
- good.pt: of a run that diverged, the model of its last checkpoint
"""

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simgen.adapters.settings import TrainConfig
from simgen.errors import OutputError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.runfile import read_json, require_same, write_json

FORMAT = "simgen-run/2"


class RunFolder:
    """Opens the folder for a run, or refuses.

    Args:
        folder: made where it does not exist.
        config: of the run.
        data: fingerprints of what it learns from, by name.

    Raises:
        OutputError: the folder holds something else, or a run of another configuration.
    """

    def __init__(self, folder: Path, config: TrainConfig, data: Mapping[str, str]) -> None:
        self.folder = folder
        identity = {"format": FORMAT, "data": dict(data), "config": identifying(config)}
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder}: expected a folder for the run, but it is a file")
        known = folder / "run.json"
        if known.is_file():
            require_same(folder, read_json(known), identity)
        elif folder.is_dir() and any(folder.iterdir()):
            raise OutputError(f"{folder}: expected an empty folder or one of simgen train, but it holds other files")
        else:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                write_json(known, identity)
            except OSError as error:
                raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None

    @property
    def model(self) -> Path:
        return self.folder / "model.pt"

    @property
    def good(self) -> Path:
        """The model of the last good checkpoint of a run that diverged."""
        return self.folder / "good.pt"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "last.ckpt"


class Table:
    """A CSV file that grows by rows with a `step`; opened again at a step, later rows are dropped."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._columns: list[str] = []
        if path.is_file():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if _step_of(row) <= step]
            path.unlink()
            for row in rows:
                self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row; the first one names the columns."""
        new = not self._columns
        self._columns = self._columns or list(row)
        with self._path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self._columns, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)


def identifying(config: TrainConfig) -> dict[str, Any]:
    """Return what of the configuration decides the result: of the runtime, precision and devices do."""
    content = asdict(config)
    content["precision"] = content.pop("runtime")["precision"]
    if config.runtime.devices > 1:
        content["devices"] = config.runtime.devices
    if not config.stop.patience:
        del content["stop"]
    if config.selection.kind == "last":
        del content["selection"]
    if not config.view.turned:
        del content["view"]["turned"]
    return content


def fingerprint(data: ImageSet) -> str:
    """Return the sha256 of a set's classes, file names (of vectors their content), boxes, class names and masks."""
    records = [
        [r.key, [[a.class_name, *(round(float(v), 3) for v in a.box_xyxy)] for a in r.annotations], *_masks(r)]
        for r in data.records
    ]
    return hashlib.sha256(json.dumps([list(data.classes), records]).encode()).hexdigest()


def _masks(record: ImageRecord) -> list[Any]:
    """Return the masks of a record in one list, as its file has them; none where it has none."""
    return [list(record.masks)] if any(mask is not None for mask in record.masks) else []


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _step_of(row: Mapping[str, str]) -> int:
    try:
        return int(row["step"])
    except (KeyError, TypeError, ValueError):
        return 2**62  # a row that was cut short by the end of the process
