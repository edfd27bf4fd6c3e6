"""`SceneSpec`: everything that was sampled for one scene, as plain frozen data.

Simulator and renderer are views of it. It converts to and from a dict of JSON types without loss, goes into each
sample's metadata, and is all that is needed to make the sample again.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

Vec3: TypeAlias = tuple[float, float, float]


def _pointing(direction: Vec3) -> Vec3:
    if not any(direction):
        raise ValueError("expected a direction, got (0, 0, 0)")
    return direction


Direction: TypeAlias = Annotated[Vec3, AfterValidator(_pointing)]
Quat: TypeAlias = tuple[float, float, float, float]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Amount: TypeAlias = Annotated[float, Field(ge=0)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]
_Byte: TypeAlias = Annotated[int, Field(ge=0, le=255)]
Rgb: TypeAlias = tuple[_Byte, _Byte, _Byte]
Pixels: TypeAlias = Annotated[int, Field(ge=1)]
Plain: TypeAlias = dict[str, Any]
"""A plug-in as data: {"kind": its name in a table, and its fields}."""

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=STRICT)
class MaterialSpec:
    """How a surface looks: metallic-roughness, with the extensions that plastics need.

    Attributes:
        texture: base colour, a plug-in of `simgen.textures.TEXTURES`.
        specular: strength of the highlight, 0 to 1; of dielectrics, 0.5 is a reflectance of 4 % (KHR_materials_specular
            puts it at 1, Burley 2012 at 0.5; this is Burley's).
        roughness: perceptual, 0 is a mirror, 1 is matt.
        metallic: 0 is a dielectric, 1 a metal.
        roughness_texture: a plug-in whose brightness varies the roughness by `roughness_contrast`.
        roughness_contrast: how far the roughness moves at the texture's darkest and brightest, 0 to 1.
        bump_texture: a plug-in whose brightness is a height; or of the kind "normal_map", whose colours are directions.
        bump: strength of the height, 0 is flat; of a normal map, 1 is as the file has it.
        clear_coat: strength of a second, colourless gloss on top, 0 to 1.
        clear_coat_roughness: its roughness.
        transmission: share of the light that passes into the body and comes out scattered, as in translucent plastic.
        transmission_depth_m: how deep that light goes until 1/e of it is left.
        projection: "uv", or "triplanar" for meshes without texture coordinates.
        texture_size_m: edge of a texture tile under triplanar projection.
    """

    texture: Plain
    specular: Share = 0.2
    roughness: Share = 0.5
    metallic: Share = 0.0
    roughness_texture: Plain | None = None
    roughness_contrast: Share = 0.0
    bump_texture: Plain | None = None
    bump: Amount = 0.0
    clear_coat: Share = 0.0
    clear_coat_roughness: Share = 0.1
    transmission: Share = 0.0
    transmission_depth_m: Positive = 0.01
    projection: Literal["uv", "triplanar"] = "uv"
    texture_size_m: Positive = 0.1


@dataclass(frozen=True, config=STRICT)
class ObjectSpec:
    """One body.

    Attributes:
        name: unique in the scene.
        model: a plug-in of `simgen.catalog.MODELS`: shape, class rule, keypoints.
        position_m: of the model's centre (of a mesh file the middle of its box), which is also its centre of
            mass. Poses in labels are of the model's own frame, a mesh file's as it was written.
        mass_kg: 0 keeps the body where it is.
        labelled: whether it is annotated.
        class_name: its class; None leaves it to the model, which may read it from how the body lies.
    """

    name: str
    model: Plain
    material: MaterialSpec
    position_m: Vec3 = (0.0, 0.0, 0.0)
    quat_xyzw: Quat = (0.0, 0.0, 0.0, 1.0)
    linear_velocity_m_s: Vec3 = (0.0, 0.0, 0.0)
    angular_velocity_rad_s: Vec3 = (0.0, 0.0, 0.0)
    mass_kg: Amount = 0.0
    friction: Amount = 0.5
    restitution: Share = 0.1
    labelled: bool = False
    class_name: str | None = None


@dataclass(frozen=True, config=STRICT)
class LightSpec:
    """The one light of a simple renderer: `direction` points from the scene towards it; the rest is 0 to 1.

    A renderer that knows lamps and environments uses it where a scene has neither: `diffuse` as a directional lamp,
    `ambient` as a uniform environment.
    """

    direction: Direction = (0.3, 0.2, 1.0)
    color: tuple[Share, Share, Share] = (1.0, 1.0, 1.0)
    ambient: Share = 0.6
    diffuse: Share = 0.35
    specular: Share = 0.05
    shadow: bool = True


@dataclass(frozen=True, config=STRICT)
class LampSpec:
    """A lamp in physical units, for renderers that can.

    Attributes:
        kind: directional, point, spot, or area (a rectangle).
        intensity: lux on a surface that faces it for "directional"; lumens for the others.
        temperature_k: colour temperature of the black body; 6500 is white.
        color: a filter on top, rgb 0 to 1.
        position_m: of all but "directional".
        direction: where it shines (not where it stands); of all but "point".
        size_m: width and height of "area"; the diameter of "point" and "spot" is the first: it softens shadows.
        angle_rad: the angular diameter of "directional" (the sun's is 0.0093), the full cone of "spot".
        softness: share of a spot's cone over which it fades, 0 to 1.
        roll_rad: turn of an area's rectangle about its direction.
        shadow: whether it casts a shadow.
    """

    kind: Literal["directional", "point", "spot", "area"] = "directional"
    intensity: Amount = 1000.0
    temperature_k: Positive = 6500.0
    color: tuple[Share, Share, Share] = (1.0, 1.0, 1.0)
    position_m: Vec3 = (0.0, 0.0, 1.0)
    direction: Direction = (0.0, 0.0, -1.0)
    size_m: tuple[Positive, Positive] = (0.1, 0.1)
    angle_rad: Amount = 0.0093
    softness: Share = 0.3
    roll_rad: float = 0.0
    shadow: bool = True


@dataclass(frozen=True, config=STRICT)
class EnvironmentSpec:
    """Light from all around.

    Attributes:
        map: a plug-in of `simgen.environments.ENVIRONMENTS`: a sky, a studio, a uniform grey, an image file.
        intensity: lux on a horizontal surface under the open map; None keeps an image's own values.
        yaw_rad: turn about the vertical.
    """

    map: Plain
    intensity: float | None = 500.0
    yaw_rad: float = 0.0


@dataclass(frozen=True, config=STRICT)
class CameraSpec:
    """A camera at `eye_m` that looks at `target_m`; focal lengths and principal point in pixels.

    The centre of the top-left pixel is (0, 0).

    Attributes:
        skew: K[0, 1] in pixels.
        lens: a plug-in of `simgen.lens.LENSES` (Brown-Conrady, fisheye), or None for a pinhole.
        exposure_ev: exposure value at ISO 100 of a physically lit scene; None lets the camera meter the frame.
    """

    size_wh: tuple[Pixels, Pixels] = (640, 640)
    focal_px: tuple[Positive, Positive] = (700.0, 700.0)
    center_px: tuple[float, float] = (319.5, 319.5)
    eye_m: Vec3 = (0.0, 0.0, 0.5)
    target_m: Vec3 = (0.0, 0.0, 0.0)
    roll_rad: float = 0.0
    skew: float = 0.0
    lens: Plain | None = None
    exposure_ev: float | None = None

    @model_validator(mode="after")
    def _looks_somewhere(self) -> "CameraSpec":
        if self.eye_m == self.target_m:
            raise ValueError(f"expected eye_m and target_m to be two places, got {self.eye_m} for both")
        return self


@dataclass(frozen=True, config=STRICT)
class SensorSpec:
    """What the camera does to the light; the defaults do nothing.

    Attributes:
        exposure: factor on the intensities.
        white_balance: factors on red, green and blue.
        gamma: exponent on the intensities in [0, 1].
        resolution: share of the pixels' width and height that survives, 0 to 1.
        blur_px: standard deviation of the Gaussian blur in pixels.
        noise: standard deviation of the sensor noise in grey levels (0 to 255).
        vignette: how much darker the corners are, 0 to 1.
        jpeg_quality: 1 to 100; 100 leaves the image uncompressed.
        seed: of the noise.
    """

    exposure: Amount = 1.0
    white_balance: tuple[Amount, Amount, Amount] = (1.0, 1.0, 1.0)
    gamma: Positive = 1.0
    resolution: Annotated[float, Field(gt=0, le=1)] = 1.0
    blur_px: Amount = 0.0
    noise: Amount = 0.0
    vignette: Share = 0.0
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 100
    seed: int = 0


@dataclass(frozen=True, config=STRICT)
class SceneSpec:
    """One scene. `background` is the texture seen where no object is; without one, the environment is seen."""

    objects: tuple[ObjectSpec, ...] = ()
    light: LightSpec = LightSpec()
    lamps: tuple[LampSpec, ...] = ()
    environment: EnvironmentSpec | None = None
    camera: CameraSpec = CameraSpec()
    sensor: SensorSpec = SensorSpec()
    background: Plain | None = None
    gravity_m_s2: float = 9.81


_ADAPTER: TypeAdapter[SceneSpec] = TypeAdapter(SceneSpec)
_MATERIALS: TypeAdapter[list[MaterialSpec]] = TypeAdapter(list[MaterialSpec])
_OBJECTS: TypeAdapter[list[ObjectSpec]] = TypeAdapter(list[ObjectSpec])


def materials_of(rows: list[dict[str, Any]]) -> list[MaterialSpec]:
    """Return a material for each dict of fields: all at once in a third of the time."""
    return _MATERIALS.validate_python(rows)


def objects_of(rows: list[dict[str, Any]]) -> list[ObjectSpec]:
    """Return an object for each dict of fields: all at once in a third of the time."""
    return _OBJECTS.validate_python(rows)


def scene_to_dict(scene: SceneSpec) -> dict[str, Any]:
    """Return the scene as JSON types."""
    data: dict[str, Any] = _ADAPTER.dump_python(scene, mode="json")
    return data


def scene_from_dict(data: dict[str, Any]) -> SceneSpec:
    """Return the scene of `scene_to_dict`. Raises pydantic's `ValidationError` (a `ValueError`) for anything else."""
    return _ADAPTER.validate_python(data)
