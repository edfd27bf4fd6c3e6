"""Environments on the device: what was made for the last few scenes is kept."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simgen.environments import environment_map
from simgen.render.irradiance import gloss_albedo, harmonics, reflections
from simgen.scene import EnvironmentSpec

KEPT = 4


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One environment.

    Attributes:
        atlas: blurred reflections and irradiance.
        panorama: the map itself.
        mean: its mean radiance over all directions, for messages and exposure.
    """

    atlas: Any
    panorama: Any
    mean: float


class Environments:
    """A cache of environments."""

    def __init__(self, gl: Any) -> None:
        self.gl = gl
        self._kept: OrderedDict[str, Surroundings] = OrderedDict()
        self.albedo = self._texture(gloss_albedo())
        self.albedo.filter = gl.NEAREST, gl.NEAREST

    def of(self, spec: EnvironmentSpec | None, root: Path) -> Surroundings:
        """Return the environment of a spec; None is radiance 1 from everywhere.

        Raises:
            AssetError: a file that cannot be read.
        """
        key = (
            ""
            if spec is None
            else json.dumps([str(root), spec.map, spec.intensity, spec.yaw_rad], sort_keys=True, default=str)
        )
        if key not in self._kept:
            radiance = np.ones((2, 4, 3), np.float32) if spec is None else environment_map(spec, root)
            self._keep(key, radiance)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: str, radiance: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
        while len(self._kept) >= KEPT:
            _, old = self._kept.popitem(last=False)
            old.atlas.release()
            old.panorama.release()
        panorama = self._texture(radiance)
        panorama.repeat_y = False
        self._kept[key] = Surroundings(
            self._texture(reflections(radiance)),
            panorama,
            float(harmonics(radiance)[0].mean()),
        )

    def _texture(self, image: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Any:
        height, width, channels = image.shape
        texture = self.gl.texture((width, height), channels, np.ascontiguousarray(image, np.float32), dtype="f4")
        texture.filter = self.gl.LINEAR, self.gl.LINEAR
        return texture
