"""The randomizer of the user's own objects: any model of the catalog, CAD files among them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.random import Generator
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from simgen.catalog import MODELS, build_model
from simgen.errors import AssetError, SimgenError
from simgen.randomize.base import SECTION, Material, add_objects
from simgen.randomize.distributions import DISTRIBUTIONS, Constant, Distribution, Uniform, parse_distribution
from simgen.randomize.quantities import Count, Mass, named_end
from simgen.registry import SectionError, build
from simgen.rng import stream
from simgen.scene import ObjectSpec, Plain, SceneSpec


@dataclass(frozen=True, config=SECTION)
class Item:
    """One kind of object.

    Attributes:
        model: a section of `simgen.catalog.MODELS`, e.g. {kind: mesh, path: bracket.obj, scale: 0.001}. Any number in
            it may be a range or a distribution, e.g. {kind: cylinder, radius_m: [0.01, 0.02], height_m: 0.05}.
        name: its class; None leaves it to the model, and an object without a class is not labelled.
        material: its surface.
        mass_kg: 0 keeps it where it is.
        weight: how often it is chosen, relative to the others.
    """

    model: Plain
    name: str | None = None
    material: Material = Material()
    mass_kg: Mass = Uniform(0.02, 0.1)
    weight: Annotated[float, Field(ge=0)] = 1.0

    @field_validator("model")
    @classmethod
    def _can_be_built(cls, section: Plain, info: ValidationInfo) -> Plain:
        try:
            for end in (0, 1):  # what the model is for the least and for the largest numbers
                build(MODELS, _replaced(section, lambda number, end=end: _end(number, end)), "")  # type: ignore[misc]
            model = build_model(sampled(section, stream(0, 0, "check")))
            if info.context is not None:
                model.mesh(Path(info.context))
        except AssetError as error:
            raise ValueError(str(error)) from None
        except SimgenError as error:
            raise SectionError(str(error).removeprefix("model.")) from None
        return section


@dataclass(frozen=True, config=SECTION)
class Objects:
    """Labelled objects, each a random one of `items`; `drop` or `grid` gives them their places."""

    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    count: Count = Constant(1)

    @model_validator(mode="after")
    def _something_to_choose(self) -> "Objects":
        if sum(item.weight for item in self.items) <= 0:
            raise ValueError("items: expected at least one weight above 0")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that the items are of."""
        return tuple(item.name for item in self.items if item.name is not None)

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        first = len(scene.objects)
        number = self.count.sample_int(rng)
        return add_objects(scene, [self._object(f"object_{first + i:02d}", rng) for i in range(number)])

    def _object(self, name: str, rng: Generator) -> ObjectSpec:
        total = sum(item.weight for item in self.items)
        item = self.items[int(rng.choice(len(self.items), p=[i.weight / total for i in self.items]))]
        return ObjectSpec(
            name,
            sampled(item.model, rng),
            item.material.sample(rng),
            mass_kg=round(item.mass_kg.sample(rng), 5),
            labelled=True,
            class_name=item.name,
        )


def sampled(value: Any, rng: Generator) -> Any:
    """Return plain data with every range [low, high] and every distribution in it replaced by a number drawn."""
    return _replaced(value, lambda number: number.sample(rng))


def _end(number: Distribution, end: int) -> float:
    found, name = number.support()[end], ("low", "high")[end]
    if not np.isfinite(found):
        raise ValueError(f'expected a distribution with "low" and "high", got {named_end(number, found, name)}')
    return found


def _replaced(value: Any, draw: Callable[[Distribution], float]) -> Any:
    if isinstance(value, Mapping):
        if value.get("kind") in DISTRIBUTIONS:
            return round(draw(parse_distribution(value)), 6)
        return {key: _replaced(inner, draw) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 2 and all(type(v) in (int, float) for v in value):
            return round(draw(parse_distribution(value)), 6)
        return [_replaced(inner, draw) for inner in value]
    return value
