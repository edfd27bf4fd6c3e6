"""Parts of an image set by name, or by the order of its file names."""

from simgen.errors import DataError
from simgen.formats.imageset import ImageSet


def part_of(data: ImageSet, part: str) -> ImageSet:
    """Return some of the images, in the order of their file names.

    Args:
        data: the set.
        part: "all", "first:N", "last:N", or a part that the set names, e.g. "val".

    Raises:
        DataError: there is no such part.
    """
    kind, _, number = part.partition(":")
    if part == "all":
        return data
    named = sorted({name for record in data.records for name in record.parts})
    if part in named:
        return data.subset(i for i, record in enumerate(data.records) if part in record.parts)
    if kind not in ("first", "last") or not number.isdigit() or not 0 < int(number) <= len(data):
        parts = "".join(f', "{name}"' for name in named)
        raise DataError(f'split "{part}": expected "all"{parts}, "first:N" or "last:N" with N from 1 to {len(data)}')
    count = int(number)
    return data.subset(range(count) if kind == "first" else range(len(data) - count, len(data)))
