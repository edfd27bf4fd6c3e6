"""Randomizers of light, background, camera and sensor."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np
from numpy.random import Generator
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError, RenderError
from simgen.lens import LENSES, lens_of
from simgen.randomize.base import SECTION, Material, section_of, vec3
from simgen.randomize.distributions import HALF_TURN_RAD, Constant, Distribution, Number, Uniform
from simgen.randomize.lamps import lux_at_origin
from simgen.randomize.quantities import Height, Ratio, Share, Shift, Turn, Within
from simgen.scene import CameraSpec, LightSpec, Plain, SceneSpec, SensorSpec

Coefficient: TypeAlias = Annotated[Number, Within(-100, 100)]
Stops: TypeAlias = Annotated[Number, Within(-30, 30)]


@dataclass(frozen=True, config=SECTION)
class Light:
    """One directional light.

    Attributes:
        elevation_rad: of the light over the horizon.
        tint: how far red, green and blue may lie below 1.
        shadow_probability: of casting a shadow.
    """

    elevation_rad: Height = Uniform(0.5, 1.55)
    azimuth_rad: Turn = Uniform(-np.pi, np.pi)
    tint: Share = Uniform(0, 0.15)
    ambient: Share = Uniform(0.45, 0.8)
    diffuse: Share = Uniform(0.15, 0.5)
    specular: Share = Uniform(0, 0.3)
    shadow_probability: Share = Constant(0.7)

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        return dataclasses.replace(scene, light=self.sample(rng))

    def sample(self, rng: Generator) -> LightSpec:
        """Return a light."""
        up, around = self.elevation_rad.sample(rng), self.azimuth_rad.sample(rng)
        direction = (np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up))
        color = [1 - self.tint.sample(rng) for _ in range(3)]
        ambient, diffuse, specular = (round(d.sample(rng), 4) for d in (self.ambient, self.diffuse, self.specular))
        shadow = bool(rng.uniform() < self.shadow_probability.sample(rng))
        return LightSpec(vec3(direction), vec3(color, 4), ambient, diffuse, specular, shadow)


@dataclass(frozen=True, config=SECTION)
class Background:
    """What is seen where no object is."""

    material: Material = Material()

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        return dataclasses.replace(scene, background=self.material.sample_texture(rng))


class _Coefficients:
    """The random numbers of a lens, which its subclass names as fields."""

    kind: ClassVar[str]

    def sample(self, rng: Generator) -> Plain:
        """Return a section of `simgen.lens.LENSES`."""
        return {"kind": self.kind} | {
            name: round(getattr(self, name).sample(rng), 6) for name in LENSES[self.kind].names
        }


@dataclass(frozen=True, config=SECTION)
class BrownRange(_Coefficients):
    """Radial and tangential coefficients; see `simgen.lens.Brown`."""

    kind: ClassVar[str] = "brown"

    k1: Coefficient = Constant(0)
    k2: Coefficient = Constant(0)
    p1: Coefficient = Constant(0)
    p2: Coefficient = Constant(0)
    k3: Coefficient = Constant(0)


@dataclass(frozen=True, config=SECTION)
class FisheyeRange(_Coefficients):
    """Coefficients of a wide lens; see `simgen.lens.Fisheye`."""

    kind: ClassVar[str] = "fisheye"

    k1: Coefficient = Constant(0)
    k2: Coefficient = Constant(0)
    k3: Coefficient = Constant(0)
    k4: Coefficient = Constant(0)


LENS_RANGES: dict[str, type[Any]] = {"brown": BrownRange, "fisheye": FisheyeRange}
LensRange = Annotated[BrownRange | FisheyeRange, section_of(LENS_RANGES)]
_LENS_DRAWS = 20


@dataclass(frozen=True, config=SECTION)
class Camera:
    """A camera that looks at a point near the origin, given by what it sees: the real camera's object scale.

    Attributes:
        view_width_m: width of what is in view at the distance of the point looked at.
        fov_rad: horizontal field of view; the distance follows from both.
        tilt_rad: angle from looking straight down.
        azimuth_rad: the side that the camera stands on.
        target_m: shift of the point looked at along x and y.
        aspect: fy over fx.
        center_offset: shift of the principal point from the image's centre, as a share of the width.
        skew: K[0, 1] in pixels.
        lens: a kind of `simgen.lens.LENSES` with a distribution for each coefficient; coefficients that cannot be
            undone over the image are drawn again, and the whole camera with them.
        exposure_ev: exposure value at ISO 100 of a physically lit scene; null lets the camera meter the frame.
        exposure_bias_ev: instead of `exposure_ev`: stops over what an incident-light meter at the origin says, so that
            white stays white and black black. It counts the lamps and the environment drawn before the camera.
    """

    view_width_m: Annotated[Number, Within(1e-3, 1000)] = Uniform(0.25, 0.5)
    fov_rad: Annotated[Number, Within(0.01, 3)] = Uniform(0.6, 1.1)
    tilt_rad: Annotated[Number, Within(-HALF_TURN_RAD, HALF_TURN_RAD)] = Uniform(0, 0.4)
    azimuth_rad: Turn = Uniform(-np.pi, np.pi)
    roll_rad: Turn = Uniform(-0.1, 0.1)
    target_m: Shift = Uniform(-0.03, 0.03)
    aspect: Ratio = Constant(1)
    center_offset: Annotated[Number, Within(-1, 1)] = Constant(0)
    skew: Annotated[Number, Within(-1000, 1000)] = Constant(0)
    lens: LensRange | None = None
    exposure_ev: Stops | None = None
    exposure_bias_ev: Stops | None = None

    @model_validator(mode="after")
    def _one_exposure(self) -> "Camera":
        if self.exposure_ev is not None and self.exposure_bias_ev is not None:
            raise ValueError("expected exposure_ev or exposure_bias_ev, got both")
        return self

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        refused = ""
        for _ in range(_LENS_DRAWS):
            camera = self._draw(scene.camera.size_wh, rng)
            try:
                lens_of(camera)
            except RenderError as error:
                refused = str(error)
                continue
            return dataclasses.replace(
                scene, camera=dataclasses.replace(camera, exposure_ev=self._exposure(scene, rng))
            )
        raise ConfigError(
            f"{refused}; got none in {_LENS_DRAWS} draws of the camera that will do: take coefficients nearer to 0 "
            "or a smaller fov_rad"
        )

    def _draw(self, size_wh: tuple[int, int], rng: Generator) -> CameraSpec:
        width, height = size_wh
        half = self.fov_rad.sample(rng) / 2
        distance = self.view_width_m.sample(rng) / (2 * np.tan(half))
        tilt, around = self.tilt_rad.sample(rng), self.azimuth_rad.sample(rng)
        target = np.array([self.target_m.sample(rng), self.target_m.sample(rng), 0.0])
        away = np.array([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), np.cos(tilt)])
        focal = width / (2 * np.tan(half))
        center = [(s - 1) / 2 + width * self.center_offset.sample(rng) for s in (width, height)]
        return CameraSpec(
            size_wh=(width, height),
            focal_px=(round(float(focal), 4), round(float(focal * self.aspect.sample(rng)), 4)),
            center_px=(round(center[0], 4), round(center[1], 4)),
            eye_m=vec3(target + distance * away),
            target_m=vec3(target),
            roll_rad=round(self.roll_rad.sample(rng), 5),
            skew=round(self.skew.sample(rng), 4),
            lens=None if self.lens is None else self.lens.sample(rng),
        )

    def _exposure(self, scene: SceneSpec, rng: Generator) -> float | None:
        if self.exposure_ev is not None:
            return round(self.exposure_ev.sample(rng), 4)
        lux = lux_at_origin(scene)
        if self.exposure_bias_ev is None or not lux:
            return None
        # Incident-light meters (ISO 2720) with C = 250: 2^EV = lux 100 / 250 at ISO 100.
        return round(float(np.log2(lux / 2.5)) - self.exposure_bias_ev.sample(rng), 4)


@dataclass(frozen=True, config=SECTION)
class Sensor:
    """See `simgen.scene.SensorSpec` for what the numbers mean.

    Attributes:
        white_balance: factor, drawn for red and blue.
    """

    exposure: Ratio = Constant(1)
    white_balance: Ratio = Constant(1)
    gamma: Annotated[Number, Within(0.05, 20)] = Constant(1)
    resolution: Annotated[Number, Within(0.01, 1)] = Constant(1)
    blur_px: Annotated[Number, Within(0, 100)] = Constant(0)
    noise: Annotated[Number, Within(0, 255)] = Constant(0)
    vignette: Share = Constant(0)
    jpeg_quality: Annotated[Number, Within(1, 100, whole=True)] = Constant(100)

    def __call__(self, scene: SceneSpec, rng: Generator) -> SceneSpec:
        return dataclasses.replace(scene, sensor=self.sample(rng))

    def sample(self, rng: Generator) -> SensorSpec:
        """Return a sensor."""

        def draw(numbers: Sequence[Distribution]) -> list[float]:
            return [round(n.sample(rng), 4) for n in numbers]

        exposure, gamma, resolution = draw((self.exposure, self.gamma, self.resolution))
        blur, noise, vignette = draw((self.blur_px, self.noise, self.vignette))
        red, blue = draw((self.white_balance, self.white_balance))
        quality = min(max(self.jpeg_quality.sample_int(rng), 1), 100)
        seed = int(rng.integers(2**31))
        balance = (red, 1.0, blue)
        return SensorSpec(exposure, balance, gamma, min(resolution, 1.0), blur, noise, vignette, quality, seed)
