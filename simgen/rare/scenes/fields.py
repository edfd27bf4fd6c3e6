"""How one value of a scene becomes numbers for a net, and back: the kinds of fields that a codec is made of.

A field is learned from the values that a place had in some scenes (`field_of`), and is plain data itself.
"""

import math
from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from numpy.random import Generator
from pydantic import Field as Limit
from pydantic.dataclasses import dataclass

from simgen.geometry import quat_from_rotation, rotation_from_quat
from simgen.scene import STRICT

MARGIN = 0.05
"""Share of a number's range that the logit leaves on each side of it."""
_FEW, _REPEATS = 6, 10
_SPREAD = 30.0
_ALL_AROUND_RAD = 5.5


class Field(Protocol):
    """One place of a scene.

    Attributes:
        width: how many numbers it becomes.
        options: how many of them are logits of a category; 0 for real numbers.
    """

    @property
    def width(self) -> int: ...

    @property
    def options(self) -> int: ...

    def encode(self, value: Any) -> list[float]:
        """Return `width` numbers."""
        ...

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        """Return the value of any `width` numbers; it lies within what the field was learned from."""
        ...


class _Reals:
    options: ClassVar[int] = 0


@dataclass(frozen=True, config=STRICT)
class Constant(_Reals):
    """What never varied."""

    value: Any = None
    width: ClassVar[int] = 0

    def encode(self, value: Any) -> list[float]:
        return []

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        return self.value


@dataclass(frozen=True, config=STRICT)
class Seed(_Reals):
    """A seed says nothing by its size: it is drawn anew."""

    width: ClassVar[int] = 0

    def encode(self, value: Any) -> list[float]:
        return []

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        return int(rng.integers(2**31))


@dataclass(frozen=True, config=STRICT)
class Real(_Reals):
    """A bounded number: its logit between the bounds, standardised.

    The logit's interval is wider than [low, high] by `MARGIN` on each side, so that the ends are numbers, too. What is
    decoded beyond the ends becomes the end.

    Attributes:
        low: the least value.
        high: the largest.
        log: whether the logarithm is what is bounded.
        digits: after the point; -1 makes a whole number of it.
        mean: of the logits.
        std: of the logits, > 0.
    """

    low: float
    high: float
    log: bool = False
    digits: int = 6
    mean: float = 0.0
    std: Annotated[float, Limit(gt=0)] = 1.0
    width: ClassVar[int] = 1

    def encode(self, value: Any) -> list[float]:
        return [(self.logit(float(value)) - self.mean) / self.std]

    def logit(self, value: float) -> float:
        """Return the logit of a value, which is cut to the bounds."""
        low, high, value = (self._scaled(v) for v in (self.low, self.high, min(max(value, self.low), self.high)))
        share = (value - low + MARGIN * (high - low)) / ((1 + 2 * MARGIN) * (high - low))
        return math.log(share / (1 - share))

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        logit = min(max(float(numbers[0]) * self.std + self.mean, -30.0), 30.0)
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (1 + 2 * MARGIN) / (1 + math.exp(-logit)) - MARGIN
        value = low + share * (high - low)
        value = min(max(math.exp(value) if self.log else value, self.low), self.high)
        return int(round(value)) if self.digits < 0 else min(max(round(value, self.digits), self.low), self.high)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value


@dataclass(frozen=True, config=STRICT)
class Angle(_Reals):
    """An angle from all around, radians: its cosine and sine."""

    digits: int = 6
    width: ClassVar[int] = 2

    def encode(self, value: Any) -> list[float]:
        return [math.cos(value), math.sin(value)]

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        return round(math.atan2(numbers[1], numbers[0]), self.digits)


@dataclass(frozen=True, config=STRICT)
class Upright(_Reals):
    """A quaternion (xyzw) that turns about the vertical: cosine and sine of the turn."""

    width: ClassVar[int] = 2

    def encode(self, value: Any) -> list[float]:
        return Angle().encode(2 * math.atan2(value[2], value[3]))

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        half = math.atan2(numbers[1], numbers[0]) / 2
        return [0.0, 0.0, round(math.sin(half), 6), round(math.cos(half), 6)]


@dataclass(frozen=True, config=STRICT)
class Rotation(_Reals):
    """A quaternion (xyzw): the first two columns of its matrix, which have no seams (Zhou et al. 2019)."""

    width: ClassVar[int] = 6

    def encode(self, value: Any) -> list[float]:
        return [float(v) for v in rotation_from_quat(value)[:, :2].T.ravel()]

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        first, second = np.array(numbers, float).reshape(2, 3)
        first = _unit(first, np.array([1.0, 0.0, 0.0]))
        second = second - first * (first @ second)
        second = _unit(second, np.roll(np.eye(3)[int(np.abs(first).argmax())], 1))
        second = _unit(second - first * (first @ second), second)
        quat = quat_from_rotation(np.stack([first, second, np.cross(first, second)], 1))
        return [round(float(v), 6) for v in quat]


def _unit(vector: Any, otherwise: Any) -> Any:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else otherwise


@dataclass(frozen=True, config=STRICT)
class Category:
    """One of some values: a number for each, 1 for the one that it is; decoded, the largest number's."""

    values: list[Any] = field(default_factory=list)

    @property
    def width(self) -> int:
        return len(self.values)

    @property
    def options(self) -> int:
        return len(self.values)

    def encode(self, value: Any) -> list[float]:
        return [float(value == option and type(value) is type(option)) for option in self.values]

    def decode(self, numbers: Sequence[float], rng: Generator) -> Any:
        return self.values[int(np.argmax(numbers))]


FIELDS: dict[str, type[Any]] = {
    "constant": Constant,
    "seed": Seed,
    "real": Real,
    "angle": Angle,
    "upright": Upright,
    "rotation": Rotation,
    "category": Category,
}


def field_of(name: str, values: Sequence[Any]) -> Field:
    """Return the field of a place.

    Args:
        name: the last key on the way to it: "seed", and what ends in "_rad", are special.
        values: what it was in some scenes, at least one; all of one type.
    """
    first = values[0]
    if name == "seed" and type(first) is int:
        return Seed()
    if all(value == first for value in values):
        return Constant(first)
    if isinstance(first, list):
        flat = all(abs(x) < 1e-9 and abs(y) < 1e-9 for x, y, *_ in values)
        return Upright() if flat else Rotation()
    if isinstance(first, bool | str):
        return Category(sorted(set(values)))
    return _number_of(name, values)


def _number_of(name: str, values: Sequence[Any]) -> Field:
    whole = all(type(value) is int for value in values)
    low, high = min(values), max(values)
    known = sorted(set(values))
    if len(known) <= 2 * _FEW if whole and high - low < 2 * _FEW else len(known) <= _FEW <= len(values) / _REPEATS:
        return Category(known)
    digits = -1 if whole else max(_digits(value) for value in values)
    if name.endswith("_rad") and high - low > _ALL_AROUND_RAD and -math.pi <= low and high <= math.pi:
        return Angle(digits)
    log = low > 0 and high / low > _SPREAD
    plain = Real(low, high, log, digits)
    logits = [plain.logit(value) for value in values]
    return Real(low, high, log, digits, float(np.mean(logits)), max(float(np.std(logits)), 1e-6))


def _digits(value: float) -> int:
    return next((n for n in range(3, 12) if round(value, n) == value), 12)
