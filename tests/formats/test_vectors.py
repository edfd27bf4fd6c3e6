"""Files of vectors, good and bad: the sentences that a user gets."""

import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simgen.errors import DataError
from simgen.formats import read_images
from simgen.formats.vectors import VectorRecord, vector_set

X = np.arange(12.0).reshape(4, 3)
Y = np.array(["cat", "dog", "cat", "bee"])


def _npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_images(path)
    sentence = str(error.value)
    assert sentence.startswith(f'vectors "{path}": ')
    assert "\n" not in sentence
    return sentence.removeprefix(f'vectors "{path}": ')


def test_rows_and_labels_come_back_in_their_order(tmp_path: Path):
    data = read_images(_npz(tmp_path / "a.npz", x=X, y=Y, other=np.zeros(3)))
    assert data.classes == ("bee", "cat", "dog")
    assert [r.annotations[0].class_name for r in data.records] == list(Y)
    rows = np.stack([r.vector for r in data.records if isinstance(r, VectorRecord)])
    assert rows.dtype == np.float32
    assert (rows == X).all()
    assert [r.image_id for r in data.records] == [1, 2, 3, 4]
    data.verify()


def test_whole_numbers_are_classes_in_their_order_and_a_file_may_lack_labels(tmp_path: Path):
    assert vector_set(X, np.array([10, 9, -1, 10])).classes == ("-1", "9", "10")
    bare = read_images(_npz(tmp_path / "a.npz", x=X.astype(np.int8)))
    assert (bare.classes, len(bare)) == ((), 4)
    assert all(not r.annotations for r in bare.records)


def test_vectors_tell_themselves_apart_by_content_and_are_no_pictures():
    same, other = vector_set(X), vector_set(X + np.eye(4)[:, 1:] * 1e-3)
    pairs = zip(vector_set(X).records, same.records, strict=True)
    assert all(a.key == b.key for a, b in pairs)
    assert [a.key == b.key for a, b in zip(same.records, other.records, strict=True)] == [True, False, False, False]
    with pytest.raises(DataError, match="expected pictures, got vectors, which are for the task features"):
        same.records[0].rgb()


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"features": X}, "expected an array x of shape (rows, numbers), found none (known: features)"),
        ({"x": X[0]}, "expected x to have the shape (rows, numbers), got (3,)"),
        ({"x": X[None]}, "expected x to have the shape (rows, numbers), got (1, 4, 3)"),
        ({"x": np.zeros((3, 0))}, "expected x to have the shape (rows, numbers), got (3, 0)"),
        ({"x": X[:0]}, "expected at least 1 row, got 0"),
        ({"x": X.astype(str)}, "expected x to hold numbers, got <U32"),
        ({"x": X.astype(object)}, "refused, because it holds Python objects, which reading could execute"),
        ({"x": X, "y": Y.astype(object)}, "refused, because it holds Python objects, which reading could execute"),
        ({"x": X, "y": Y[:3]}, "expected y to hold one label for each of the 4 rows of x, got the shape (3,)"),
        ({"x": X, "y": X}, "expected y to hold integers or strings, got float64"),
        ({"x": X, "y": np.array(["a", "b", "", "c"])}, "row 2 of y (the first is row 0): expected a label, got"),
        (
            {"x": np.where(X == 7, np.nan, X)},
            "row 2 of x (the first is row 0): expected finite float32 numbers, got nan",
        ),
        ({"x": np.where(X == 4, -np.inf, X)}, "row 1 of x (the first is row 0): expected finite float32 numbers, got"),
        ({"x": np.where(X == 4, 1e300, X)}, "expected finite float32 numbers, got 1e+300"),
    ],
)
def test_what_is_wrong_with_the_arrays_is_said(arrays: dict[str, Any], sentence: str, tmp_path: Path):
    assert sentence in _refused(_npz(tmp_path / "a.npz", **arrays))


def test_a_file_that_is_cut_short_or_of_another_kind(tmp_path: Path):
    path = _npz(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(50, 40)))
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x80\x04N.", np.array([1.0]).tobytes()):
        path.write_bytes(content)
        assert _refused(path) == "cannot be read as an .npz file; it may be truncated"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"text")
    assert _refused(path) == "expected x to hold numbers, got something else"


