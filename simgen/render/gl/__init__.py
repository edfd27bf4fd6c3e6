"""A physically based renderer through OpenGL: many lamps with soft shadows, light from all around, all labels at once.

It draws in passes: the surfaces once into integer targets that hold every label unblended (and are what is read back);
depth from each lamp; visibility of the lamps at half size; the light, once for each pixel; exposure and a filmic curve.
Edges are smoothed in the colours alone, from a pass of twice the size that knows only what is hit.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.render.frame import Frame
from simgen.render.gl.context import GlError, context
from simgen.render.gl.device import Device, device
from simgen.render.gl.light import Options, Stage, draw_finish, draw_light
from simgen.render.gl.lighting import lighting_of
from simgen.render.gl.surfaces import Posed, draw_keys, draw_surfaces
from simgen.render.gl.targets import Targets
from simgen.render.gl.view import View, corners_of, view_of
from simgen.render.items import Pose, items_of, poses_of
from simgen.scene import STRICT, CameraSpec
from simgen.world import World


@dataclass(frozen=True, config=STRICT)
class GlRenderer:
    """Renders through OpenGL, on a graphics card or on Mesa's software driver.

    Attributes:
        smooth_edges: whether the edges in the colours are smoothed; ids and depth never are.
        shadow_px: edge of a shadow map; 0 takes it from the picture's size.
        occlusion: reach of the ambient occlusion as a share of the distance to the camera's target; 0 is off.
    """

    smooth_edges: bool = True
    shadow_px: int = Field(default=0, ge=0, le=4096)
    occlusion: float = Field(default=0.06, ge=0, le=1)

    @property
    def needs_visuals(self) -> bool:
        return False

    def render(self, world: World, camera: CameraSpec) -> Frame:
        """Return what the camera sees, with all labels of one state.

        Raises:
            GlError: there is no OpenGL here.
            AssetError: a mesh or a texture that cannot be drawn.
            RenderError: nothing lights the scene.
        """
        gpu = device()
        posed, view = _stage(gpu, world, camera, poses_of(world))
        targets = gpu.targets.of(camera.size_wh)
        stage = Stage(
            gpu, targets, posed, view, lighting_of(gpu, world.scene, camera, world.root), self._options(camera)
        )
        draw_surfaces(gpu, targets, posed, view)
        if self.smooth_edges:
            draw_keys(gpu, targets, posed, view)
        draw_light(stage)
        draw_finish(stage)
        frame = _read(targets)
        gpu.textures.trim()
        return frame

    def driver(self) -> dict[str, str]:
        """Return who draws: kind, vendor, renderer, version."""
        return dict(context().driver)

    def _options(self, camera: CameraSpec) -> Options:
        distance = float(np.linalg.norm(np.subtract(camera.eye_m, camera.target_m)))
        edge = self.shadow_px or int(np.clip(0.8 * max(camera.size_wh) // 64 * 64, 256, 1024))
        return Options(edge, self.occlusion * distance, self.smooth_edges)


def _stage(gpu: Device, world: World, camera: CameraSpec, poses: list[Pose]) -> tuple[Posed, View]:
    items = items_of(world)
    stacked = np.array(poses).reshape(-1, 4, 4)
    low = np.array([item.low_m for item in items]).reshape(-1, 3)
    extent = np.array([item.extent_m for item in items]).reshape(-1, 3)
    posed = Posed(items, gpu.meshes.place(items), stacked, corners_of(stacked, low, extent))
    return posed, view_of(camera, posed.corners_m)


def _read(targets: Targets) -> Frame:
    width, height = targets.size_wh
    rgba = _fetched(targets.rgb, (height, width, 4), np.uint8)
    shapes = _fetched(targets.shapes, (height, width, 4), np.float32)
    labels = _fetched(targets.labels, (height, width, 4), np.float32)
    ids = np.ascontiguousarray(labels[..., 3]).view(np.int32)
    return Frame(
        rgb=np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8),
        depth_m=np.asarray(cv2.extractChannel(shapes, 3), np.float32),
        instances=ids & 0xFFFF,
        parts=ids >> 16,
        normals=np.asarray(cv2.cvtColor(shapes, cv2.COLOR_RGBA2RGB), np.float32),
        coordinates=np.asarray(cv2.cvtColor(labels, cv2.COLOR_RGBA2RGB), np.float32),
    )


def _fetched(texture: Any, shape: tuple[int, int, int], dtype: Any) -> NDArray[Any]:
    """Return a target's pixels. The memory belongs to the array, so that nothing is copied twice."""
    array = np.empty(shape, dtype)
    texture.read_into(array, alignment=1)
    return array


__all__ = ["GlError", "GlRenderer"]
