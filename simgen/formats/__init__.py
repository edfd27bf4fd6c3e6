"""Datasets on disk: one file a format, writer and reader side by side, tested as a pair."""

from typing import Any, Protocol

from simgen.formats.coco import CocoWriter
from simgen.samples import Sample


class Format(Protocol):
    """Writes samples."""

    def write(self, sample: Sample) -> None:
        """Write one sample; when this returns, the sample is complete on disk."""
        ...

    def close(self) -> None:
        """Write what spans samples; may be called again after more were written."""
        ...


FORMATS: dict[str, Any] = {"coco": CocoWriter}

__all__ = ["FORMATS", "Format"]
