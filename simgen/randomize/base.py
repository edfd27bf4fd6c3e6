"""The protocol of a randomizer, and the config types that several of them share."""

import colorsys
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.random import Generator
from pydantic import BeforeValidator, ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from simgen.environments import linear_from_srgb
from simgen.errors import AssetError, ConfigError, did_you_mean
from simgen.randomize.distributions import Constant, Number, Uniform, clipped, weighted
from simgen.randomize.quantities import Share, Within
from simgen.registry import SectionError, build
from simgen.scene import MaterialSpec, ObjectSpec, Plain, Rgb, SceneSpec, Vec3, materials_of
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

    def sample(self, rng: Generator) -> Rgb:
        """Return rgb, 0 to 255."""
        return self.samples(rng, 1)[0]

    def samples(self, rng: Generator, count: int) -> list[Rgb]:
        """Return `count` colours."""
        columns = [d.samples(rng, count) for d in (self.hue, self.saturation, self.value)]
        return [_rgb(*hsv) for hsv in zip(*columns, strict=True)]


def _rgb(hue: float, saturation: float, value: float) -> Rgb:
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, clipped(saturation), clipped(value))
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
        normal_maps: image files and folders of them, for the bump instead of `details`; at a `bump` of 1 as they are.
        details: weights of the procedural kinds whose brightness varies the roughness and is the bump's height.
        detail_scale: number of their features across the surface.
        projection: "uv", or "triplanar" for meshes whose texture coordinates are missing or bad.
        texture_size_m: edge of a texture tile under triplanar projection.
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
    transmission_depth_m: Annotated[Number, Within(1e-4, 100)] = Constant(0.01)
    normal_maps: tuple[str, ...] = ()
    details: dict[str, float] = field(default_factory=lambda: {"noise": 1.0})
    detail_scale: Features = Uniform(4, 40)
    projection: Literal["uv", "triplanar"] = "uv"
    texture_size_m: Annotated[Number, Within(1e-4, 100)] = Constant(0.1)

    @field_validator("photos", "normal_maps")
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
        _require_weights("textures", self.textures, [name for name in TEXTURES if name != "normal_map"])
        _require_weights("details", self.details, [name for name in TEXTURES if name not in _FILES])
        if self.normal_maps and self.bump == Constant(0):
            raise ValueError('normal_maps: expected a "bump" above 0 (1 takes the maps as they are), got 0')
        if self.textures.get("photo") and not self.photos:
            raise ValueError('textures: "photo" needs image files under "photos"')
        return self

    def sample(self, rng: Generator) -> MaterialSpec:
        """Return one surface."""
        return self.samples(rng, 1)[0]

    def samples(self, rng: Generator, count: int) -> list[MaterialSpec]:
        """Return `count` surfaces.

        What only physically based renderers see is drawn from a child of the stream: it does not move the numbers
        that follow, so a scene looks the same to the others whether it is varied or not.
        """
        textures, specular = self._textures(rng, count), self.specular.samples(rng, count)
        child = rng.spawn(1)[0]
        shares = [np.clip(getattr(self, name).samples(child, count), 0, 1).round(4).tolist() for name in _SHARES]
        bumps, depths = self.bump.samples(child, count), self.transmission_depth_m.samples(child, count)
        surfaces = []
        for texture, gloss, bump, depth_m, *numbers in zip(textures, specular, bumps, depths, *shares, strict=True):
            named: dict[str, Any] = dict(zip(_SHARES, numbers, strict=True))
            if self.projection != "uv":
                size_m = round(self.texture_size_m.sample(child), 6)
                named |= {"projection": self.projection, "texture_size_m": size_m}
            varied = named["roughness_contrast"] > 0
            details = [self._detail(child) if wanted else None for wanted in (varied, bump)]
            if bump and self.normal_maps:
                details[1] = {"kind": "normal_map", "path": str(child.choice(list(self.normal_maps)))}
            surfaces.append(
                {
                    "texture": texture,
                    "specular": round(gloss, 6),
                    **named,
                    "transmission_depth_m": round(depth_m, 6),
                    "bump": round(bump, 4),
                    "roughness_texture": details[0],
                    "bump_texture": details[1],
                }
            )
        return materials_of(surfaces)

    def _detail(self, rng: Generator) -> Plain:
        scale, seed = round(max(self.detail_scale.sample(rng), 1e-3), 4), int(rng.integers(2**31))
        return {"kind": _weighted(self.details, rng), "colors": _GREYS, "scale": scale, "seed": seed}

    def sample_texture(self, rng: Generator) -> Plain:
        """Return one texture section."""
        kind = _weighted(self.textures, rng)
        return self._photo(rng) if kind == "photo" else self._patterns([kind], rng)[0]

    def _textures(self, rng: Generator, count: int) -> list[Plain]:
        if self.textures.get("photo"):
            return [self.sample_texture(rng) for _ in range(count)]
        return self._patterns([_weighted(self.textures, rng) for _ in range(count)], rng)

    def _photo(self, rng: Generator) -> Plain:
        width, height = rng.uniform(0.4, 1.0, 2)
        left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        crop = tuple(round(float(v), 6) for v in (left, top, width, height))
        return {"kind": "photo", "path": str(rng.choice(list(self.photos))), "crop": crop}

    def _patterns(self, kinds: list[str], rng: Generator) -> list[Plain]:
        count = len(kinds)
        first = np.array(self.color.samples(rng, count)).reshape(-1, 1, 3)
        share = np.clip(self.contrast.samples(rng, count), 0, 1)[:, None, None]
        # A colour between two colours is one; whole numbers are cut, not rounded.
        others = (first + share * (rng.integers(0, 256, (count, 2, 3)) - first)).astype(int)
        palettes = np.concatenate([first, others], 1).tolist()
        scales, seeds = self.scale.samples(rng, count), rng.integers(2**31, size=count).tolist()
        return [
            {
                "kind": kind,
                "colors": [tuple(color) for color in (palette[:1] if kind == "plain" else palette)],
                "scale": round(max(scale, 1e-3), 4),
                "seed": seed,
            }
            for kind, palette, scale, seed in zip(kinds, palettes, scales, seeds, strict=True)
        ]


_SHARES = ("roughness", "roughness_contrast", "metallic", "clear_coat", "clear_coat_roughness", "transmission")
_FILES = ("photo", "normal_map")
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


def vec3(values: Iterable[float], digits: int = 6) -> Vec3:
    """Return three rounded floats: few digits keep the metadata short and exact in JSON."""
    x, y, z = (round(float(v), digits) for v in values)
    return x, y, z


def add_objects(scene: SceneSpec, new: list[ObjectSpec]) -> SceneSpec:
    """Return the scene with the objects added."""
    return dataclasses.replace(scene, objects=(*scene.objects, *new))
