"""Columns of a Parquet file as arrays: a column of lists x, or columns of numbers, and a column of labels y.

pyarrow is imported when a file arrives, so that nobody else needs it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError

_MISSING = "reading Parquet needs pyarrow, which is not installed: pip install pyarrow"


def read_parquet(path: Path, most_bytes: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return x (n, F) and y (n,), or None where there is no column y.

    Args:
        path: the file. Without a column of lists x, every column but y is a dimension, in the file's order.
        most_bytes: of its columns, uncompressed.

    Raises:
        DataError: pyarrow is missing, a damaged file, columns of other types, lists of several lengths.
    """
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise DataError(_MISSING) from None
    try:
        table = _table(path, most_bytes)
    except (pyarrow.ArrowException, OSError):
        raise DataError("cannot be read as a Parquet file; it may be truncated") from None
    columns = dict(zip(table.column_names, table.columns, strict=True))
    labels = columns.pop("y", None)
    lists = "x" in columns and _is_list(columns["x"].type)
    x = _of_lists(columns["x"]) if lists else _of_numbers(columns)
    return x, None if labels is None else _labels(labels)


def _table(path: Path, most_bytes: int) -> Any:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > most_bytes:
            raise DataError(f"expected at most {most_bytes:,} bytes of columns, got more")
        return file.read()


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _of_lists(column: Any) -> NDArray[Any]:
    """Return the (n, F) numbers of a column of lists."""
    from pyarrow import compute

    _require_numbers("x", column.type.value_type)
    _require_whole("x", column)
    lengths = np.asarray(compute.list_value_length(column).to_numpy())
    if not len(lengths):
        return np.zeros((0, 1))
    other = lengths != lengths[0]
    if other.any():
        row = int(other.argmax())
        raise DataError(
            f"row {row} of x (the first is row 0): expected {lengths[0]} numbers as in row 0, got {lengths[row]}"
        )
    values = compute.list_flatten(column).to_numpy()
    return np.asarray(values).reshape(len(lengths), int(lengths[0]))


def _of_numbers(columns: dict[str, Any]) -> NDArray[Any]:
    """Return the (n, F) numbers of F columns; missing values are no numbers (NaN)."""
    if not columns:
        raise DataError("expected a column of lists x, or columns of numbers, found none")
    for name, column in columns.items():
        _require_numbers(name, column.type)
    return np.column_stack([column.to_numpy() for column in columns.values()])


def _labels(column: Any) -> NDArray[Any]:
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    _require_whole("y", column)
    if types.is_integer(kind):
        return np.asarray(column.to_numpy())
    if types.is_string(kind) or types.is_large_string(kind):
        return np.array(column.to_pylist(), np.str_)
    raise DataError(f"expected y to hold integers or strings, got {kind}")


def _require_numbers(name: str, kind: Any) -> None:
    from pyarrow import types

    if not (types.is_integer(kind) or types.is_floating(kind)):
        raise DataError(f'column "{name}": expected numbers, got {kind}')


def _require_whole(name: str, column: Any) -> None:
    if column.null_count:
        row = int(np.asarray(column.is_null().to_numpy()).argmax())
        raise DataError(f"row {row} of {name} (the first is row 0): expected a value, got none")
