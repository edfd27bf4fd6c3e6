"""Randomizers that put labelled objects, supports, trays and clutter into the scene (at the origin; layout follows)."""

from dataclasses import field
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.random import Generator
from pydantic import Field, ValidatorFunctionWrapHandler, field_validator
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError
from simgen.randomize.base import SECTION, Color, Material, add_objects, vec3
from simgen.randomize.distributions import Constant, Number, Uniform
from simgen.randomize.quantities import MOST_TURN_RAD, Count, Extent, Length, Mass, Share, Turn, Within
from simgen.registry import SectionError
from simgen.scene import MaterialSpec, ObjectSpec, Plain, Rgb, SceneSpec, objects_of
from simgen.strokes import StyleRanges, plain_style, sample_styles

Grey: TypeAlias = Annotated[Number, Within(0, 255)]
_STYLE_LIMITS = {
    "jitter": (0, 0.5),
    "slant": (-3, 3),
    "aspect": (0.1, 10),
    "rotation_rad": (-MOST_TURN_RAD, MOST_TURN_RAD),
    "wobble": (0, 0.5),
    "thickness": (0.005, 0.5),
    "pressure": (0, 0.95),
    "roundness": (0, 0.5),
    "scale": (0.1, 0.96),
    "offset_x": (-1, 1),
    "offset_y": (-1, 1),
}


@dataclass(frozen=True, config=SECTION)
class Surface:
    """The table: a fixed box whose top is at z = 0.

    Attributes:
        texture_px: pixels of its texture's edge.
    """

    size_m: Length = Constant(1.5)
    material: Material = Material()
    texture_px: Annotated[int, Field(ge=1, le=4096)] = 512

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        size = round(self.size_m.sample(rng), 4)
        model = {"kind": "box", "size_m": (size, size, 0.02), "texture_px": self.texture_px}
        table = ObjectSpec("table", model, self.material.sample(rng), (0, 0, -0.01), friction=0.6)
        return add_objects(scene, [table])


@dataclass(frozen=True, config=SECTION)
class Tray:
    """Four walls around the origin, and sometimes a floor of their own, with a given probability.

    Attributes:
        probability: of there being a tray at all.
        size_m: inner width; the depth is `aspect` times that.
    """

    probability: Share = Constant(0.5)
    size_m: Annotated[Number, Within(1e-3, 100)] = Uniform(0.15, 0.4)
    aspect: Annotated[Number, Within(0.1, 10)] = Uniform(0.6, 1.0)
    wall_height_m: Length = Uniform(0.01, 0.05)
    wall_thickness_m: Length = Uniform(0.002, 0.02)
    yaw_rad: Turn = Uniform(-0.2, 0.2)
    floor_probability: Share = Constant(0.7)
    wall: Material = Material()
    floor: Material = Material()

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        if rng.uniform() >= self.probability.sample(rng):
            return scene
        width = self.size_m.sample(rng)
        depth = width * self.aspect.sample(rng)
        height, thick = self.wall_height_m.sample(rng), self.wall_thickness_m.sample(rng)
        yaw, wall = self.yaw_rad.sample(rng), self.wall.sample(rng)
        floor = self.floor.sample(rng)
        cos, sin = np.cos(yaw), np.sin(yaw)
        quat = (0.0, 0.0, round(float(np.sin(yaw / 2)), 6), round(float(np.cos(yaw / 2)), 6))

        def part(name: str, size: tuple[float, float, float], x: float, y: float, look: MaterialSpec) -> ObjectSpec:
            place = vec3((cos * x - sin * y, sin * x + cos * y, size[2] / 2))
            return ObjectSpec(name, {"kind": "box", "size_m": vec3(size, 4)}, look, place, quat)

        parts = [
            part("wall_east", (thick, depth + 2 * thick, height), (width + thick) / 2, 0, wall),
            part("wall_west", (thick, depth + 2 * thick, height), -(width + thick) / 2, 0, wall),
            part("wall_north", (width, thick, height), 0, (depth + thick) / 2, wall),
            part("wall_south", (width, thick, height), 0, -(depth + thick) / 2, wall),
        ]
        if rng.uniform() < self.floor_probability.sample(rng):
            parts.append(part("tray_floor", (width, depth, 0.001), 0, 0, floor))
        return add_objects(scene, parts)