def test_a_file_that_would_fill_the_memory_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("simgen.formats.vectors.MOST_BYTES", 2**20)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros((2**10, 2**8)))
    assert path.stat().st_size < 2**15
    assert _refused(path) == "expected at most 1,048,576 bytes of x and y, got 2,097,280"


def test_parquet_without_pyarrow_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    sentence = "reading Parquet needs pyarrow, which is not installed: pip install pyarrow"
    assert _refused(tmp_path / "a.parquet") == sentence


class TestParquet:
    """Needs pyarrow, which no extra but [parquet] brings."""

    @pytest.fixture
    def write(self, tmp_path: Path) -> Any:
        pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow (pip install pyarrow)")
        parquet = pytest.importorskip("pyarrow.parquet")

        def write(columns: dict[str, Any], types: dict[str, Any] | None = None) -> Path:
            arrays = {name: pyarrow.array(v, (types or {}).get(name)) for name, v in columns.items()}
            parquet.write_table(pyarrow.table(arrays), tmp_path / "a.parquet", row_group_size=2)
            return tmp_path / "a.parquet"

        return write

    @pytest.mark.parametrize("kind", ["list", "fixed", "columns"])
    def test_every_layout_gives_the_same_set(self, kind: str, write: Any):
        import pyarrow

        columns = {f"d{k}": X[:, k] for k in range(3)} if kind == "columns" else {"x": X.tolist()}
        fixed = {"x": pyarrow.list_(pyarrow.float32(), 3)} if kind == "fixed" else {}
        data = read_images(write({"y": list(Y), **columns}, fixed))
        expected = vector_set(X, Y)
        assert data.classes == expected.classes
        assert [r.key for r in data.records] == [r.key for r in expected.records]
        names = [[r.annotations[0].class_name for r in s.records] for s in (data, expected)]
        assert names[0] == names[1]

    def test_labels_may_be_missing_whole_numbers_or_a_dictionary(self, write: Any):
        import pyarrow

        assert read_images(write({"x": X.tolist()})).classes == ()
        assert read_images(write({"x": X.tolist(), "y": [3, 1, 3, 10]})).classes == ("1", "3", "10")
        kinds = {"y": pyarrow.dictionary(pyarrow.int8(), pyarrow.string())}
        assert read_images(write({"x": X.tolist(), "y": list(Y)}, kinds)).classes == ("bee", "cat", "dog")

    @pytest.mark.parametrize(
        ("columns", "sentence"),
        [
            ({"x": [[1.0, 2.0], [3.0]]}, "row 1 of x (the first is row 0): expected 2 numbers as in row 0, got 1"),
            ({"x": [[1.0], None]}, "row 1 of x (the first is row 0): expected a value, got none"),
            ({"x": [[1.0, None], [1.0, 2.0]]}, "row 0 of x (the first is row 0): expected finite float32 numbers, got"),
            ({"x": [["a"], ["b"]]}, 'column "x": expected numbers, got string'),
            ({"d": [1.0, None]}, "row 1 of x (the first is row 0): expected finite float32 numbers, got nan"),
            ({"d": [1.0], "name": ["a"]}, 'column "name": expected numbers, got string'),
            ({"y": ["a"]}, "expected a column of lists x, or columns of numbers, found none"),
            ({"d": [1.0], "y": [0.5]}, "expected y to hold integers or strings, got double"),
            ({"d": [1.0, 2.0], "y": ["a", None]}, "row 1 of y (the first is row 0): expected a value, got none"),
        ],
    )
    def test_what_is_wrong_with_the_columns_is_said(self, columns: dict[str, Any], sentence: str, write: Any):
        assert sentence in _refused(write(columns))

    def test_a_file_that_is_cut_short(self, write: Any):
        path = write({"x": X.tolist()})
        path.write_bytes(path.read_bytes()[:-20])
        assert _refused(path) == "cannot be read as a Parquet file; it may be truncated"


def test_a_folder_is_no_file_of_vectors(tmp_path: Path):
    with pytest.raises(DataError, match=re.escape(f'vectors "{tmp_path}": expected an .npz or .parquet file')):
        read_images(tmp_path, "vectors")
