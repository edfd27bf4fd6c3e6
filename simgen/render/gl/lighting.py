"""What lights a scene, as a renderer takes it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simgen.environments import linear_from_srgb
from simgen.errors import RenderError
from simgen.render.gl.device import Device
from simgen.render.gl.environment import Surroundings
from simgen.render.lamps import simple_lamp
from simgen.scene import CameraSpec, LampSpec, SceneSpec
from simgen.textures import draw_texture

LAMPS = 7
"""Lamps in one pass; more lamps take more passes."""


@dataclass(frozen=True, eq=False)
class Lighting:
    """What lights a scene.

    Attributes:
        lamps: all of them.
        surroundings: the environment.
        scale: rgb factor on the environment.
        exposure: a factor, 0 to meter the frame.
        filmic: whether the filmic curve is applied.
        backdrop: (H, W, 3) uint8 that is seen where nothing is, or None for the environment.
    """

    lamps: tuple[LampSpec, ...]
    surroundings: Surroundings
    scale: tuple[float, float, float]
    exposure: float
    filmic: bool
    backdrop: NDArray[np.uint8] | None


def lighting_of(device: Device, scene: SceneSpec, camera: CameraSpec, root: Path) -> Lighting:
    """Return a scene's lighting; a scene of a simple light gets it as a lamp and a uniform environment.

    Raises:
        AssetError: a file that cannot be read.
        RenderError: nothing lights the scene.
    """
    backdrop = None
    if scene.background is not None:
        backdrop = draw_texture(scene.background, camera.size_wh, root)
    elif scene.environment is None:
        backdrop = np.full((1, 1, 3), 255, np.uint8)
    if not scene.lamps and scene.environment is None:
        grey = float(linear_from_srgb(scene.light.ambient))
        lamp = simple_lamp(scene.light)
        lit = (lamp,) if lamp.intensity > 0 else ()
        return Lighting(lit, device.environments.of(None, root), (grey, grey, grey), 1.0, False, backdrop)
    surroundings = device.environments.of(scene.environment, root)
    share = 0.0 if scene.environment is None else 1.0
    lamps = tuple(lamp for lamp in scene.lamps if lamp.intensity > 0 and max(lamp.color) > 0)
    if not lamps and share * surroundings.mean <= 0:
        raise RenderError("scene: expected a lamp or an environment with some light, got neither")
    ev = camera.exposure_ev
    # Lagarde and de Rousiers 2014: the largest luminance that a sensor of ISO 100 takes at an exposure value.
    exposure = 0.0 if ev is None else 1 / (1.2 * 2.0**ev)
    return Lighting(lamps, surroundings, (share, share, share), exposure, True, backdrop)


@dataclass(frozen=True)
class Batch:
    """The lamps of one pass: first those that are a point to a shader, then rectangles."""

    small: tuple[LampSpec, ...]
    areas: tuple[LampSpec, ...]

    @property
    def lamps(self) -> tuple[LampSpec, ...]:
        return self.small + self.areas


def batches_of(lamps: tuple[LampSpec, ...]) -> list[Batch]:
    """Return the lamps in passes; at least one, which may be empty."""
    made = []
    for start in range(0, max(len(lamps), 1), LAMPS):
        part = lamps[start : start + LAMPS]
        made.append(Batch(tuple(x for x in part if x.kind != "area"), tuple(x for x in part if x.kind == "area")))
    return made
