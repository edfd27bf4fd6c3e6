"""Concept shift: does the same answer, given with the same confidence, mean something else in the target?"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
STRATA = 10


@dataclass(frozen=True)
class ConceptTest:
    """The model's errors at equal confidence.

    Attributes:
        excess_error: target's minus source's share of errors, averaged over strata of confidence.
        p_value: of as large an excess without concept shift.
        source_error: share of errors on all of the source.
        target_error: share of errors on all of the target.
        compared: objects in strata that hold objects of both sets.
    """

    excess_error: float
    p_value: float
    source_error: float
    target_error: float
    compared: int


def conditional_disagreement(
    confidence: tuple[Array, Array], wrong: tuple[Flags, Flags], rng: Generator, permutations: int = 1000
) -> ConceptTest:
    """Test whether errors are more frequent in the target at the same predicted confidence.

        T = sum_b w_b (error of target in b - error of source in b)

    over `STRATA` strata of equal numbers of confidence, w_b the share of target objects in b. Under the hypothesis,
    an error depends on the confidence alone, so within a stratum it does not matter which set an object is from: the
    sets' names are permuted there (a stratified permutation test; Good 2005, "Permutation, Parametric and Bootstrap
    Tests of Hypotheses"). One-sided. Objects of one picture count as independent.

    Args:
        confidence: (k,) of the source and (l,) of the target.
        wrong: whether the model errs, likewise.
        rng: draws the permutations.
        permutations: how many.
    """
    pooled = np.concatenate(confidence)
    errors = np.concatenate(wrong).astype(float)
    in_target = np.repeat([0.0, 1.0], [len(confidence[0]), len(confidence[1])])
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, STRATA + 1)[1:-1]))
    strata = [np.flatnonzero(np.digitize(pooled, edges) == b) for b in range(len(edges) + 1)]
    both = [rows for rows in strata if 0 < in_target[rows].sum() < len(rows)]
    n_target = sum(float(in_target[rows].sum()) for rows in both)
    observed, drawn = 0.0, np.zeros(permutations)
    for rows in both:
        shuffled = rng.permuted(np.tile(in_target[rows], (permutations, 1)), axis=1)
        names = np.concatenate([in_target[None, rows], shuffled])
        excess = names @ errors[rows] / names.sum(1) - (1 - names) @ errors[rows] / (1 - names).sum(1)
        weight = float(in_target[rows].sum()) / n_target
        observed += weight * float(excess[0])
        drawn += weight * excess[1:]
    reached = int((drawn >= observed - 1e-12).sum())
    shares = [float(flags.mean()) if len(flags) else 0.0 for flags in wrong]
    return ConceptTest(
        observed, (reached + 1) / (permutations + 1), shares[0], shares[1], sum(len(rows) for rows in both)
    )
