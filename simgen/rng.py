"""Random numbers: one independent stream per (seed, index, name), so that no randomizer disturbs another.

A sample is a pure function of (config, seed, index). Turning the lights off must not change the sampled masses,
so every randomizer draws from a generator keyed by its own name, and nothing draws from a global one.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, default_rng
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint32]


def stream(seed: int, index: int, name: str, attempt: int = 0) -> Generator:
    """Return the generator of one purpose in one sample.

    Args:
        seed: the dataset's seed, >= 0.
        index: the sample's index, >= 0.
        name: what the numbers are for, e.g. the randomizer's name in the config.
        attempt: 0 for the first draw; a scene that had to be drawn again uses 1, 2, ...
    """
    key = [seed, index, zlib.crc32(name.encode())]
    key = [*key, attempt] if attempt else key
    # Words of 32 bits, as numpy would take the list apart itself at a third more time.
    return default_rng(np.array(key, np.uint32) if max(key) < 2**32 else key)


def streams(seed: int, index: int, names: Sequence[str]) -> list[Generator]:
    """Return the generators that `stream` gives for some names; many at once take a fifth of the time.

    numpy's `SeedSequence` (O'Neill 2015), which `default_rng` seeds them with, is worked out for all names together.
    """
    if max(seed, index) >= 2**32 or len(names) < _FEW:
        return [stream(seed, index, name) for name in names]
    make: Any = PCG64  # takes more than numpy's types say
    return [Generator(make(_Known(words))) for words in _seeds(seed, index, _hashes(tuple(names)))]


_FEW = 6
"""So many generators are made one by one as fast."""


class _Known(ISeedSequence):
    """A sequence of seeds whose first words are known."""

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[np.uint64]:  # what PCG64 asks for
        assert n_words == len(self._words)
        assert dtype is np.uint64
        return self._words


@lru_cache(maxsize=64)
def _hashes(names: tuple[str, ...]) -> Words:
    return np.array([zlib.crc32(name.encode()) for name in names], np.uint32)


def _powers(start: int, factor: int, count: int) -> list[int]:
    """Return start, start * factor, start * factor^2, ... in 32 bits."""
    return [start * pow(factor, power, 2**32) & _MASK for power in range(count)]


_MASK = 2**32 - 1
_IN, _OUT = _powers(0x43B0D7E5, 0x931E8875, 17), _powers(0x8B51F9DD, 0x58F38DED, 9)
_KEEP, _TAKE = 0xCA01F9DD, 0x4973F715
_KEEPS, _TAKES, _BITS = (np.array(number, np.uint32) for number in (_KEEP, _TAKE, 16))
_IN_COLUMNS, _OUT_COLUMNS = (np.array(numbers, np.uint32)[:, None] for numbers in (_IN, _OUT))


def _seeds(seed: int, index: int, hashes: Words) -> NDArray[np.uint64]:
    """Return what `SeedSequence([seed, index, hash]).generate_state(4, np.uint64)` is for each of n hashes: (n, 4).

    Its pool has four words, of which each is mixed into all others in turn. Until the third, the hash's, is mixed in,
    the others are the same for all hashes, and plain numbers.
    """
    first, second, fourth = _hashed(seed, 0), _hashed(index, 1), _hashed(0, 3)
    to_second, to_third, to_fourth = (_hashed(first, number) for number in (4, 5, 6))
    second, fourth = _mixed_in(second, to_second), _mixed_in(fourth, to_fourth)
    third = _all_mixed_in(_all_hashed(hashes, _IN_COLUMNS[2:4]), np.array(_TAKE * to_third & _MASK, np.uint32))
    to_first, to_third, to_fourth = (_hashed(second, number) for number in (7, 8, 9))
    first, fourth = _mixed_in(first, to_first), _mixed_in(fourth, to_fourth)
    third = _all_mixed_in(third, np.array(_TAKE * to_third & _MASK, np.uint32))
    others = np.array([[first], [second], [fourth]], np.uint32)
    first, second, fourth = _all_mixed_in(others, _TAKES * _all_hashed(third, _IN_COLUMNS[10:14]))
    pool = np.concatenate([first, second, third[0]]).reshape(3, -1)
    pool = _all_mixed_in(pool, _TAKES * _all_hashed(fourth, _IN_COLUMNS[13:17]))
    words = _all_hashed(np.concatenate([pool, fourth[None], pool, fourth[None]]), _OUT_COLUMNS)
    return words.T.astype("<u4", order="C").view("<u8").astype(np.uint64, copy=False)


def _hashed(word: int, number: int) -> int:
    """Return the hash of a word; of the pool's sixteen hashes it is that of a number."""
    mixed = (word ^ _IN[number]) * _IN[number + 1] & _MASK
    return mixed ^ mixed >> 16


def _mixed_in(word: int, hashed: int) -> int:
    mixed = (_KEEP * word - _TAKE * hashed) & _MASK
    return mixed ^ mixed >> 16


def _all_hashed(words: Words, constants: Words) -> Words:
    mixed = (words ^ constants[:-1]) * constants[1:]
    return mixed ^ (mixed >> _BITS)


def _all_mixed_in(words: Words, taken: Words) -> Words:
    mixed = _KEEPS * words - taken
    return mixed ^ (mixed >> _BITS)


def uniforms(seeds: ArrayLike, count: int) -> NDArray[np.float64]:
    """Return (n, count) uniform numbers in [0, 1): a row for each of n seeds >= 0, and the same one whatever n is.

    SplitMix64 (Steele, Lea and Flood 2014), for many short rows: a generator for each takes far longer to make.
    """
    start = _mixed(np.asarray(seeds, np.uint64))[:, None]
    places = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((_mixed(start + places) >> np.uint64(11)) * 2.0**-53)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)), np.uint64)
