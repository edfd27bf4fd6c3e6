"""What a randomization says: the generator's own sections for what is seen, and terms for single numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from simgen.envs.domain.vocabulary import BODIES, VOCABULARY
from simgen.errors import ConfigError, did_you_mean
from simgen.randomize import RANDOMIZERS, Material
from simgen.randomize.base import SECTION
from simgen.randomize.distributions import Number
from simgen.registry import SectionError, build, validate

SEEN = ("light", "lamps", "environment", "background", "sensor")
"""Randomizers of the generator that an environment uses as they are; its cameras vary by terms around their places."""


@dataclass(frozen=True, config=SECTION)
class Term:
    """How one parameter varies.

    Attributes:
        distribution: as anywhere in a config: a number, a range, or a named distribution.
        operation: what is done to the value: "set" it, "scale" it, or "add" to it.
        when: drawn anew at every "reset", at every "step", or at every "interval" of steps.
        every_steps: length of the interval.
    """

    distribution: Number
    operation: Literal["set", "scale", "add"] = "set"
    when: Literal["reset", "step", "interval"] = "reset"
    every_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 10

    def applied(self, value: float, drawn: float) -> float:
        """Return what a drawn number makes of the value."""
        if self.operation == "set":
            return drawn
        return value * drawn if self.operation == "scale" else value + drawn

    def due(self, step: int) -> bool:
        """Return whether a step of an episode (from 1) draws anew."""
        return self.when == "step" or (self.when == "interval" and step % self.every_steps == 0)


def _term(name: str, value: Any) -> Term:
    """Return a term; a bare distribution stands for one that sets it."""
    if isinstance(value, Term):
        return value
    fields = value if isinstance(value, Mapping) and "kind" not in value else {"distribution": value}
    try:
        return validate(Term, fields, name)
    except ConfigError as error:
        raise SectionError(str(error)) from None


@dataclass(frozen=True, config=SECTION)
class Randomization:
    """How an environment's domain is sampled.

    Attributes:
        scene: randomizers of the generator by name (`light`, `lamps`, `environment`, `background`, `sensor`).
        materials: surfaces by body; "*" is for bodies that are not named.
        terms: by parameter; names may hold "*". Where several fit, they are applied in order.
        pool: how many different surfaces, backgrounds and so on there are: PyBullet never frees a texture.
        pool_seed: which ones.
        shared: whether it is for several environments: what one of them lacks, but another has, changes nothing in it.
            Else that is refused.
    """

    scene: dict[str, Any] = field(default_factory=dict)
    materials: dict[str, Material] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    pool: Annotated[int, Field(ge=1, le=1000)] = 64
    pool_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    shared: bool = False

    @field_validator("scene")
    @classmethod
    def _built(cls, sections: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return {name: _randomizer(name, section, info.context) for name, section in sections.items()}

    @field_validator("terms", mode="before")
    @classmethod
    def _parsed(cls, terms: Any) -> Any:
        return {str(k): _term(str(k), v) for k, v in terms.items()} if isinstance(terms, Mapping) else terms

    def require_known(self, parameters: Mapping[str, Any], bodies: list[str]) -> None:
        """Raise `ConfigError` for a name that this environment lacks or, if it is `shared`, that all of them lack."""
        for name in self.terms:
            if not _fits(name, parameters):
                known = [parameter for parameter in parameters if not parameter.endswith("draw")]
                self._refuse_unless_shared("terms", "parameter", name, _fits(name, VOCABULARY), known)
        for name in self.materials:
            if name not in (*bodies, "*"):
                self._refuse_unless_shared("materials", "body", name, name in BODIES, [*bodies, "*"])

    def _refuse_unless_shared(self, where: str, what: str, name: str, elsewhere: bool, known: list[str]) -> None:
        if not elsewhere:
            raise ConfigError(f'{where}: unknown {what} "{name}"{did_you_mean(name, known)}')
        if not self.shared:
            hint = '"shared: true" lets a randomization serve several environments'
            raise ConfigError(f'{where}: this environment has no {what} "{name}"; {hint}')

    def terms_of(self, name: str) -> dict[str, Term]:
        """Return the terms that vary a parameter, in order, by the pattern that they stand under."""
        return {pattern: term for pattern, term in self.terms.items() if fnmatchcase(name, pattern)}

    def material_of(self, body: str) -> Material | None:
        """Return what a body's surface is drawn from, None for its own."""
        return self.materials.get(body, self.materials.get("*"))


def _fits(pattern: str, names: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _randomizer(name: str, section: Any, root: Path | None) -> Any:
    if name == "camera":
        raise SectionError('camera: expected the terms "camera.*" instead, around the places of the cameras')
    if name not in SEEN:
        raise SectionError(f'{name}: unknown randomizer "{name}"{did_you_mean(name, SEEN)}')
    if not isinstance(section, Mapping | None):
        return section if isinstance(section, RANDOMIZERS[name]) else _refused(name, section)
    try:
        return build(RANDOMIZERS, {**(section or {}), "kind": name}, name, root)
    except ConfigError as error:
        raise SectionError(str(error)) from None


def _refused(name: str, section: Any) -> Any:
    raise SectionError(f"{name}: expected a section, got {section!r:.80}")
