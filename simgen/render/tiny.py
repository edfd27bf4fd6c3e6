"""PyBullet's TinyRenderer: a software rasterizer with one directional light that runs everywhere.

It samples a pixel at (x + 0, y + 1) in window coordinates from the top-left corner, not at its centre
(x + 0.5, y + 0.5), so the principal point handed to it is shifted by (-0.5, +0.5) pixels; ray tests confirm it.

Its shadow map is taken through the camera's projection and compared with a fixed bias, so the near plane decides
how shadows come out: of bodies of a few centimetres they lie beside the body with a near plane of 1 cm, cover the whole
table from 6 cm on, and touch the body that casts them at 4 cm, whatever the camera's distance and the field of view.
"""

import json
import math
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.bullet import p
from simgen.geometry import depth_from_buffer, look_at, opengl_projection, opengl_view
from simgen.lens import camera_matrix
from simgen.render.camera import enlarged
from simgen.render.distort import through_lens
from simgen.render.frame import Frame
from simgen.scene import STRICT, CameraSpec
from simgen.textures import draw_texture
from simgen.world import World

_NEAR_M, _FAR_M = 0.042, 10.0
_SMALL_PX = 128 * 128


@dataclass(frozen=True, config=STRICT)
class TinyRenderer:
    """Renders with TinyRenderer.

    Attributes:
        supersample: colours are rendered at this multiple of the size and averaged; ids and depth are not blended.
        light_distance_m: how far away the light's shadow map is taken from.
    """

    supersample: int = Field(default=1, ge=1, le=4)
    light_distance_m: float = Field(default=1.0, gt=0, le=1000)

    @property
    def needs_visuals(self) -> bool:
        return True

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({"depth", "instances"})

    def driver(self) -> dict[str, str]:
        return {"kind": "tiny"}

    def render(self, world: World, camera: CameraSpec) -> Frame:
        """Return the view of a camera; a row of pixels is never blended with what is behind an object's edge."""
        return through_lens(camera, lambda pinhole: self._draw(world, pinhole))

    def _draw(self, world: World, camera: CameraSpec) -> Frame:
        large = enlarged(camera, self.supersample)
        near, far = _depth_range(camera)
        width, height = large.size_wh
        light = world.scene.light
        _, _, rgba, buffer, ids = p.getCameraImage(
            width,
            height,
            opengl_view(look_at(camera.eye_m, camera.target_m, camera.roll_rad)),
            opengl_projection(_shifted_matrix(large), large.size_wh, near, far),
            lightDirection=list(light.direction),
            lightColor=list(light.color),
            lightDistance=self.light_distance_m,
            shadow=int(light.shadow),
            lightAmbientCoeff=light.ambient,
            lightDiffuseCoeff=light.diffuse,
            lightSpecularCoeff=light.specular,
            renderer=p.ER_TINY_RENDERER,
            physicsClientId=world.client,
        )
        rgb = cv2.cvtColor(np.asarray(rgba, np.uint8).reshape(height, width, 4), cv2.COLOR_RGBA2RGB)
        raw = np.asarray(ids, np.int32).reshape(height, width)
        depth = depth_from_buffer(np.asarray(buffer, np.float32).reshape(height, width), near, far)
        missed = raw < 0
        if missed.any():
            rgb = cv2.copyTo(_background(world, large), missed.view(np.uint8), rgb)
            depth[missed] = 0
        return _reduced(Frame(np.asarray(rgb, np.uint8), depth, _instances(world, raw)), self.supersample)


def _shifted_matrix(camera: CameraSpec) -> NDArray[np.float64]:
    matrix = camera_matrix(camera)
    matrix[:2, 2] += (-0.5, 0.5)
    return matrix


def _depth_range(camera: CameraSpec) -> tuple[float, float]:
    sight = np.subtract(camera.eye_m, camera.target_m)
    distance = math.sqrt(sight @ sight)
    return min(_NEAR_M, 0.3 * distance), max(_FAR_M, 20 * distance)


def _instances(world: World, raw: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the instance number of each of PyBullet's ids."""
    ids = (*[body.id for body in world.bodies], *[robot.id for robot in world.robots])
    return _numbers(ids).take(raw, mode="wrap")


@lru_cache(maxsize=64)
def _numbers(ids: tuple[int, ...]) -> NDArray[np.int32]:
    """Return the instance number by PyBullet's id; -1 is the last of the table, nothing."""
    number = np.zeros(max(ids, default=0) + 2, np.int32)
    number[list(ids)] = np.arange(1, len(ids) + 1)
    return number


def _background(world: World, camera: CameraSpec) -> NDArray[np.uint8]:
    width, height = camera.size_wh
    if world.scene.background is None:
        return np.full((height, width, 3), 255, np.uint8)
    drawn = _small if width * height <= _SMALL_PX else _large
    return drawn(json.dumps(world.scene.background), camera.size_wh, world.root)


def _drawn(section: str, size_wh: tuple[int, int], root: Path) -> NDArray[np.uint8]:
    """Return a background."""
    image = draw_texture(json.loads(section), size_wh, root)
    image.flags.writeable = False
    return image


_small, _large = lru_cache(maxsize=256)(_drawn), lru_cache(maxsize=4)(_drawn)
"""Kept for the next frames of the same scene, small ones for the next episodes, too: at most 12 MB."""


def _reduced(frame: Frame, factor: int) -> Frame:
    if factor == 1:
        return frame
    height, width = frame.instances.shape
    size = (width // factor, height // factor)
    rgb = np.asarray(cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    middle = slice(factor // 2, None, factor)
    return Frame(rgb, frame.depth_m[middle, middle].copy(), frame.instances[middle, middle].copy())
