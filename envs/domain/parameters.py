"""The numbers of an environment that randomization may change: names, nominal values, limits.

A domain is a plain dict of floats, one for each parameter, always all of them. Names end in their unit. A record of one
has a mark beside them, "env.Reach": 1.0, by which the other environments know it for another's.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from simgen.errors import EnvError, did_you_mean

Values: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Parameter:
    """One number.

    Attributes:
        name: e.g. "object.mass_kg".
        nominal: its value where nothing is randomized.
        low, high: what it can be; a sampled number beyond is brought back to them.
        whole: whether it is rounded.
    """

    name: str
    nominal: float
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False

    def kept(self, value: float) -> float:
        """Return the value brought into the limits."""
        inside = self.low if value < self.low else self.high if value > self.high else float(value)
        return float(round(inside)) if self.whole else inside


_MARK = "env."


class Parameters(Mapping[str, Parameter]):
    """The parameters of one environment, by name and in order."""

    def __init__(self, parameters: Iterable[Parameter], environment: str) -> None:
        self._known, self._environment = {parameter.name: parameter for parameter in parameters}, environment
        self._nominal = {name: parameter.nominal for name, parameter in self._known.items()}

    def __getitem__(self, name: str) -> Parameter:
        return self._known[name]

    def __iter__(self) -> Any:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def nominal(self) -> Values:
        """Return every parameter's nominal value."""
        return self._nominal.copy()

    def record(self, values: Values) -> Values:
        """Return the values of a domain with the mark of the environment, which `checked` takes off again."""
        return {**values, _MARK + self._environment: 1.0}

    def checked(self, domain: Any, where: str) -> Values:
        """Return a user's values for some of the parameters, or those of a record.

        Raises:
            EnvError: something else than a mapping of known names to finite numbers within their limits, or a record
                of another environment.
        """
        if not isinstance(domain, Mapping):
            raise EnvError(f"{where}: expected a mapping of parameters to numbers, got {domain!r:.80}")
        named = {str(name): value for name, value in domain.items()}
        for mark in [name for name in named if name.startswith(_MARK)]:
            if mark != _MARK + self._environment:
                raise EnvError(
                    f"{where}: expected a record of {self._environment}, got one of {mark[len(_MARK) :]:.80}"
                )
            del named[mark]
        return {name: self._checked(name, value, where) for name, value in named.items()}

    def _checked(self, name: str, value: Any, where: str) -> float:
        if name not in self._known:
            raise EnvError(f'{where}: unknown parameter "{name}" in this environment{did_you_mean(name, self._known)}')
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise EnvError(f"{where}.{name}: expected a number, got {value!r:.80}") from None
        parameter = self._known[name]
        if not parameter.low <= number <= parameter.high or not math.isfinite(number):
            raise EnvError(
                f"{where}.{name}: expected a number from {parameter.low:g} to {parameter.high:g}, got {number:g}"
            )
        return parameter.kept(number)
