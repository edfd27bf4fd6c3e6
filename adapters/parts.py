"""Parts of an image set by the order of its file names."""

from simgen.errors import DataError
from simgen.formats.coco import CocoDataset


def part_of(data: CocoDataset, part: str) -> CocoDataset:
    """Return "all", "first:N" or "last:N" images in the order of their file names. Raises `DataError`."""
    kind, _, number = part.partition(":")
    if kind == "all" and not number:
        return data
    if kind not in ("first", "last") or not number.isdigit() or not 0 < int(number) <= len(data):
        raise DataError(f'split "{part}": expected "all", "first:N" or "last:N" with N from 1 to {len(data)}')
    count = int(number)
    return data.subset(range(count) if kind == "first" else range(len(data) - count, len(data)))
