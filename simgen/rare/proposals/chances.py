"""How likely a condition holds for an object of a drawn scene, learned from the scenes that a dataset keeps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from simgen.formats.imageset import ImageSet
from simgen.rare.attributes import is_simulated, places_of, value_of
from simgen.rare.cells import Condition
from simgen.rare.proposals.numbers import object_numbers, scene_numbers
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import scene_from_dict

Array = NDArray[np.float64]
MOST_IMAGES = 400
"""So many of a dataset's images are learned from."""
_LEAST_POSITIVE = 8
_RIDGE = 3.0
_LEAST = 1e-4


@dataclass(frozen=True, eq=False)
class Known:
    """What a dataset shows: the numbers (n, F) of n objects and their scenes, and the samples they are in."""

    numbers: Array
    samples: tuple[Sample, ...]
    owners: tuple[tuple[int, int], ...]

    @staticmethod
    def of(data: ImageSet, seed: int) -> "Known":
        """Look at up to 400 images of a dataset, drawn with the seed; those without a sampled scene are left out."""
        order = stream(seed, 0, "rare.known").permutation(len(data))[:MOST_IMAGES]
        rows: list[Array] = []
        samples: list[Sample] = []
        owners: list[tuple[int, int]] = []
        for number in sorted(int(k) for k in order):
            sample = data[number]
            if not is_simulated(sample):
                continue
            scene = scene_from_dict(sample.metadata["scene"])
            places = [place for place in places_of(sample) if sample.annotations[place].instance_id > 0]
            bodies = [sample.annotations[place].instance_id - 1 for place in places]
            rows.append(joined(scene_numbers(scene), object_numbers(scene)[bodies]))
            owners += [(len(samples), place) for place in places]
            samples.append(sample)
        return Known(np.concatenate(rows) if rows else np.zeros((0, 0)), tuple(samples), tuple(owners))


def joined(scene: Array, objects: Array) -> Array:
    """Return the (n, S + O) numbers of n objects (n, O) of a scene (S,)."""
    return np.concatenate([np.broadcast_to(scene, (len(objects), len(scene))), objects], axis=1)


@dataclass(frozen=True, eq=False)
class Chance:
    """A linear model of a condition.

    `mean` and `scale` (F,) standardise the numbers, `weights` (F,) and `offset` give a value v. The chance is
    1 / (1 + exp(-v)) where `bounds` is None, else that of a Gaussian around v with standard deviation `spread` to lie
    within the bounds.
    """

    mean: Array
    scale: Array
    weights: Array
    offset: float
    spread: float = 1.0
    bounds: tuple[float, float] | None = None

    def of(self, numbers: Array) -> Array:
        """Return the (n,) chances of objects by their numbers (n, F)."""
        value = (numbers - self.mean) / self.scale @ self.weights + self.offset
        if self.bounds is None:
            return np.asarray(np.clip(expit(value), _LEAST, 1), float)
        low, high = ((bound - value) / self.spread for bound in self.bounds)
        return np.asarray(np.clip(ndtr(high) - ndtr(low), _LEAST, 1), float)


def learned(known: Known, condition: Condition) -> Chance:
    """Return the model of one condition.

    Brightness is regressed in logarithms, for it is a product of what the scene says (so that also what never occurred
    has a chance); other conditions by logistic regression where at least 8 objects fulfil them; else all objects are
    alike, with the share that fulfils it.
    """
    values = [value_of(known.samples[sample], place, condition.attribute) for sample, place in known.owners]
    mean, scale = known.numbers.mean(axis=0), known.numbers.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    standard = (known.numbers - mean) / scale
    if condition.attribute in ("image_luma", "object_luma"):
        logs = np.log(np.array([max(float(value or 0.0), 0.5) for value in values]))
        weights, offset, spread = _ridge(standard, logs)
        low, high = (
            (end if end is not None else fallback) for end, fallback in ((condition.low, 0), (condition.high, 1e9))
        )
        bounds = (math.log(max(low, 1e-9)), math.log(max(high, 1e-9)))
        return Chance(mean, scale, weights, offset, spread, bounds)
    holds = np.array([condition.holds(value) for value in values])
    return Chance(mean, scale, *_logistic(standard, holds))


def _ridge(rows: Array, values: Array) -> tuple[Array, float, float]:
    """Return the weights (F,), the offset and the residuals' standard deviation of a ridge regression."""
    offset = float(values.mean())
    weights = np.linalg.solve(rows.T @ rows + _RIDGE * np.eye(rows.shape[1]), rows.T @ (values - offset))
    return np.asarray(weights, float), offset, max(float((values - offset - rows @ weights).std()), 0.02)


def _logistic(rows: Array, holds: Sequence[bool] | NDArray[np.bool_]) -> tuple[Array, float]:
    """Return the weights (F,) and the offset of a logistic regression; the base rate alone where few hold or fail."""
    truth = np.asarray(holds, float)
    rate = (truth.sum() + 0.5) / (len(truth) + 1)
    base = math.log(rate / (1 - rate))
    if min(truth.sum(), len(truth) - truth.sum()) < _LEAST_POSITIVE:
        return np.zeros(rows.shape[1]), base
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=0.1, max_iter=500).fit(rows, truth)
    return np.asarray(fitted.coef_[0], float), float(fitted.intercept_[0])
