"""From a randomization to the values of an episode: a pure function of (randomization, seed, episode)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from numpy.random import Generator

from simgen.envs.domain.parameters import Parameter, Parameters, Values
from simgen.envs.domain.randomization import Randomization, Term
from simgen.envs.domain.visual import SceneLooks
from simgen.errors import EnvError
from simgen.rng import stream


@dataclass(frozen=True)
class _Varying:
    """A parameter, the value that its terms start from, and the terms with the streams that they draw from."""

    parameter: Parameter
    base: float
    terms: list[tuple[Term, Generator]]

    def draw(self) -> float:
        value = self.base
        for term, rng in self.terms:
            value = term.applied(value, rng)
        if math.isnan(value):
            raise EnvError(f"randomization: terms.{self.parameter.name}: expected a number, got an undefined one")
        return self.parameter.kept(value)


@dataclass(frozen=True)
class Domain:
    """The values of an episode, and what varies within it.

    Attributes:
        values: of every parameter, now.
    """

    values: Values
    within: list[_Varying]

    def step(self, step: int) -> set[str]:
        """Draw what is due at a step (from 1). Returns the names whose value was drawn."""
        due = [varying for varying in self.within if any(term.due(step) for term, _ in varying.terms)]
        self.values.update({varying.parameter.name: varying.draw() for varying in due})
        return {varying.parameter.name for varying in due}


class DomainSampler:
    """Samples the domain of each episode; each term, randomizer and body's surface draws from a stream of its own."""

    def __init__(self, parameters: Parameters, randomization: Randomization, looks: SceneLooks) -> None:
        """Find which terms vary which parameter. Raises `ConfigError` for names that this environment lacks."""
        randomization.require_known(parameters, [spec.name for spec in looks.scene.objects])
        self.parameters, self.randomization, self.looks = parameters, randomization, looks
        self._terms = {name: terms for name in parameters if (terms := randomization.terms_of(name))}
        self._patterns = sorted({pattern for terms in self._terms.values() for pattern in terms})

    def episode(self, seed: int, number: int, given: Mapping[str, float]) -> Domain:
        """Return the domain of an episode.

        Args:
            seed: of the environment.
            number: of the episode under that seed.
            given: values that replace those that are drawn. Terms of "step" and "interval" go on drawing afterwards.
        """
        values = self.parameters.nominal() | self.looks.sample(self.randomization, seed, number)
        streams = {pattern: stream(seed, number, f"domain.{pattern}") for pattern in self._patterns}
        varying = [
            _Varying(self.parameters[name], values[name], [(term, streams[key]) for key, term in terms.items()])
            for name, terms in self._terms.items()
        ]
        values |= {one.parameter.name: one.draw() for one in varying}
        within = [one for one in varying if any(term.when != "reset" for term, _ in one.terms)]
        return Domain(values | dict(given), within)
