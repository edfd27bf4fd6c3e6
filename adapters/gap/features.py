"""How far apart two samples of feature rows are, by every measure at once, and which rows lie nearest and farthest."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simgen.adapters.gap.divergences import frechet_distance, neighbour_kl_bits
from simgen.adapters.gap.domains import FOLDS, DomainTest, domain_test
from simgen.adapters.gap.kernels import kernel_distance, mmd_test

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
NEIGHBOURS = 5


@dataclass(frozen=True)
class Distances:
    """How far apart two samples of features are.

    Attributes:
        mmd2: unbiased multi-kernel MMD squared, about 0 for equal laws.
        mmd_p_value: of that, by permutation.
        kernel_distance: KID, unbiased.
        frechet: squared Frechet distance of Gaussians; above 0 also for equal laws, the more so the fewer rows.
        kl_bits: KL(target || source) by nearest neighbours.
        domain: what a linear classifier makes of them.
    """

    mmd2: float
    mmd_p_value: float
    kernel_distance: float
    frechet: float
    kl_bits: float
    domain: DomainTest


@dataclass(frozen=True, eq=False)
class Rows:
    """Feature rows (n, d) and the picture (n,) that each is from."""

    values: Array
    image: Numbers

    def some(self, most: int, rng: Generator) -> "Rows":
        """Return at most `most` rows, drawn evenly, in their order."""
        if len(self.values) <= most:
            return self
        kept = np.sort(rng.permutation(len(self.values))[:most])
        return Rows(self.values[kept], self.image[kept])

    def halves(self, rng: Generator) -> "tuple[Rows, Rows]":
        """Return the rows of a random half of the pictures, and those of the others."""
        images = rng.permutation(np.unique(self.image))
        first = np.isin(self.image, images[: len(images) // 2])
        return Rows(self.values[first], self.image[first]), Rows(self.values[~first], self.image[~first])


def scaled(source: Rows, target: Rows) -> tuple[Rows, Rows]:
    """Return both with unit variance in each dimension of the pooled sample; constant dimensions are left out."""
    pooled = np.concatenate([source.values, target.values])
    deviation = pooled.std(axis=0)
    varied = deviation > 1e-9 * max(1.0, float(np.abs(pooled).max()))
    if not varied.any():
        nothing = [Rows(np.zeros((len(rows.values), 1)), rows.image) for rows in (source, target)]
        return nothing[0], nothing[1]
    mean, factor = pooled[:, varied].mean(axis=0), deviation[varied]
    a, b = (Rows((rows.values[:, varied] - mean) / factor, rows.image) for rows in (source, target))
    return a, b


def distances(source: Rows, target: Rows, rng: Generator) -> Distances:
    """Measure every distance of two samples, each from at least `FOLDS` pictures; the rows are scaled first."""
    a, b = scaled(source, target)
    kernel = mmd_test(a.values, b.values, rng)
    groups = np.concatenate([a.image, b.image + a.image.max() + 1])
    return Distances(
        kernel.mmd2,
        kernel.p_value,
        kernel_distance(a.values, b.values),
        frechet_distance(a.values, b.values),
        neighbour_kl_bits(a.values, b.values),
        domain_test(a.values, b.values, groups, int(rng.integers(2**31))),
    )


def comparable(source: Rows, target: Rows) -> bool:
    """Whether there is enough of both for `distances`: twice as many pictures as folds."""
    return min(len(np.unique(rows.image)) for rows in (source, target)) >= 2 * FOLDS


def remoteness(rows: Rows, others: Rows) -> Array:
    """Return the (n,) mean distances of rows to their `NEIGHBOURS` nearest rows of the other set."""
    k = min(NEIGHBOURS, len(others.values))
    found = cKDTree(others.values).query(rows.values, k)[0]
    return np.asarray(found.reshape(len(rows.values), k).mean(axis=1), float)