@dataclass(frozen=True, config=SECTION)
class Dice:
    """Six-sided dice; see `simgen.catalog.die.Die` for what the numbers mean.

    Attributes:
        turned_probability: of the two, three and six running the other way, each.
        contrast_min: least difference in brightness between body and pips, 0 to 255.
    """

    count: Count = Uniform(1, 12)
    size_m: Length = Uniform(0.012, 0.02)
    edge_radius: Share = Uniform(0.08, 0.35)
    corner_cut: Share = Uniform(0, 0.5)
    pip_radius: Share = Uniform(0.14, 0.24)
    pip_spread: Share = Uniform(0.42, 0.58)
    one_scale: Annotated[Number, Within(0.1, 10)] = Uniform(1.0, 1.4)
    pip_depth: Share = Uniform(0, 1)
    sheen: Annotated[Number, Within(-1, 1)] = Uniform(-0.1, 0.3)
    clearness: Share = Constant(0)
    gloss: Share = Constant(0)
    turned_probability: Share = Constant(0.5)
    left_handed_probability: Share = Constant(0.5)
    contrast_min: Grey = Constant(50)
    mass_kg: Mass = Uniform(0.003, 0.008)
    body: Material = Material()
    pips: Annotated[tuple[Color, ...], Field(min_length=1)] = (Color(),)
    face_px: Annotated[int, Field(ge=8, le=1024)] = 64

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        return add_objects(scene, [self._die(f"die_{i:02d}", rng) for i in range(self.count.sample_int(rng))])

    def _die(self, name: str, rng: Generator) -> ObjectSpec:
        body = self.body.sample(rng)
        model: Plain = {"kind": "die", "face_px": self.face_px, "pip_color": self._pip_color(body, rng)}
        for key in ("size_m", "edge_radius", "corner_cut", "pip_radius", "pip_spread", "one_scale"):
            model[key] = round(getattr(self, key).sample(rng), 5)
        for key in ("pip_depth", "sheen", "clearness", "gloss"):
            model[key] = round(getattr(self, key).sample(rng), 5)
        model["gloss_angle_rad"] = round(float(rng.uniform(-np.pi, np.pi)), 4)
        turned, mirror = self.turned_probability.sample(rng), self.left_handed_probability.sample(rng)
        model["turned"] = tuple(bool(v < turned) for v in rng.uniform(size=3))
        model["left_handed"] = bool(rng.uniform() < mirror)
        return ObjectSpec(name, model, body, mass_kg=round(self.mass_kg.sample(rng), 5), labelled=True)

    def _pip_color(self, body: MaterialSpec, rng: Generator) -> tuple[int, int, int]:
        """Return a pip colour; of ten draws the first that stands out enough from the body, else black or white."""
        least = self.contrast_min.sample(rng)
        ground = np.mean(body.texture.get("colors", [(128, 128, 128)]), axis=0)
        for _ in range(10):
            color = self.pips[int(rng.integers(len(self.pips)))].sample(rng)
            if np.abs(ground - color).max() >= least:
                return color
        return (10, 10, 10) if ground.mean() > 128 else (245, 245, 245)


