"""What a number in a config can be: itself, a range, or a named distribution.

In YAML: `3` is constant, `[1, 3]` is uniform, `{kind: normal, mean: 1, std: 0.2, low: 0, high: 2}` is named.
"""

from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.random import Generator
from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError
from simgen.registry import SectionError, build
from simgen.scene import STRICT

UPRIGHT_RAD, HALF_TURN_RAD = 1.5708, 3.1416
"""A quarter and a half of a turn as people write them, rounded up."""


def weighted(weights: tuple[float, ...], rng: Generator) -> int:
    """Return a place in `weights`, each as often as its weight says: what `rng.choice` draws, in far less time."""
    return bisect_right(_ends(weights), rng.random())


@lru_cache(maxsize=1024)
def _ends(weights: tuple[float, ...]) -> list[float]:
    shares = np.array(weights) / sum(weights)
    ends = shares.cumsum()
    return [float(end) for end in ends / ends[-1]]


def clipped(value: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return a number kept to [low, high]; numpy's `clip`, made for arrays, takes far longer."""
    return min(max(value, low), high)


class Distribution:
    """One random number."""

    def sample(self, rng: Generator) -> float:
        """Return one number."""
        raise TypeError(f"{type(self).__name__} cannot be sampled")

    def samples(self, rng: Generator, count: int) -> list[float]:
        """Return `count` numbers; of one they are what `sample` gives."""
        return [self.sample(rng) for _ in range(count)]

    def sample_int(self, rng: Generator) -> int:
        """Return one whole number: the nearest one, and every number of a range equally often."""
        return round(self.sample(rng))

    def support(self) -> tuple[float, float]:
        """Return the least and the largest number that may come; infinite where there is none."""
        raise TypeError(f"{type(self).__name__} has no support")


class _Ranged(Distribution):
    """A distribution between its fields `low` and `high`."""

    low: float
    high: float

    def support(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True, config=STRICT)
class Constant(Distribution):
    """Always `value`."""

    value: float

    def sample(self, rng: Generator) -> float:
        return self.value

    def samples(self, rng: Generator, count: int) -> list[float]:
        return [self.value] * count

    def support(self) -> tuple[float, float]:
        return self.value, self.value


@dataclass(frozen=True, config=STRICT)
class Uniform(_Ranged):
    """Evenly between `low` and `high`."""

    low: float
    high: float

    @model_validator(mode="after")
    def _upright(self) -> "Uniform":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return float(rng.uniform(self.low, self.high))

    def samples(self, rng: Generator, count: int) -> list[float]:
        numbers: list[float] = rng.uniform(self.low, self.high, count).tolist()
        return numbers

    def sample_int(self, rng: Generator) -> int:
        return int(rng.integers(round(self.low), round(self.high) + 1))


@dataclass(frozen=True, config=STRICT)
class LogUniform(_Ranged):
    """Evenly between the logarithms of `low` > 0 and `high`."""

    low: Annotated[float, Field(gt=0)]
    high: float

    @model_validator(mode="after")
    def _upright(self) -> "LogUniform":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return self.samples(rng, 1)[0]

    def samples(self, rng: Generator, count: int) -> list[float]:
        numbers: list[float] = np.exp(rng.uniform(np.log(self.low), np.log(self.high), count)).tolist()
        return numbers


@dataclass(frozen=True, config=STRICT)
class Normal(_Ranged):
    """Gaussian, clipped to [low, high]."""

    mean: float
    std: Annotated[float, Field(ge=0)]
    low: float = -np.inf
    high: float = np.inf

    @model_validator(mode="after")
    def _upright(self) -> "Normal":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return clipped(float(rng.normal(self.mean, self.std)), self.low, self.high)

    def samples(self, rng: Generator, count: int) -> list[float]:
        return [clipped(number, self.low, self.high) for number in rng.normal(self.mean, self.std, count).tolist()]


@dataclass(frozen=True, config=STRICT)
class TruncatedNormal(_Ranged):
    """Gaussian given that it lies in [low, high]: no numbers pile up at the ends, as they do when it is clipped."""

    mean: float
    std: Annotated[float, Field(gt=0)]
    low: float
    high: float

    @model_validator(mode="after")
    def _reached(self) -> "TruncatedNormal":
        _require_upright(self.low, self.high)
        if self._shares()[1] - self._shares()[0] < 1e-9:
            raise ValueError(f"expected a range that the normal reaches, got [{self.low:g}, {self.high:g}]")
        return self

    def _shares(self) -> tuple[float, float]:
        normal = NormalDist(self.mean, self.std)
        return normal.cdf(self.low), normal.cdf(self.high)

    def sample(self, rng: Generator) -> float:
        share = clipped(rng.uniform(*self._shares()), 1e-15, 1 - 1e-15)
        return clipped(NormalDist(self.mean, self.std).inv_cdf(share), self.low, self.high)


@dataclass(frozen=True, config=STRICT)
class LogNormal(_Ranged):
    """`median` times or divided by about `spread`: its logarithm is Gaussian. Clipped to [low, high]."""

    median: Annotated[float, Field(gt=0)]
    spread: Annotated[float, Field(ge=1)]
    low: float = 0.0
    high: float = np.inf

    @model_validator(mode="after")
    def _upright(self) -> "LogNormal":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return clipped(float(np.exp(rng.normal(np.log(self.median), np.log(self.spread)))), self.low, self.high)


@dataclass(frozen=True, config=STRICT)
class Dome(_Ranged):
    """A height over the horizon in radians, such that directions are spread evenly over that zone of the sphere."""

    low: Annotated[float, Field(ge=-UPRIGHT_RAD, le=UPRIGHT_RAD)] = 0.0
    high: Annotated[float, Field(ge=-UPRIGHT_RAD, le=UPRIGHT_RAD)] = np.pi / 2

    @model_validator(mode="after")
    def _upright(self) -> "Dome":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return float(np.arcsin(rng.uniform(np.sin(self.low), np.sin(self.high))))


@dataclass(frozen=True, config=STRICT)
class Choice(Distribution):
    """One of `values`, with optional `weights`."""

    values: Annotated[tuple[float, ...], Field(min_length=1)]
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _matching(self) -> "Choice":
        _require_weights(self.weights, len(self.values))
        return self

    def sample(self, rng: Generator) -> float:
        if self.weights is None:
            return float(rng.choice(self.values))
        return float(self.values[weighted(self.weights, rng)])

    def support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


DISTRIBUTIONS: dict[str, type[Distribution]] = {
    "constant": Constant,
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "normal": Normal,
    "truncated_normal": TruncatedNormal,
    "log_normal": LogNormal,
    "dome": Dome,
    "choice": Choice,
}


def _require_upright(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"expected low <= high, got the range upside down: [{low:g}, {high:g}]")


def _require_weights(weights: tuple[float, ...] | None, count: int) -> None:
    if weights is not None and (len(weights) != count or sum(weights) <= 0):
        raise ValueError(f"expected {count} weights with a positive sum, got {list(weights)}")


def parse_distribution(value: Any) -> Distribution:
    """Return the distribution of a YAML value. Raises `ValueError` with what was expected."""
    if isinstance(value, Distribution):
        return value
    if isinstance(value, Mapping):
        try:
            return build(DISTRIBUTIONS, value, "")
        except ConfigError as error:
            raise SectionError(str(error)) from None
    if isinstance(value, bool) or not isinstance(value, int | float | list | tuple):
        raise ValueError(f"expected a number, a range [low, high] or a distribution, got {value!r}")
    if isinstance(value, int | float):
        return Constant(float(value))
    numbers = [v for v in value if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(value) != 2 or len(numbers) != 2:
        raise ValueError(f"expected a range [low, high] of two numbers, got {list(value)!r}")
    _require_upright(*numbers)
    return Uniform(float(numbers[0]), float(numbers[1]))


Number: TypeAlias = Annotated[Distribution, BeforeValidator(parse_distribution)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class Mixture(Distribution):
    """One of several distributions, with optional `weights`, e.g. parts: [[0, 0.2], {kind: normal, ...}]."""

    parts: Annotated[tuple[Number, ...], Field(min_length=1)]
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _matching(self) -> "Mixture":
        _require_weights(self.weights, len(self.parts))
        return self

    def sample(self, rng: Generator) -> float:
        return self._part(rng).sample(rng)

    def sample_int(self, rng: Generator) -> int:
        return self._part(rng).sample_int(rng)

    def support(self) -> tuple[float, float]:
        lows, highs = zip(*(part.support() for part in self.parts), strict=True)
        return min(lows), max(highs)

    def _part(self, rng: Generator) -> Distribution:
        if self.weights is None:
            return self.parts[int(rng.choice(len(self.parts)))]
        return self.parts[weighted(self.weights, rng)]


DISTRIBUTIONS["mixture"] = Mixture
