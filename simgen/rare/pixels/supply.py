"""Crops of a wish, drawn until enough have passed the gate."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.gate import Judge, Verdict
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.pixels.law import BOLDNESS

Floats = NDArray[np.float64]
MOST = 20
"""So many crops are drawn for each one that is wanted before the rest is given up."""
_LEAST_BATCH = 32


@dataclass(frozen=True, eq=False)
class Supply:
    """Crops that were let in.

    Attributes:
        crops: N of them, at most as many as were wanted.
        latents: (N, Z) that they come from.
        verdicts: on all that were drawn, also on those refused; empty without a gate.
    """

    crops: Crops
    latents: Floats
    verdicts: tuple[Verdict, ...]


def supply(
    generator: CropGenerator, wish: Wish, count: int, gate: Judge | None, rng: Generator, boldness: float = BOLDNESS
) -> Supply:
    """Return crops of a wish that the gate lets in: `count`, or fewer where `MOST` times as many draws had no more.

    Args:
        generator: draws them.
        wish: class and attributes. Of a crop that is to be placed, ask for a whole object (visible_fraction 0.95 to 1):
            what hides it stands in the scene, and `Placing.visible` says how much of it that may be.
        count: how many, at least 1.
        gate: judges them, or None to take all.
        rng: draws latents and attributes.
        boldness: 0 to 1, how far from training crops.

    Raises:
        DataError: an unknown class or attribute.
    """
    size = max(_LEAST_BATCH, count) if gate is not None else count
    kept: list[tuple[Crops, Floats]] = []
    verdicts: list[Verdict] = []
    found = drawn = 0
    while found < count and drawn < MOST * max(count, _LEAST_BATCH):
        crops, latents = generator.sample(wish, size, rng, boldness)
        chosen = np.arange(size)
        if gate is not None:
            judged = gate.judge(crops)
            verdicts += judged
            chosen = np.flatnonzero([verdict.accepted for verdict in judged])
        chosen = chosen[: count - found]
        kept.append((crops.take(chosen), latents[chosen]))
        found, drawn = found + len(chosen), drawn + size
    parts, rows = zip(*kept, strict=True)
    return Supply(Crops.joined(parts), np.concatenate(rows), tuple(verdicts))
