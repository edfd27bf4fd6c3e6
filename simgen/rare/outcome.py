"""What came of a fill: of one sample, and of all samples of a cell, whichever run made them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simgen.rare.plan import Entry
from simgen.samples import Sample
from simgen.scene import Plain


@dataclass(frozen=True)
class Outcome:
    """What was tried for one sample, and what the gate said each time; a written one's metadata have it, too."""

    tried: Mapping[str, int]
    refused: tuple[tuple[str, ...], ...]

    @staticmethod
    def of(source: Plain) -> "Outcome":
        """Return that of a written sample, from what its metadata have under "source"."""
        return Outcome(source.get("tried", {}), tuple(tuple(reasons) for reasons in source.get("refused", ())))

    def noted(self, sample: Sample) -> Sample:
        """Return a sample whose metadata have it."""
        source = {**sample.metadata["source"], "tried": dict(self.tried)}
        if self.refused:
            source["refused"] = [list(reasons) for reasons in self.refused]
        return replace(sample, metadata={**sample.metadata, "source": source})


@dataclass(frozen=True)
class Filled:
    """What was made of one cell, in this run and in earlier ones.

    Attributes:
        entry: of the plan.
        asked: samples.
        made: of them.
        tried: of each stage: for all that were made, and for those that this run did not find.
        refused: reasons of the gate for every sample that it judged among these, none for those let in.
        weights: of all samples.
    """

    entry: Entry
    asked: int
    made: int
    tried: Mapping[str, int]
    refused: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]

    @property
    def acceptance(self) -> float | None:
        """The share of the last stage's tries that were let in; None where nothing was counted."""
        last = self.tried.get(self.last_stage, 0)
        return self.made / last if last else None

    @property
    def last_stage(self) -> str:
        """Its name, "" where nothing was counted: pictures that were rendered, of a net what it proposed."""
        known = [stage for stage in ("rendered", "proposed") if stage in self.tried]
        return [*known, *reversed(list(self.tried)), ""][0]

    @property
    def effective(self) -> float:
        """The effective number of samples under the weights (Kong 1992)."""
        squares = sum(weight**2 for weight in self.weights)
        return sum(self.weights) ** 2 / squares if squares else 0.0


def filled(
    entry: Entry, indices: Sequence[int], outcomes: Mapping[int, Outcome], weights: Mapping[int, float]
) -> Filled:
    """Put together what came of a cell's samples: those that are written have weights."""
    tried: Counter[str] = Counter()
    found = [outcomes[index] for index in indices if index in outcomes]
    for one in found:
        tried.update(one.tried)
    refused = tuple(reasons for one in found for reasons in one.refused)
    kept = tuple(weights[index] for index in indices if index in weights)
    return Filled(entry, len(indices), len(kept), dict(tried), refused, kept)
