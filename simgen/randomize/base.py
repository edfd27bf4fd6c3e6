"""The protocol of a randomizer, and the config types that several of them share."""

import colorsys
import dataclasses
from dataclasses import field
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from pydantic import ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from simgen.errors import AssetError, did_you_mean
from simgen.randomize.distributions import Number, Uniform
from simgen.scene import MaterialSpec, ObjectSpec, Plain, SceneSpec, Vec3
from simgen.textures import TEXTURES, find_images

SECTION = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Randomizer(Protocol):
    """A frozen dataclass that is its own config: maps a scene to a more determined scene."""

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        """Return the scene with this randomizer's part sampled from `rng` and nothing else."""
        ...


@dataclass(frozen=True, config=SECTION)
class Color:
    """A random colour in HSV; hue, saturation and value are 0 to 1 (hue wraps around)."""

    hue: Number = Uniform(0, 1)
    saturation: Number = Uniform(0, 1)
    value: Number = Uniform(0, 1)

    def sample(self, rng: Generator) -> tuple[int, int, int]:
        """Return rgb, 0 to 255."""
        h, s, v = (d.sample(rng) for d in (self.hue, self.saturation, self.value))
        r, g, b = colorsys.hsv_to_rgb(h % 1.0, float(np.clip(s, 0, 1)), float(np.clip(v, 0, 1)))
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
    """

    textures: dict[str, float] = field(default_factory=lambda: {"plain": 1.0})
    color: Color = Color()
    contrast: Number = Uniform(0, 1)
    scale: Number = Uniform(2, 12)
    specular: Number = Uniform(0, 0.6)
    photos: tuple[str, ...] = ()

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
        for name, weight in self.textures.items():
            if name not in TEXTURES:
                raise ValueError(f'textures: unknown texture "{name}"{did_you_mean(name, TEXTURES)}')
            if weight < 0:
                raise ValueError(f"textures.{name}: expected a weight >= 0, got {weight:g}")
        if sum(self.textures.values()) <= 0:
            raise ValueError("textures: expected at least one weight above 0")
        if self.textures.get("photo") and not self.photos:
            raise ValueError('textures: "photo" needs image files under "photos"')
        return self

    def sample(self, rng: Generator) -> MaterialSpec:
        """Return one surface."""
        return MaterialSpec(self.sample_texture(rng), round(self.specular.sample(rng), 6))

    def sample_texture(self, rng: Generator) -> Plain:
        """Return one texture section."""
        weights = np.array(list(self.textures.values()))
        kind = str(rng.choice(list(self.textures), p=weights / weights.sum()))
        if kind == "photo":
            width, height = rng.uniform(0.4, 1.0, 2)
            left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
            crop = tuple(round(float(v), 6) for v in (left, top, width, height))
            return {"kind": kind, "path": str(rng.choice(list(self.photos))), "crop": crop}
        first = np.array(self.color.sample(rng))
        share = float(np.clip(self.contrast.sample(rng), 0, 1))
        others = [first + share * (np.array(rng.integers(0, 256, 3)) - first) for _ in range(2)]
        colors = [tuple(int(v) for v in np.clip(c, 0, 255)) for c in (first, *others)]
        return {
            "kind": kind,
            "colors": colors[:1] if kind == "plain" else colors,
            "scale": round(max(self.scale.sample(rng), 1e-3), 4),
            "seed": int(rng.integers(2**31)),
        }


def vec3(values: ArrayLike, digits: int = 6) -> Vec3:
    """Return three rounded floats: few digits keep the metadata short and exact in JSON."""
    x, y, z = (round(float(v), digits) for v in np.asarray(values, float))
    return x, y, z


def add_objects(scene: SceneSpec, new: list[ObjectSpec]) -> SceneSpec:
    """Return the scene with the objects added."""
    return dataclasses.replace(scene, objects=(*scene.objects, *new))
