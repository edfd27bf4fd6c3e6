import copy
import pickle  # noqa: TID251 (what is tested)

import numpy as np
import pytest

from simgen.rng import stream, streams, uniforms


def test_the_same_key_gives_the_same_numbers():
    assert stream(1, 2, "light").uniform() == stream(1, 2, "light").uniform()


def test_any_other_key_gives_other_numbers():
    keys = [(1, 2, "light", 0), (2, 2, "light", 0), (1, 3, "light", 0), (1, 2, "mass", 0), (1, 2, "light", 1)]
    assert len({stream(seed, index, name, attempt).uniform() for seed, index, name, attempt in keys}) == len(keys)


def test_a_row_of_uniform_numbers_depends_on_its_seed_alone():
    rows = uniforms([3, 4, 2**31 - 1], 50)
    np.testing.assert_array_equal(rows[1], uniforms([4], 50)[0])
    np.testing.assert_array_equal(rows[:, :20], uniforms([3, 4, 2**31 - 1], 20))


def test_uniform_numbers_are_spread_evenly_along_and_across_the_rows():
    numbers = uniforms(range(400), 400)
    assert 0 <= numbers.min() < 1e-4 < 1 - 1e-4 < numbers.max() < 1
    counts, _ = np.histogram(numbers, 20, (0, 1))
    assert np.abs(counts / counts.sum() - 0.05).max() < 0.002
    for shifted in (numbers[1:] * numbers[:-1], numbers[:, 1:] * numbers[:, :-1]):
        assert abs(shifted.mean() - 0.25) < 0.003


NAMES = [f"purpose.{number}" for number in range(40)]


@pytest.mark.parametrize(("seed", "index"), [(0, 0), (1, 2), (2**31 - 1, 10_000), (2**32 - 1, 2**32 - 1), (2**40, 3)])
@pytest.mark.parametrize("count", [0, 1, 5, 6, 40])
def test_streams_that_are_made_together_are_those_that_are_made_alone(seed, index, count):
    together = streams(seed, index, NAMES[:count])
    alone = [stream(seed, index, name) for name in NAMES[:count]]
    assert len(together) == count
    assert [rng.bit_generator.state for rng in together] == [rng.bit_generator.state for rng in alone]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda rng: pickle.loads(pickle.dumps(rng))])
def test_a_copy_of_one_of_many_streams_goes_on_where_it_was(copied):
    rng = streams(3, 4, NAMES)[7]
    rng.random(5)
    twin = copied(rng)
    np.testing.assert_array_equal(twin.random(5), rng.random(5))
