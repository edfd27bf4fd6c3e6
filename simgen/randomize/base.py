"""The protocol of a randomizer, and the config types that several of them share."""

import colorsys
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any, Protocol, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from pydantic import BeforeValidator, ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from simgen.environments import linear_from_srgb
from simgen.errors import AssetError, ConfigError, did_you_mean
from simgen.randomize.distributions import Constant, Number, Uniform, clipped, weighted
from simgen.randomize.quantities import Share, Within
from simgen.registry import SectionError, build
from simgen.scene import MaterialSpec, ObjectSpec, Plain, SceneSpec, Vec3
from simgen.textures import TEXTURES, find_images

SECTION = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
Features: TypeAlias = Annotated[Number, Within(1e-3, 500)]
"""How many features a pattern has across a surface."""


class Randomizer(Protocol):
    """A frozen dataclass that is its own config: maps a scene to a more determined scene."""

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        """Return the scene with this randomizer's part sampled from `rng` and nothing else."""
        ...


@dataclass(frozen=True, config=SECTION)
class Color:
    """A random colour in HSV; hue, saturation and value are 0 to 1 (hue wraps around)."""

    hue: Number = Uniform(0, 1)
    saturation: Share = Uniform(0, 1)
    value: Share = Uniform(0, 1)

    def sample(self, rng: Generator) -> tuple[int, int, int]:
        """Return rgb, 0 to 255."""
        h, s, v = (d.sample(rng) for d in (self.hue, self.saturation, self.value))
        r, g, b = colorsys.hsv_to_rgb(h % 1.0, clipped(s), clipped(v))
        return round(255 * r), round(255 * g), round(255 * b)


@dataclass(frozen=True, config=SECTION)
class Material:
    """A random surface.

    Attributes:
        textures: weights of the procedural kinds, e.g. {plain: 3, marble: 1}; "photo" takes pictures of `photos`.
        color: of the first colour of the pattern.
        contrast: how far the pattern's other colours lie from the first, 0 = the same, 1 = unrelated.
        scale: number of features across the surface.
        specular: strength of the highlight.
        photos: image files and folders of them, relative to the configuration's folder.
        roughness: this and what follows is for physically based renderers; see `simgen.scene.MaterialSpec`.
        details: weights of the procedural kinds whose brightness varies the roughness and is the bump's height.
        detail_scale: number of their features across the surface.
    """

    textures: dict[str, float] = field(default_factory=lambda: {"plain": 1.0})
    color: Color = Color()
    contrast: Share = Uniform(0, 1)
    scale: Features = Uniform(2, 12)
    specular: Share = Uniform(0, 0.6)
    photos: tuple[str, ...] = ()
    roughness: Share = Constant(0.5)
    roughness_contrast: Share = Constant(0)
    metallic: Share = Constant(0)
    bump: Annotated[Number, Within(0, 10)] = Constant(0)
    clear_coat: Share = Constant(0)
    clear_coat_roughness: Share = Constant(0.1)
    transmission: Share = Constant(0)
    details: dict[str, float] = field(default_factory=lambda: {"noise": 1.0})
    detail_scale: Features = Uniform(4, 40)

    @field_validator("photos")
    @classmethod
    def _readable(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.context is None:
            return names
        try:
            return find_images(names, info.context)
        except AssetError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _known(self) -> "Material":
        _require_weights("textures", self.textures, TEXTURES)
        _require_weights("details", self.details, [name for name in TEXTURES if name != "photo"])
        if self.textures.get("photo") and not self.photos:
            raise ValueError('textures: "photo" needs image files under "photos"')
        return self

    def sample(self, rng: Generator) -> MaterialSpec:
        """Return one surface.

        What only physically based renderers see is drawn from a child of the stream: it does not move the numbers
        that follow, so a scene looks the same to the others whether it is varied or not.
        """
        texture, specular = self.sample_texture(rng), round(self.specular.sample(rng), 6)
        child = rng.spawn(1)[0]
        numbers: dict[str, Any] = {name: round(clipped(getattr(self, name).sample(child)), 4) for name in _SHARES}
        varied, bumpy = numbers["roughness_contrast"] > 0, self.bump.sample(child)
        return MaterialSpec(
            texture,
            specular,
            **numbers,
            bump=round(bumpy, 4),
            roughness_texture=self._detail(child) if varied else None,
            bump_texture=self._detail(child) if bumpy else None,
        )

    def _detail(self, rng: Generator) -> Plain:
        scale, seed = round(max(self.detail_scale.sample(rng), 1e-3), 4), int(rng.integers(2**31))
        return {"kind": _weighted(self.details, rng), "colors": _GREYS, "scale": scale, "seed": seed}

    def sample_texture(self, rng: Generator) -> Plain:
        """Return one texture section."""
        kind = _weighted(self.textures, rng)
        if kind == "photo":
            width, height = rng.uniform(0.4, 1.0, 2)
            left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
            crop = tuple(round(float(v), 6) for v in (left, top, width, height))
            return {"kind": kind, "path": str(rng.choice(list(self.photos))), "crop": crop}
        first, share = self.color.sample(rng), clipped(self.contrast.sample(rng))
        others = rng.integers(0, 256, (2, 3)).tolist()
        # A colour between two colours is one; whole numbers are cut, not rounded.
        colors = [first] + [tuple(int(a + share * (b - a)) for a, b in zip(first, c, strict=True)) for c in others]
        return {
            "kind": kind,
            "colors": colors[:1] if kind == "plain" else colors,
            "scale": round(max(self.scale.sample(rng), 1e-3), 4),
            "seed": int(rng.integers(2**31)),
        }


_SHARES = ("roughness", "roughness_contrast", "metallic", "clear_coat", "clear_coat_roughness", "transmission")
_GREYS = ((0, 0, 0), (255, 255, 255))


def _weighted(weights: dict[str, float], rng: Generator) -> str:
    return list(weights)[weighted(tuple(weights.values()), rng)]


def _require_weights(where: str, weights: dict[str, float], known: Iterable[str]) -> None:
    options = list(known)
    for name, weight in weights.items():
        if name not in options:
            raise ValueError(f'{where}: unknown texture "{name}"{did_you_mean(name, options)}')
        if weight < 0:
            raise ValueError(f"{where}.{name}: expected a weight >= 0, got {weight:g}")
    if sum(weights.values()) <= 0:
        raise ValueError(f"{where}: expected at least one weight above 0")


def linear(color: Color, rng: Generator) -> Vec3:
    """Return a colour as linear rgb, 0 to 1."""
    return vec3(linear_from_srgb(np.array(color.sample(rng)) / 255), 4)


def section_of(table: Mapping[str, type[Any]]) -> BeforeValidator:
    """Return the pydantic validator that makes a plug-in of a section {"kind": ..., fields}."""

    def parse(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, tuple(table.values())):
            return value
        try:
            return build(table, value, "", info.context)
        except ConfigError as error:
            raise SectionError(str(error)) from None

    return BeforeValidator(parse)


def vec3(values: ArrayLike, digits: int = 6) -> Vec3:
    """Return three rounded floats: few digits keep the metadata short and exact in JSON."""
    x, y, z = (round(float(v), digits) for v in np.asarray(values, float))
    return x, y, z


def add_objects(scene: SceneSpec, new: list[ObjectSpec]) -> SceneSpec:
    """Return the scene with the objects added."""
    return dataclasses.replace(scene, objects=(*scene.objects, *new))
