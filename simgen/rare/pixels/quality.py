"""How good generated crops are, from feature rows: (n, D) float64 of real and (m, D) of generated ones.

Every figure is of samples and depends on their sizes: compare generators by equal numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import linalg

from simgen.errors import DataError
from simgen.rare.density import NEIGHBOURS, covered, distances_to, own_distances

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """How generated crops compare with real ones.

    Attributes:
        kid: kernel distance, unbiased, about 0 for equal laws; may be negative.
        kid_error: its standard error, over blocks.
        fid: Frechet distance of Gaussians, above 0 also for equal laws.
        precision: share of the generated inside the real ones' support.
        recall: share of the real inside the generated ones' support.
        density: as precision, counting how many real neighbourhoods hold each; 1 for equal laws, may be more.
        coverage: share of the real ones' neighbourhoods with a generated one in it.
    """

    kid: float
    kid_error: float
    fid: float
    precision: float
    recall: float
    density: float
    coverage: float


def quality(real: Floats, made: Floats, rng: Generator, neighbours: int = NEIGHBOURS) -> Quality:
    """Return all figures of (n, D) real and (m, D) generated rows.

    Raises:
        DataError: fewer than neighbours + 1 rows of either.
    """
    _require(real, made, neighbours)
    kid, error = kid_blocks(real, made, rng)
    precision, recall = precision_recall(real, made, neighbours)
    density, coverage = density_coverage(real, made, neighbours)
    return Quality(kid, error, fid(real, made), precision, recall, density, coverage)


def kid(real: Floats, made: Floats) -> float:
    """Return the unbiased squared MMD under the kernel (x.y / D + 1)^3, of whole samples.

    Source: Binkowski et al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, section 4.
    """
    xx, yy, xy = (_cubic(a, b) for a, b in ((real, real), (made, made), (real, made)))
    return _within(xx, np.ones(len(real))) + _within(yy, np.ones(len(made))) - 2 * float(xy.mean())


def kid_blocks(real: Floats, made: Floats, rng: Generator, blocks: int = 10) -> tuple[float, float]:
    """Return the mean of KID over disjoint blocks of shuffled rows, and that mean's standard error.

    The mean over blocks is unbiased as the whole's; the error is NaN where fewer than two blocks of 10 rows fit.
    """
    blocks = min(blocks, len(real) // 10, len(made) // 10)
    if blocks < 2:
        return kid(real, made), float("nan")
    parts = (np.array_split(rows[rng.permutation(len(rows))], blocks) for rows in (real, made))
    values = [kid(x, y) for x, y in zip(*parts, strict=True)]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(blocks))


def kid_difference(
    real: Floats, first: Floats, second: Floats, rng: Generator, draws: int = 300
) -> tuple[float, float]:
    """Return KID of the second generator's rows minus that of the first's, and the difference's standard error.

    Both are compared with the same real rows, whose own term cancels: the difference is surer than either figure.
    The error is a bootstrap's over the rows of all three samples; a row is never paired with itself.
    """
    samples = (real, first, second)
    own = [_cubic(made, made) for made in (first, second)]
    across = [_cubic(real, made) for made in (first, second)]

    def difference(weights: list[Floats]) -> float:
        found = [
            _within(k, made) - 2 * float(weights[0] @ x @ made) / (weights[0].sum() * made.sum())
            for k, x, made in zip(own, across, weights[1:], strict=True)
        ]
        return float(found[1] - found[0])

    boots = [
        difference([rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows))).astype(float) for rows in samples])
        for _ in range(draws)
    ]
    return difference([np.ones(len(rows)) for rows in samples]), float(np.std(boots, ddof=1))


def fid(real: Floats, made: Floats) -> float:
    """Return |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2)): Heusel et al. 2017, arXiv:1706.08500, equation 6.

    The trace of the root is the sum of the singular values of C_1^(1/2) C_2^(1/2), which exists for any samples.
    """
    shift = real.mean(0) - made.mean(0)
    first, second = (rows - rows.mean(0) for rows in (real, made))
    first, second = first / np.sqrt(len(real) - 1), second / np.sqrt(len(made) - 1)
    # C = A^T A: the singular values of C_1^(1/2) C_2^(1/2) are those of A_1 A_2^T.
    roots = linalg.svdvals(_thin(first) @ _thin(second).T)
    return float(shift @ shift + (first**2).sum() + (second**2).sum() - 2 * roots.sum())


def precision_recall(real: Floats, made: Floats, neighbours: int = 3) -> tuple[float, float]:
    """Return the shares of generated rows in the real manifold and of real rows in the generated one.

    A manifold is the union of balls around the rows, each reaching to its k-th nearest neighbour.
    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2.
    """
    return _inside(made, real, neighbours), _inside(real, made, neighbours)


def density_coverage(real: Floats, made: Floats, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Return density and coverage: Naeem et al. 2020, arXiv:2002.09797, equations 4 and 5."""
    reach = own_distances(real, neighbours)
    near = _distances(real, made) <= reach[:, None]
    return float(near.sum() / (neighbours * len(made))), float(near.any(1).mean())


def coverage(real: Floats, made: Floats, neighbours: int = NEIGHBOURS) -> float:
    """Return the coverage alone: a generator that has collapsed has hardly any."""
    return float(covered(real, made, neighbours).mean())


@dataclass(frozen=True)
class Memorisation:
    """Whether generated crops are copies of training crops.

    Attributes:
        ratio: median distance of generated crops to their nearest training crop over that of held-out real crops:
            about 1 where nothing is copied, near 0 where all is.
        copies: share of the generated that lie nearer to a training crop than all but 1 % of the held-out do.
    """

    ratio: float
    copies: float


def memorisation(train: Floats, held_out: Floats, made: Floats) -> Memorisation:
    """Return how near generated rows lie to the training rows, against held-out rows of the same law.

    After Meehan et al. 2020, "A Non-Parametric Test to Detect Data-Copying", arXiv:2004.05675, as a ratio.
    """
    real, ours = (distances_to(rows, train, 1) for rows in (held_out, made))
    return Memorisation(
        float(np.median(ours) / max(float(np.median(real)), 1e-12)), float((ours < np.quantile(real, 0.01)).mean())
    )


def _inside(rows: Floats, support: Floats, neighbours: int) -> float:
    reach = own_distances(support, neighbours)
    return float((_distances(support, rows) <= reach[:, None]).any(0).mean())


def _distances(x: Floats, y: Floats) -> Floats:
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _cubic(x: Floats, y: Floats) -> Floats:
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def _within(kernel: Floats, weights: Floats) -> float:
    """Return the weighted mean of a kernel over pairs of different rows."""
    squares = weights**2
    return float((weights @ kernel @ weights - squares @ np.diag(kernel)) / (weights.sum() ** 2 - squares.sum()))


def _thin(rows: Floats) -> Floats:
    """Return a matrix with the same A^T A and no more rows than columns."""
    return np.asarray(linalg.qr(rows, mode="r")[0][: rows.shape[1]]) if len(rows) > rows.shape[1] else rows


def _require(real: Floats, made: Floats, neighbours: int) -> None:
    if min(len(real), len(made)) <= neighbours:
        raise DataError(
            f"quality of crops: expected more than {neighbours} real and generated crops, "
            f"got {len(real)} and {len(made)}"
        )
