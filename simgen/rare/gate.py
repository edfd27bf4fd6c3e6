"""The gate: an object that was made enters a dataset only if it is what it says, looks real, and is no copy.

It is for samples whose labels or looks a model made. Three questions are asked of each object's crop: does a
classifier that never saw the makers' samples agree with its class; is it as near to real crops as these are to each
other; is it farther from every training crop than a copy would be.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError
from simgen.formats.imageset import ImageSet
from simgen.rare.density import NEIGHBOURS, Axes, Levels
from simgen.rare.patches import Embedding, Image, crops_of
from simgen.rare.survey import survey
from simgen.samples import Sample

Array = NDArray[np.float64]
REASONS = ("another class", "not real", "a copy")
_LEAST_REAL = 2 * NEIGHBOURS


class Classify(Protocol):
    """Turns crops (n, S, S, 3) uint8 into probabilities (n, C) of the dataset's classes."""

    def __call__(self, crops: Image, /) -> NDArray[np.float32]:
        """Return a row a crop."""
        ...


@dataclass(frozen=True, eq=False)
class Gate:
    """What an object must pass.

    Attributes:
        classify: the held-out classifier; it sees crops as the embedding does.
        classes: of its columns.
        embedding: of the crops.
        axes: principal components of the real rows.
        levels: of realism and copies, among real and training crops on these axes.
        confidence: the probability that the classifier must give to a crop's class, beside finding it the likeliest.
        identity: what tells it from other gates, for a filled dataset.
    """

    classify: Classify
    classes: tuple[str, ...]
    embedding: Embedding
    axes: Axes
    levels: Levels
    confidence: float = 0.0
    identity: str = ""

    @staticmethod
    def of(
        classify: Classify,
        classes: Sequence[str],
        embedding: Embedding,
        real: NDArray[np.float32],
        training: NDArray[np.float32],
    ) -> "Gate":
        """Set the levels by what the real and the training crops are among themselves.

        Args:
            classify: the held-out classifier.
            classes: of its columns.
            embedding: that made the rows.
            real: (n, D) rows of real crops; 99 % of them, each left out in turn, look real.
            training: (m, D) rows of training crops; of their distances to the nearest other one, 1 % are a copy's.

        Raises:
            DataError: fewer than 10 real or 2 training crops.
        """
        if len(real) < _LEAST_REAL or len(training) < 2:
            raise DataError(
                f"gate: expected at least {_LEAST_REAL} real and 2 training objects, "
                f"got {len(real)} and {len(training)}"
            )
        axes = Axes.of(real)
        levels = Levels.of(axes.project(real), axes.project(training))
        return Gate(classify, tuple(classes), embedding, axes, levels)

    def refusals(self, sample: Sample, places: Sequence[int]) -> list[str]:
        """Return why a sample may not enter: a reason of `REASONS` at most once each, none where it may.

        Args:
            sample: that was made.
            places: of the annotations that were made for the case.
        """
        crops = crops_of(sample, list(places), self.embedding.side_px, self.embedding.extent)
        answers = self.classify(crops)
        said = [self.classes[k] for k in answers.argmax(axis=1)]
        named = [sample.annotations[place].class_name for place in places]
        unsure = bool((answers.max(axis=1) < self.confidence).any())
        realism, nearest = self.levels.shares(self.axes.project(self.embedding.describe(crops)))
        failed = (said != named or unsure, bool((realism > 1).any()), bool((nearest < 1).any()))
        return [reason for reason, fails in zip(REASONS, failed, strict=True) if fails]


def gate_of(
    classify: Classify, classes: Sequence[str], embedding: Embedding, real: ImageSet, training: ImageSet
) -> Gate:
    """Return the gate that two labelled sets set the levels of. Raises `DataError` where one has too few objects."""
    rows = [survey(data, ["class"], embedding).embedded for data in (real, training)]
    assert rows[0] is not None
    assert rows[1] is not None
    return Gate.of(classify, classes, embedding, rows[0], rows[1])


def rates(refused: Iterable[Sequence[str]]) -> dict[str, float]:
    """Return the share of samples refused for each reason, and for any."""
    listed = list(refused)
    counts = Counter(reason for reasons in listed for reason in reasons)
    shares = {reason: counts[reason] / max(len(listed), 1) for reason in REASONS}
    return {**shares, "any": sum(bool(reasons) for reasons in listed) / max(len(listed), 1)}
