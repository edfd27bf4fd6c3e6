"""Walks through a generator's latents: between examples, and from an example to another condition."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.errors import DataError, did_you_mean
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.generator import CropGenerator

Floats = NDArray[np.float64]
_PARALLEL = 1e-6


def lerp(a: Floats, b: Floats, share: Floats) -> Floats:
    """Return (1 - t) a + t b: rows (N, Z) and (N,) shares."""
    t = share[:, None]
    return np.asarray((1 - t) * a + t * b)


def slerp(a: Floats, b: Floats, share: Floats) -> Floats:
    """Return the points along the great circle from a to b: rows (N, Z) and (N,) shares.

    Gaussian vectors of many dimensions lie near a sphere, and a straight line leaves it: White 2016, "Sampling
    Generative Networks", arXiv:1609.04468, section 2.1. Rows that are parallel, opposite or 0 go straight.
    """
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.clip((a * b).sum(1) / np.maximum(lengths, 1e-12), -1, 1)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    straight = (sine < _PARALLEL) | (lengths < 1e-12)
    safe = np.where(straight, 1.0, sine)
    first, second = np.sin((1 - share) * angle) / safe, np.sin(share * angle) / safe
    return np.where(straight[:, None], lerp(a, b, share), first[:, None] * a + second[:, None] * b)


def interpolated(generator: CropGenerator, crops: Crops, pair: tuple[int, int], shares: Sequence[float]) -> Crops:
    """Return crops on the way from one example to another of its class; attributes and scale go along.

    Args:
        generator: encodes and decodes.
        crops: the examples.
        pair: numbers of the two.
        shares: how far along, 0 to 1.

    Raises:
        DataError: the two are of different classes, there are no such crops, a share outside 0 to 1, or the
            generator's crops are others.
    """
    t = np.asarray(shares, np.float64)
    if not all(0 <= number < len(crops) for number in pair):
        raise DataError(f"interpolation: expected numbers of two of {len(crops)} crops, got {pair[0]} and {pair[1]}")
    if not ((t >= 0) & (t <= 1)).all():
        raise DataError(f"interpolation: expected shares from 0 to 1, got {', '.join(map('{:g}'.format, t))}")
    if crops.labels[pair[0]] != crops.labels[pair[1]]:
        names = [crops.classes[int(crops.labels[k])] for k in pair]
        raise DataError(
            f"interpolation: expected two crops of one class, got {names[0]} and {names[1]}: "
            "what lies between classes has none"
        )
    first, second = (crops.take([k] * len(t)) for k in pair)
    return _between(generator, first, second, t)[0]


def interpolations(generator: CropGenerator, crops: Crops, count: int, rng: Generator) -> tuple[Crops, Floats]:
    """Return new crops between random pairs of examples of one class each, and their (count, Z) latents.

    Args:
        generator: encodes and decodes.
        crops: the rare examples; a class with a single one is left out.
        count: how many.
        rng: draws pairs, and the shares evenly from 0.2 to 0.8, away from the examples.

    Raises:
        DataError: no class has two examples.
    """
    counts = np.bincount(crops.labels, minlength=len(crops.classes))
    usable = np.flatnonzero(counts[crops.labels] >= 2)
    if not len(usable):
        raise DataError(
            "interpolation: expected two crops of one class, got at most one of each; simulate these instead"
        )
    first = rng.choice(usable, count)
    second = np.empty(count, np.int64)
    for k, row in enumerate(first):
        others = np.flatnonzero((crops.labels == crops.labels[row]) & (np.arange(len(crops)) != row))
        second[k] = rng.choice(others)
    return _between(generator, crops.take(first), crops.take(second), rng.uniform(0.2, 0.8, count))


def edited(generator: CropGenerator, crops: Crops, changes: Mapping[str, float]) -> Crops:
    """Return the crops as they would be with other attributes: encoded as they are, decoded under the new condition.

    Raises:
        DataError: an unknown attribute, a value that is no number, or crops that are not the generator's.
    """
    attributes = crops.attributes.copy()
    for name, value in changes.items():
        if name not in crops.names:
            raise DataError(f'crop generator: unknown attribute "{name}"{did_you_mean(name, crops.names)}')
        if not np.isfinite(value):
            raise DataError(f"crop generator: {name}: expected a finite number, got {value:g}")
        attributes[:, crops.names.index(name)] = value
    rgba = generator.decode(generator.encode(crops), crops.labels, attributes)
    sources = tuple(f"{source} edited" for source in crops.sources)
    return replace(crops, rgba=rgba, attributes=attributes, sources=sources)


def _between(generator: CropGenerator, first: Crops, second: Crops, share: Floats) -> tuple[Crops, Floats]:
    mean = generator.law.centres.double().numpy()[first.labels]
    latents = mean + slerp(generator.encode(first) - mean, generator.encode(second) - mean, share)
    attributes = lerp(first.attributes, second.attributes, share)
    sources = tuple(f"{a} to {b} at {t:.3f}" for a, b, t in zip(first.sources, second.sources, share, strict=True))
    made = replace(
        first,
        rgba=generator.decode(latents, first.labels, attributes),
        attributes=attributes,
        side_px=(1 - share) * first.side_px + share * second.side_px,
        side_m=(1 - share) * first.side_m + share * second.side_m,
        sources=sources,
    )
    return made, latents