@dataclass(frozen=True, config=SECTION)
class DigitTiles:
    """Tiles with handwritten digits. `handwriting: false` writes every digit in one neat style."""

    count: Count = Constant(36)
    size_m: Length = Constant(0.03)
    height_m: Length = Uniform(0.002, 0.006)
    margin: Annotated[Number, Within(0, 0.45)] = Uniform(0.1, 0.2)
    body: Material = Material()
    ink: Color = Color()
    ink_contrast: Grey = Uniform(80, 230)
    handwriting: bool = True
    style: StyleRanges = field(default_factory=StyleRanges)

    @field_validator("style", mode="wrap")
    @classmethod
    def _possible(cls, value: Any, parse: ValidatorFunctionWrapHandler) -> StyleRanges:
        try:
            style: StyleRanges = parse(value)
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("digit strokes: ")) from None
        for name, (low, high) in _STYLE_LIMITS.items():
            for end in getattr(style, name):
                if not low <= end <= high:
                    raise SectionError(f"{name}: expected numbers from {low:g} to {high:g}, got {end:g}")
        return style

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        count = self.count.sample_int(rng)
        digits, bodies = rng.integers(10, size=count).tolist(), self.body.samples(rng, count)
        written = sample_styles(digits, rng, self.style) if self.handwriting else list(map(plain_style, digits))
        numbers = {
            "digit": digits,
            "style": [dict(vars(style)) for style in written],
            "ink": self._inks(bodies, rng),
            "size_m": [round(v, 5) for v in self.size_m.samples(rng, count)],
            "height_m": [round(v, 4) for v in self.height_m.samples(rng, count)],
            "margin": [round(v, 4) for v in self.margin.samples(rng, count)],
        }
        tiles = []
        for i, (body, *values) in enumerate(zip(bodies, *numbers.values(), strict=True)):
            model = {"kind": "digit_tile", **dict(zip(numbers, values, strict=True))}
            tiles.append({"name": f"tile_{i:02d}", "model": model, "material": body, "labelled": True})
        return add_objects(scene, objects_of(tiles))

    def _inks(self, bodies: list[MaterialSpec], rng: Generator) -> list[Rgb]:
        """Return a grey for each body, darker or brighter than it, a little tinted."""
        steps, tints = self.ink_contrast.samples(rng, len(bodies)), self.ink.samples(rng, len(bodies))
        palettes = [body.texture.get("colors", [(128, 128, 128)]) for body in bodies]
        grounds = np.array([sum(map(sum, colors)) / (3 * len(colors)) for colors in palettes])
        greys = np.where(grounds > 128, grounds - steps, grounds + steps).reshape(-1, 1)
        inks = np.clip(greys + (np.array(tints).reshape(-1, 3) - 128) * 0.3, 0, 255).astype(int).tolist()
        return [(r, g, b) for r, g, b in inks]


@dataclass(frozen=True, config=SECTION)
class Distractors:
    """Unlabelled bodies of procedural shape that fall with the rest or lie around it.

    Attributes:
        count: how many.
        size_m: their largest extent.
        flat_probability: of being a thin disc that lies within `rim_m` of the centre, as coins and rubber feet do.
        fixed_probability: of standing at the rim, `rim_m` from the centre, instead of being dropped.
    """

    count: Count = Uniform(0, 4)
    size_m: Annotated[Number, Within(1e-3, 100)] = Uniform(0.01, 0.05)
    flat_probability: Share = Constant(0)
    fixed_probability: Share = Constant(0.5)
    rim_m: Extent = Uniform(0.15, 0.3)
    material: Material = Material()

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        return add_objects(scene, [self._body(f"clutter_{i:02d}", rng) for i in range(self.count.sample_int(rng))])

    def _body(self, name: str, rng: Generator) -> ObjectSpec:
        size = self.size_m.sample(rng)
        a, b, c = (round(float(v), 5) for v in size * rng.uniform(0.3, 1.0, 3))
        models: list[Plain] = [
            {"kind": "box", "size_m": (a, b, c)},
            {"kind": "sphere", "radius_m": round(a / 2, 5)},
            {"kind": "cylinder", "radius_m": round(a / 2, 5), "height_m": b},
            {"kind": "capsule", "radius_m": round(a / 3, 5), "height_m": b},
            {"kind": "lump", "size_m": (a, b, c), "roundness": round(float(rng.uniform(0.2, 2.0)), 4)},
        ]
        model = models[int(rng.integers(len(models)))]
        material = self.material.sample(rng)
        angle, away, yaw = rng.uniform(0, 2 * np.pi), self.rim_m.sample(rng), rng.uniform(0, np.pi)
        if rng.uniform() < self.flat_probability.sample(rng):
            model = {"kind": "cylinder", "radius_m": round(a / 2, 5), "height_m": 0.0004}
            away, c = away * np.sqrt(rng.uniform()), 0.0004
        elif rng.uniform() >= self.fixed_probability.sample(rng):
            return ObjectSpec(name, model, material, mass_kg=0.01)
        place = vec3((away * np.cos(angle), away * np.sin(angle), c / 2))
        quat = (0.0, 0.0, round(float(np.sin(yaw / 2)), 6), round(float(np.cos(yaw / 2)), 6))
        return ObjectSpec(name, model, material, place, quat)
