"""Random numbers: one independent stream per (seed, index, name), so that no randomizer disturbs another.

A sample is a pure function of (config, seed, index). Turning the lights off must not change the sampled masses,
so every randomizer draws from a generator keyed by its own name, and nothing draws from a global one.
"""

import zlib

from numpy.random import Generator, default_rng


def stream(seed: int, index: int, name: str, attempt: int = 0) -> Generator:
    """Return the generator of one purpose in one sample.

    Args:
        seed: the dataset's seed, >= 0.
        index: the sample's index, >= 0.
        name: what the numbers are for, e.g. the randomizer's name in the config.
        attempt: 0 for the first draw; a scene that had to be drawn again uses 1, 2, ...
    """
    key = [seed, index, zlib.crc32(name.encode())]
    return default_rng([*key, attempt] if attempt else key)
