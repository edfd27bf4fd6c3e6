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
RGB9_E5 = 0x8C3D
"""OpenGL's format of three 9-bit shares under one exponent: a software driver fetches one word instead of three."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One environment.

    Attributes:
        atlas: blurred reflections.
        harmonics: (9, 3) float32, of irradiance.
        panorama: the map itself.
        mean: its mean radiance over all directions, for messages and exposure.
    """

    atlas: Any
    panorama: Any
    harmonics: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    mean: float


class Environments:
    """A cache of environments."""

    def __init__(self, gl: Any) -> None:
        self.gl = gl
        self._kept: OrderedDict[str, Surroundings] = OrderedDict()
        table = np.round(np.clip(gloss_albedo(), 0, 1) * 65535).astype(np.uint32)
        words = np.ascontiguousarray(table[..., 0] | (table[..., 1] << 16))
        self.albedo = gl.texture(words.shape[::-1], 1, words, dtype="u4")
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
        irradiance = harmonics(radiance).astype(np.float32)
        atlas = self._texture(reflections(radiance), RGB9_E5)
        self._kept[key] = Surroundings(atlas, panorama, irradiance, float(irradiance[0].mean()))

    def _texture(
        self, image: np.ndarray[tuple[int, ...], np.dtype[np.float32]], internal_format: int | None = None
    ) -> Any:
        height, width, channels = image.shape
        texels = np.ascontiguousarray(image, np.float32)
        texture = self.gl.texture((width, height), channels, texels, dtype="f4", internal_format=internal_format)
        texture.filter = self.gl.LINEAR, self.gl.LINEAR
        return texture
