"""What a number in a config can be: itself, a range, or a named distribution.

In YAML: `3` is constant, `[1, 3]` is uniform, `{kind: normal, mean: 1, std: 0.2, low: 0, high: 2}` is named.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.random import Generator
from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError
from simgen.registry import build
from simgen.scene import STRICT


class Distribution:
    """One random number."""

    def sample(self, rng: Generator) -> float:
        """Return one number."""
        raise TypeError(f"{type(self).__name__} cannot be sampled")

    def sample_int(self, rng: Generator) -> int:
        """Return one whole number: the nearest one, and every number of a range equally often."""
        return round(self.sample(rng))


@dataclass(frozen=True, config=STRICT)
class Constant(Distribution):
    """Always `value`."""

    value: float

    def sample(self, rng: Generator) -> float:
        return self.value


@dataclass(frozen=True, config=STRICT)
class Uniform(Distribution):
    """Evenly between `low` and `high`."""

    low: float
    high: float

    @model_validator(mode="after")
    def _upright(self) -> "Uniform":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return float(rng.uniform(self.low, self.high))

    def sample_int(self, rng: Generator) -> int:
        return int(rng.integers(round(self.low), round(self.high) + 1))


@dataclass(frozen=True, config=STRICT)
class LogUniform(Distribution):
    """Evenly between the logarithms of `low` > 0 and `high`."""

    low: Annotated[float, Field(gt=0)]
    high: float

    @model_validator(mode="after")
    def _upright(self) -> "LogUniform":
        _require_upright(self.low, self.high)
        return self

    def sample(self, rng: Generator) -> float:
        return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))


@dataclass(frozen=True, config=STRICT)
class Normal(Distribution):
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
        return float(np.clip(rng.normal(self.mean, self.std), self.low, self.high))


@dataclass(frozen=True, config=STRICT)
class Choice(Distribution):
    """One of `values`, with optional `weights`."""

    values: Annotated[tuple[float, ...], Field(min_length=1)]
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _matching(self) -> "Choice":
        if self.weights is not None and (len(self.weights) != len(self.values) or sum(self.weights) <= 0):
            raise ValueError(f"expected {len(self.values)} weights with a positive sum, got {list(self.weights)}")
        return self

    def sample(self, rng: Generator) -> float:
        share = None if self.weights is None else np.array(self.weights) / sum(self.weights)
        return float(rng.choice(self.values, p=share))


DISTRIBUTIONS: dict[str, type[Distribution]] = {
    "constant": Constant,
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "normal": Normal,
    "choice": Choice,
}


def _require_upright(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"expected low <= high, got the range upside down: [{low:g}, {high:g}]")


def parse_distribution(value: Any) -> Distribution:
    """Return the distribution of a YAML value. Raises `ValueError` with what was expected."""
    if isinstance(value, Distribution):
        return value
    if isinstance(value, Mapping):
        try:
            return build(DISTRIBUTIONS, value, "distribution")
        except ConfigError as error:
            raise ValueError(str(error)) from None
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
