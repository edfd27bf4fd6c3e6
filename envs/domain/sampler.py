"""From a randomization to the values of an episode: a pure function of (randomization, seed, episode)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from numpy.random import Generator

from simgen.envs.domain.parameters import Parameter, Parameters, Values
from simgen.envs.domain.randomization import Randomization, Term
from simgen.envs.domain.visual import SceneLooks
from simgen.errors import EnvError
from simgen.rng import streams


@dataclass(frozen=True)
class _Varying:
    """A parameter, and the terms that are applied to it in order, by their patterns."""

    parameter: Parameter
    terms: dict[str, Term]

    def value(self, base: float, drawn: Mapping[str, float]) -> float:
        """Return what the terms make of a value, each with the number that it drew."""
        value = base
        for pattern, term in self.terms.items():
            value = term.applied(value, drawn[pattern])
        return self.kept(value)

    def kept(self, value: float) -> float:
        """Return what came of the terms, brought into the parameter's limits."""
        if math.isnan(value):
            raise EnvError(f"randomization: terms.{self.parameter.name}: expected a number, got an undefined one")
        return self.parameter.kept(value)

    def due(self, step: int) -> bool:
        return any(term.due(step) for term in self.terms.values())


@dataclass(frozen=True)
class Domain:
    """The values of an episode, and what varies within it.

    Attributes:
        values: of every parameter, now.
        within: what is drawn again at steps, each with the value that its terms start from.
        rngs: the streams of the terms by pattern.
    """

    values: Values
    within: list[tuple[_Varying, float]]
    rngs: Mapping[str, Generator]

    def step(self, step: int) -> set[str]:
        """Draw what is due at a step (from 1). Returns the names whose value was drawn."""
        due = [(varying, base) for varying, base in self.within if varying.due(step)]
        for varying, base in due:
            drawn = {key: term.distribution.sample(self.rngs[key]) for key, term in varying.terms.items()}
            self.values[varying.parameter.name] = varying.value(base, drawn)
        return {varying.parameter.name for varying, _ in due}


class DomainSampler:
    """Samples the domain of each episode; each term, randomizer and body's surface draws from a stream of its own."""

    def __init__(self, parameters: Parameters, randomization: Randomization, looks: SceneLooks) -> None:
        """Find which terms vary which parameter. Raises `ConfigError` for names that this environment lacks."""
        randomization.require_known(parameters, [spec.name for spec in looks.scene.objects])
        self.parameters, self.randomization, self.looks = parameters, randomization, looks
        found = {name: randomization.terms_of(name) for name in parameters}
        self._varying = [_Varying(parameters[name], terms) for name, terms in found.items() if terms]
        self._limits = [(one.parameter.name, one.parameter.low, one.parameter.high, one) for one in self._varying]
        self._within = [one for one in self._varying if any(term.when != "reset" for term in one.terms.values())]
        fitting = {pattern: [name for name in parameters if pattern in found[name]] for pattern in randomization.terms}
        self._fitting = {pattern: names for pattern, names in fitting.items() if names}
        self._looks = looks.varying(randomization)
        self._names = (*self._looks, *(f"domain.{pattern}" for pattern in self._fitting))

    def episode(self, seed: int, number: int, given: Mapping[str, float]) -> Domain:
        """Return the domain of an episode.

        Args:
            seed: of the environment.
            number: of the episode under that seed.
            given: values that replace those that are drawn. Terms of "step" and "interval" go on drawing afterwards.
        """
        rngs = streams(seed, number, self._names)
        seen = dict(zip(self._looks, rngs[: len(self._looks)], strict=True))
        terms = dict(zip(self._fitting, rngs[len(self._looks) :], strict=True))
        values = self.parameters.nominal() | self.looks.sample(self.randomization, seen)
        within = [(one, values[one.parameter.name]) for one in self._within]
        for pattern, names in self._fitting.items():
            term = self.randomization.terms[pattern]
            for name, drawn in zip(names, term.distribution.samples(terms[pattern], len(names)), strict=True):
                values[name] = term.applied(values[name], drawn)
        for name, low, high, one in self._limits:
            if not low <= values[name] <= high or one.parameter.whole:
                values[name] = one.kept(values[name])
        return Domain(values | dict(given), within, terms)
