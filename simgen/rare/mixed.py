"""`--how mix`: the ways take turns."""

from dataclasses import dataclass

from simgen.rare.how import Made, Maker


@dataclass(frozen=True, eq=False)
class Mixed:
    """Samples of several makers in turn.

    Attributes:
        makers: of the same cells.
    """

    makers: tuple[Maker, ...]

    def make(self, order: int, number: int) -> Made:
        """Return the `number`-th sample of a cell: of the first maker, of the second ... and from the first again."""
        turn, which = divmod(number, len(self.makers))
        return self.makers[which].make(order, turn)
