"""`--how mix`: the ways take turns, and one takes the other's where that finds nothing."""

from collections import Counter
from dataclasses import dataclass, replace

from simgen.rare.how import Made, Maker


@dataclass(frozen=True, eq=False)
class Mixed:
    """Samples of several makers in turn.

    Attributes:
        makers: of the same cells.
    """

    makers: tuple[Maker, ...]

    def make(self, order: int, number: int) -> Made:
        """Return the `number`-th sample of a cell: of the first maker, of the second ... and from the first again.

        What a maker does not find the next one makes, under the same number: no two samples are the same.
        """
        tried: Counter[str] = Counter()
        for turn in range(len(self.makers)):
            made = self.makers[(number + turn) % len(self.makers)].make(order, number)
            tried.update(made.tried)
            if made.sample is not None:
                break
        return replace(made, tried=dict(tried))
