"""Precomputed vectors, e.g. embeddings of sentences, sounds or pictures: the reader of .npz and Parquet files.

    np.savez("train.npz", x=embeddings, y=labels)      # x (n, F) numbers; y (n,) integers or strings, or no y

Every row becomes a record of an `ImageSet` that holds its vector in a picture's place, and whose one object is of the
row's class: parts, evaluation and comparison are then those of pictures.
"""

import hashlib
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError, did_you_mean
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.formats.parquet import read_parquet
from simgen.samples import Annotation

MOST_BYTES = 8 * 2**30
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, MemoryError, SyntaxError)


@dataclass(frozen=True, eq=False)
class VectorRecord(ImageRecord):
    """One row of a set of vectors.

    Attributes:
        vector: (F,) float32; `size_wh` is (F, 1), and the object's box the whole of it.
    """

    vector: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def key(self) -> str:
        """The sha256 of the vector: rows have no names."""
        return hashlib.sha256(self.vector.tobytes()).hexdigest()

    def rgb(self) -> NDArray[np.uint8]:
        """Raise `DataError`: there is no picture."""
        raise DataError(
            f'vectors "{self.path.parent}": expected pictures, got vectors, which are for the task features'
        )

    def verify(self) -> None:
        """Do nothing: vectors are checked when they are read."""


def matches(path: Path) -> bool:
    """Whether a path looks like a file of vectors."""
    return path.is_file() and path.suffix in (".npz", ".parquet")


def read(path: Path) -> ImageSet:
    """Return the set of an .npz or Parquet file, its rows in their order; without labels it has no classes.

    Raises:
        DataError: a damaged file, one that holds Python objects, or what `vector_set` refuses.
    """
    try:
        if not path.is_file():
            raise DataError("expected an .npz or .parquet file, found none")
        x, y = _read_npz(path) if path.suffix == ".npz" else read_parquet(path, MOST_BYTES)
        return vector_set(x, y, path)
    except DataError as problem:
        raise DataError(f'vectors "{path}": {problem}') from None


def vector_set(x: NDArray[Any], y: NDArray[Any] | None = None, root: Path = Path("vectors")) -> ImageSet:
    """Return vectors in memory as a set.

    Args:
        x: (n, F) numbers; kept as float32.
        y: (n,) integers or strings, the labels; its sorted values, as text, are the classes.
        root: what the set is called.

    Raises:
        DataError: wrong dimensions or types, no row, a label that is empty, a number that is not finite.
    """
    rows = _finite_rows(x)
    classes, numbers = ((), ()) if y is None else _classes(y, len(rows))
    box = np.array([0.0, 0.0, rows.shape[1], 1.0])
    objects = [(Annotation(name, box),) for name in classes]
    records = (
        VectorRecord(
            root / f"row_{row:07d}",
            row + 1,
            (rows.shape[1], 1),
            objects[numbers[row]] if classes else (),
            masks=(None,) if classes else (),
            vector=vector,
        )
        for row, vector in enumerate(rows)
    )
    return ImageSet(root, classes, tuple(records))


def _read_npz(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in archive.infolist()}
        if "x" not in sizes:
            raise DataError(f"expected an array x of shape (rows, numbers), found none{did_you_mean('x', sizes)}")
        size = sizes["x"] + sizes.get("y", 0)
        if size > MOST_BYTES:
            raise DataError(f"expected at most {MOST_BYTES:,} bytes of x and y, got {size:,}")
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"] if "y" in sizes else None
    except _UNREADABLE as problem:
        if "pickle" in str(problem):
            raise DataError("refused, because it holds Python objects, which reading could execute") from None
        raise DataError("cannot be read as an .npz file; it may be truncated") from None


def _finite_rows(x: Any) -> NDArray[np.float32]:
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiu":
        raise DataError(f"expected x to hold numbers, got {getattr(x, 'dtype', 'something else')}")
    if x.ndim != 2 or not x.shape[1]:
        raise DataError(f"expected x to have the shape (rows, numbers), got {x.shape}")
    if not len(x):
        raise DataError("expected at least 1 row, got 0")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(x, np.float32)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        value = x[row][~np.isfinite(rows[row])][0]
        raise DataError(f"row {row} of x (the first is row 0): expected finite float32 numbers, got {value}")
    return rows


def _classes(y: Any, n: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the class names and the (n,) class numbers of labels."""
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "iuU":
        raise DataError(f"expected y to hold integers or strings, got {getattr(y, 'dtype', 'something else')}")
    if y.shape != (n,):
        raise DataError(f"expected y to hold one label for each of the {n} rows of x, got the shape {y.shape}")
    values, numbers = np.unique(y, return_inverse=True)
    names = tuple(str(value) for value in values.tolist())
    if "" in names:
        row = int((numbers == names.index("")).argmax())
        raise DataError(f"row {row} of y (the first is row 0): expected a label, got an empty text")
    return names, np.asarray(numbers, np.int64)
