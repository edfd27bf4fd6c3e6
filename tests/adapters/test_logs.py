from pathlib import Path

import numpy as np

from simgen.adapters.logs import read_log, thinned
from simgen.adapters.runs import Table


def test_what_a_run_writes_is_read_back(tmp_path: Path):
    table = Table(tmp_path / "losses.csv", 0)
    for step, loss in ((1, 2.5), (2, 1.25)):
        table.add({"step": step, "loss": loss, "threshold": "", "note": "x"})
    found = read_log(tmp_path / "losses.csv")
    assert list(found) == ["step", "loss"]
    np.testing.assert_array_equal(found["step"], [1, 2])
    np.testing.assert_array_equal(found["loss"], [2.5, 1.25])


def test_an_unfinished_row_is_left_out_and_a_missing_file_is_empty(tmp_path: Path):
    (tmp_path / "losses.csv").write_text("step,loss\n1,2.5\n2")
    np.testing.assert_array_equal(read_log(tmp_path / "losses.csv")["step"], [1])
    (tmp_path / "none.csv").write_text("")
    assert read_log(tmp_path / "none.csv") == {}
    assert read_log(tmp_path / "missing.csv") == {}


def test_thinning_takes_means_of_neighbours():
    steps, values = np.arange(1.0, 101), np.arange(1.0, 101) ** 2
    x, y = thinned(steps, values, 10)
    np.testing.assert_allclose(x, np.arange(5.5, 100, 10))
    np.testing.assert_allclose(y, values.reshape(10, 10).mean(axis=1))
    np.testing.assert_array_equal(thinned(steps[:3], values[:3], 10), [[1, 2, 3], [1, 4, 9]])
    assert thinned(steps[:0], values[:0], 10).shape == (2, 0)
