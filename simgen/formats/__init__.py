"""Datasets on disk: one file a format; of our own the writer and reader side by side, tested as a pair."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simgen.errors import ConfigError, DataError, did_you_mean
from simgen.formats import imagefolder, vectors, voc, yolo
from simgen.formats.coco import CocoDataset, CocoWriter
from simgen.formats.imageset import ImageSet
from simgen.samples import Sample


class Format(Protocol):
    """Writes samples."""

    def write(self, sample: Sample) -> None:
        """Write one sample; when this returns, the sample is complete on disk."""
        ...

    def close(self) -> None:
        """Write what spans samples; may be called again after more were written."""
        ...


@dataclass(frozen=True)
class Reader:
    """Reads labelled image sets of one format.

    Attributes:
        layout: what lies in such a set, for people.
        matches: whether a path looks like one.
        read: returns it, or raises `DataError`.
    """

    layout: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], ImageSet]


def read_images(path: Path, kind: str | None = None) -> ImageSet:
    """Return the labelled image set at a path.

    Args:
        path: a folder, or the file that describes the set.
        kind: a key of `READERS`; default: the first whose layout is found there.

    Raises:
        ConfigError: an unknown format.
        DataError: nothing known lies there, or the set has a mistake.
    """
    if kind is not None:
        if kind not in READERS:
            raise ConfigError(f'--format: unknown format "{kind}"{did_you_mean(kind, READERS)}')
        return READERS[kind].read(path)
    for reader in READERS.values():
        if reader.matches(path):
            return reader.read(path)
    layouts = "; ".join(f"{name}: {reader.layout}" for name, reader in READERS.items())
    raise DataError(f'image set "{path}": expected one of the known layouts ({layouts}), found none of them')


FORMATS: dict[str, Any] = {"coco": CocoWriter}

READERS: dict[str, Reader] = {
    "coco": Reader("annotations.json", CocoDataset.matches, CocoDataset.read),
    "yolo": Reader("data.yaml", yolo.matches, yolo.read),
    "voc": Reader("Annotations/*.xml", voc.matches, voc.read),
    "imagefolder": Reader("a folder of images for each class", imagefolder.matches, imagefolder.read),
    "vectors": Reader("an .npz or .parquet file", vectors.matches, vectors.read),
}

__all__ = ["FORMATS", "READERS", "Format", "ImageSet", "Reader", "read_images"]
