"""What the numbers of a config stand for, and so where they can lie: a share, an angle, a length.

Each is a `Number` whose whole distribution is held to the quantity's limits when the config is read.
"""

import dataclasses
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from simgen.randomize.distributions import (
    DISTRIBUTIONS,
    UPRIGHT_RAD,
    Choice,
    Constant,
    Distribution,
    LogNormal,
    Mixture,
    Number,
)

MOST = 10_000
MOST_TURN_RAD = 12.57
"""No angle is larger than two turns: what is meant in degrees is found."""


@dataclasses.dataclass(frozen=True)
class Within:
    """What a quantity can be: annotates a `Number`, whose whole support must lie in [low, high].

    Attributes:
        low: the least.
        high: the largest, infinite where there is none.
        whole: whether only whole numbers make sense (a range or a named distribution is rounded when it is drawn).
    """

    low: float
    high: float = np.inf
    whole: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the distribution after it was parsed."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, number: Distribution) -> Distribution:
        """Return the distribution. Raises `ValueError` for one that may give another number."""
        if isinstance(number, Mixture):
            for part in number.parts:
                self.check(part)
            return number
        for end, name in zip(number.support(), ("low", "high"), strict=True):
            if not self.low <= end <= self.high:
                raise ValueError(f"expected {self._expected()}, got {named_end(number, end, name)}")
        for value in _values(number):
            if self.whole and value != round(value):
                raise ValueError(f"expected {self._expected()}, got {value:g}")
        return number

    def _expected(self) -> str:
        limits = f">= {self.low:g}" if np.isinf(self.high) else f"from {self.low:g} to {self.high:g}"
        return f"{'whole ' * self.whole}numbers {limits}"


def _values(number: Distribution) -> tuple[float, ...]:
    return (number.value,) if isinstance(number, Constant) else number.values if isinstance(number, Choice) else ()


def named_end(number: Distribution, end: float, name: str) -> str:
    """Return how a message calls an end of a distribution: the number, or that the user gave none."""
    open_end = np.isinf(end) or (isinstance(number, LogNormal) and name == "low" and end == 0)
    kind = next((key for key, cls in DISTRIBUTIONS.items() if cls is type(number)), "distribution")
    return f'a {kind} without "{name}"' if open_end else f"{end:g}"


Share: TypeAlias = Annotated[Number, Within(0, 1)]
"""A share or a probability."""
Turn: TypeAlias = Annotated[Number, Within(-MOST_TURN_RAD, MOST_TURN_RAD)]
"""An angle all around, radians."""
Height: TypeAlias = Annotated[Number, Within(-UPRIGHT_RAD, UPRIGHT_RAD)]
"""An angle over the horizon, radians."""
Length: TypeAlias = Annotated[Number, Within(1e-4, 100)]
"""The size of a body, metres."""
Extent: TypeAlias = Annotated[Number, Within(0, 100)]
"""A distance, metres."""
Shift: TypeAlias = Annotated[Number, Within(-100, 100)]
"""A coordinate, metres."""
Mass: TypeAlias = Annotated[Number, Within(0, 1000)]
"""Kilograms."""
Ratio: TypeAlias = Annotated[Number, Within(0.01, 100)]
"""One length over another, or a factor."""
Amount: TypeAlias = Annotated[Number, Within(0)]
"""What cannot be negative."""
Kelvin: TypeAlias = Annotated[Number, Within(500, 40000)]
"""The temperature of a black body."""
Count: TypeAlias = Annotated[Number, Within(0, MOST, whole=True)]
"""A number of things."""
