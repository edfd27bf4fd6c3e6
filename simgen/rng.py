"""Random numbers: one independent stream per (seed, index, name), so that no randomizer disturbs another.

A sample is a pure function of (config, seed, index). Turning the lights off must not change the sampled masses,
so every randomizer draws from a generator keyed by its own name, and nothing draws from a global one.
"""

import zlib

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import ArrayLike, NDArray


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
