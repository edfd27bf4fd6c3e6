"""What a user can say about a curriculum, and what is remembered of one: plain data, checked."""

import math
from typing import Annotated, TypeAlias

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from simgen.registry import SectionError
from simgen.scene import STRICT

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class Axis:
    """How the range of one parameter grows.

    Attributes:
        start: low and high at the beginning; the range never gets smaller than this.
        step: by how much a bound moves at once, in the parameter's unit.
        limits: low and high that it never grows beyond.
    """

    start: tuple[float, float]
    step: Annotated[float, Field(gt=0)]
    limits: tuple[float, float]

    @model_validator(mode="after")
    def _ordered(self) -> "Axis":
        low, high = self.limits
        if not low <= self.start[0] <= self.start[1] <= high or not math.isfinite(high - low + self.step):
            raise SectionError(f"expected finite limits around start, got {self.limits} around {self.start}")
        return self

    def bound(self, side: int, steps: int) -> float:
        """Return the low (side 0) or high (side 1) bound after so many steps outwards."""
        if side == 0:
            return max(self.start[0] - steps * self.step, self.limits[0])
        return min(self.start[1] + steps * self.step, self.limits[1])


@dataclass(frozen=True, config=STRICT)
class CurriculumSettings:
    """Of automatic domain randomization.

    Attributes:
        axes: by parameter.
        buffer: results at a bound that a decision about it waits for; m of the paper.
        grow_at: mean result from which on a bound moves outwards; t_H.
        shrink_at: mean result up to which it moves inwards; t_L.
        boundary_share: of the episodes, those that put one parameter at a bound; the others are for training alone.
        seed: of the draws.
    """

    axes: Annotated[dict[str, Axis], Field(min_length=1)]
    buffer: Annotated[int, Field(ge=1)] = 20
    grow_at: Share = 0.8
    shrink_at: Share = 0.4
    boundary_share: Share = 0.5
    seed: Count = 0

    @model_validator(mode="after")
    def _apart(self) -> "CurriculumSettings":
        if self.shrink_at >= self.grow_at:
            raise SectionError(f"expected shrink_at below grow_at, got {self.shrink_at} and {self.grow_at}")
        return self


@dataclass(frozen=True, config=STRICT)
class Change:
    """A range that changed.

    Attributes:
        results: how many results had been recorded.
        name: of the parameter.
        low, high: its range from then on.
    """

    results: Count
    name: str
    low: float
    high: float


@dataclass(frozen=True, config=STRICT)
class CurriculumState:
    """All that a curriculum remembers.

    Attributes:
        settings: of the curriculum.
        drawn: how many domains it gave out.
        results: how many results were recorded.
        steps: by parameter, how many steps outwards its low and its high bound are.
        buffers: by parameter, the results at its low and at its high bound.
        changes: of the ranges, in order.
    """

    settings: CurriculumSettings
    drawn: Count
    results: Count
    steps: dict[str, tuple[Count, Count]]
    buffers: dict[str, tuple[list[Share], list[Share]]]
    changes: list[Change]

    @model_validator(mode="after")
    def _complete(self) -> "CurriculumState":
        names = list(self.settings.axes)
        if list(self.steps) != names or list(self.buffers) != names:
            raise SectionError(f"expected steps and buffers of {names}")
        return self
