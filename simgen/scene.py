"""`SceneSpec`: everything that was sampled for one scene, as plain frozen data.

Simulator and renderer are views of it. It converts to and from a dict of JSON types without loss, goes into each
sample's metadata, and is all that is needed to make the sample again.
"""

from typing import Any, TypeAlias

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

Vec3: TypeAlias = tuple[float, float, float]
Quat: TypeAlias = tuple[float, float, float, float]
Plain: TypeAlias = dict[str, Any]
"""A plug-in as data: {"kind": its name in a table, and its fields}."""

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class MaterialSpec:
    """How a surface looks.

    Attributes:
        texture: a plug-in of `simgen.textures.TEXTURES`.
        specular: strength of the highlight, 0 to 1.
    """

    texture: Plain
    specular: float = 0.2


@dataclass(frozen=True, config=STRICT)
class ObjectSpec:
    """One body.

    Attributes:
        name: unique in the scene.
        model: a plug-in of `simgen.catalog.MODELS`: shape, class rule, keypoints.
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
    mass_kg: float = 0.0
    friction: float = 0.5
    restitution: float = 0.1
    labelled: bool = False
    class_name: str | None = None


@dataclass(frozen=True, config=STRICT)
class LightSpec:
    """The directional light: `direction` points from the scene towards it; colour and coefficients are 0 to 1."""

    direction: Vec3 = (0.3, 0.2, 1.0)
    color: Vec3 = (1.0, 1.0, 1.0)
    ambient: float = 0.6
    diffuse: float = 0.35
    specular: float = 0.05
    shadow: bool = True


@dataclass(frozen=True, config=STRICT)
class CameraSpec:
    """A pinhole camera at `eye_m` that looks at `target_m`; focal lengths and principal point in pixels.

    The centre of the top-left pixel is (0, 0).
    """

    size_wh: tuple[int, int] = (640, 640)
    focal_px: tuple[float, float] = (700.0, 700.0)
    center_px: tuple[float, float] = (319.5, 319.5)
    eye_m: Vec3 = (0.0, 0.0, 0.5)
    target_m: Vec3 = (0.0, 0.0, 0.0)
    roll_rad: float = 0.0


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

    exposure: float = 1.0
    white_balance: Vec3 = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    resolution: float = 1.0
    blur_px: float = 0.0
    noise: float = 0.0
    vignette: float = 0.0
    jpeg_quality: int = 100
    seed: int = 0


@dataclass(frozen=True, config=STRICT)
class SceneSpec:
    """One scene. `background` is the texture seen where no object is."""

    objects: tuple[ObjectSpec, ...] = ()
    light: LightSpec = LightSpec()
    camera: CameraSpec = CameraSpec()
    sensor: SensorSpec = SensorSpec()
    background: Plain | None = None
    gravity_m_s2: float = 9.81


_ADAPTER: TypeAdapter[SceneSpec] = TypeAdapter(SceneSpec)


def scene_to_dict(scene: SceneSpec) -> dict[str, Any]:
    """Return the scene as JSON types."""
    data: dict[str, Any] = _ADAPTER.dump_python(scene, mode="json")
    return data


def scene_from_dict(data: dict[str, Any]) -> SceneSpec:
    """Return the scene of `scene_to_dict`. Raises pydantic's `ValidationError` (a `ValueError`) for anything else."""
    return _ADAPTER.validate_python(data)
