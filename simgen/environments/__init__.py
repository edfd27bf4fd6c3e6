"""Light from all around, as plug-ins; `environment_map` gives what a renderer needs of one."""

import json
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path

import numpy as np

from simgen.environments.base import Environment, Map, directions, horizontal_lux, turned
from simgen.environments.color import linear_from_srgb, luminance, srgb_from_linear, temperature_rgb
from simgen.environments.image import ImageFile
from simgen.environments.sky import Sky
from simgen.environments.studio import SoftBox, Studio, Uniform
from simgen.errors import ConfigError
from simgen.registry import build
from simgen.scene import EnvironmentSpec, Plain

ENVIRONMENTS: dict[str, type[Environment]] = {"uniform": Uniform, "sky": Sky, "studio": Studio, "image": ImageFile}


def build_environment(section: Plain) -> Environment:
    """Return the environment of a section {"kind": ..., fields}. Raises `ConfigError`."""
    return build(ENVIRONMENTS, section, "environment")


def environment_map(spec: EnvironmentSpec, root: Path) -> Map:
    """Return the light from all around as an equirectangular map.

    Args:
        spec: kind, amount and turn of the light.
        root: the folder that the file names start from.

    Returns:
        (H, 2H, 3) float32, read-only: linear rgb (Rec. 709) in cd/m^2. Row 0 is straight up (the world's +z), columns
        run over the azimuth from -pi at the left edge to +pi at the right, from +x towards +y; turned by
        `spec.yaw_rad` and scaled so that a horizontal surface gets `spec.intensity` lux.

    Raises:
        AssetError: an image file that cannot be used.
        ConfigError: an unknown kind or field, or no light from above where some was asked for.
    """
    environment = build_environment(spec.map)
    key = json.dumps(spec.map, sort_keys=True, default=list)
    return _finished(key, spec.intensity, spec.yaw_rad, root, environment.version(root))


@lru_cache(maxsize=8)
def _finished(key: str, intensity: float | None, yaw_rad: float, root: Path, _version: Hashable) -> Map:
    radiance = build_environment(json.loads(key)).radiance(root)
    if intensity is not None:
        radiance = radiance * np.float32(_factor(radiance, intensity))
    radiance = np.ascontiguousarray(turned(radiance, yaw_rad), np.float32)
    radiance.flags.writeable = False
    return radiance


def _factor(radiance: Map, intensity: float) -> float:
    lux = horizontal_lux(radiance)
    if not intensity >= 0:
        raise ConfigError(f"environment.intensity: expected lux >= 0, got {intensity:g}")
    if lux <= 0 < intensity:
        raise ConfigError(f"environment: expected {intensity:g} lux from above, got a map that is dark there")
    return intensity / lux if lux > 0 else 0.0


__all__ = [
    "ENVIRONMENTS",
    "Environment",
    "SoftBox",
    "build_environment",
    "directions",
    "environment_map",
    "horizontal_lux",
    "linear_from_srgb",
    "luminance",
    "srgb_from_linear",
    "temperature_rgb",
]
