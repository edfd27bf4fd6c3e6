"""A physically based renderer through OpenGL: many lamps with soft shadows, light from all around, all labels at once.

It draws in passes: the surfaces once into integer targets that hold every label unblended (and are what is read back);
depth from each lamp; visibility of the lamps at half size; the light, once for each pixel; exposure and a filmic curve.
Edges are smoothed in the colours alone, from a pass that knows what the pixels' corners hit.
"""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.collector import collector_paused
from simgen.lens import camera_matrix
from simgen.render.distort import through_lens
from simgen.render.flow import State, flow_between
from simgen.render.frame import Frame
from simgen.render.gl.context import GlError, context
from simgen.render.gl.device import Device, device
from simgen.render.gl.light import Options, Stage, draw_finish, draw_light
from simgen.render.gl.lighting import lighting_of
from simgen.render.gl.surfaces import (
    Posed,
    draw_keys,
    draw_silhouettes,
    draw_surfaces,
    nearest_first,
    place_items,
)
from simgen.render.gl.targets import Targets
from simgen.render.gl.view import View, boxes_of, view_of
from simgen.render.inside import check_near, check_places
from simgen.render.items import Item, Pose
from simgen.render.robots import items_of, poses_of
from simgen.scene import STRICT, CameraSpec
from simgen.world import World


@dataclass(frozen=True, config=STRICT)
class GlRenderer:
    """Renders through OpenGL, on a graphics card or on Mesa's software driver.

    Attributes:
        smooth_edges: whether the edges in the colours are smoothed; ids and depth never are.
        shadow_px: edge of a shadow map; 0 takes it from the picture's size.
        occlusion: reach of the ambient occlusion as a share of the distance to the camera's target; 0 is off.
        amodal: whether frames hold each body's whole silhouette, as if it stood alone.
    """

    smooth_edges: bool = True
    shadow_px: int = Field(default=0, ge=0, le=4096)
    occlusion: float = Field(default=0.06, ge=0, le=1)
    amodal: bool = False

    @property
    def needs_visuals(self) -> bool:
        return False

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({"depth", "instances", "parts", "normals", "coordinates"})

    def driver(self) -> dict[str, str]:
        """Return who draws: kind, vendor, renderer, version."""
        return dict(context().driver)

    def render(self, world: World, camera: CameraSpec) -> Frame:
        """Return what the camera sees, with all labels of one state.

        Raises:
            GlError: there is no OpenGL here.
            AssetError: a mesh or a texture that cannot be drawn.
            ViewError: the camera or a lamp is inside of an object, or the camera all but touches one.
            RenderError: nothing lights the scene.
        """
        items, poses = items_of(world), poses_of(world)
        return through_lens(camera, lambda pinhole: self._draw(world, pinhole, items, poses))

    def render_pair(
        self, world: World, camera: CameraSpec, poses: list[Pose], next_poses: list[Pose], next_camera: CameraSpec
    ) -> Frame:
        """Return what the camera sees of one state, with the optical flow to the next.

        Args:
            world: the scene.
            camera: of the frame.
            poses: world_T_item of each item, as `simgen.render.poses_of` returns them.
            next_poses: the same of the next state.
            next_camera: of the next state; only where it stands and looks may differ.
        """
        items = items_of(world)

        def draw(pinhole: CameraSpec) -> Frame:
            frame = self._draw(world, pinhole, items, poses)
            view = (next_camera.eye_m, next_camera.target_m, next_camera.roll_rad)
            after = replace(pinhole, eye_m=view[0], target_m=view[1], roll_rad=view[2])
            before = _state(pinhole, items, poses, frame)
            flow, seen = flow_between(before, _state(after, items, next_poses, _labels(items, next_poses, after)))
            return replace(frame, flow=flow, flow_visible=seen)

        return through_lens(camera, draw)

    @collector_paused()
    def _draw(self, world: World, camera: CameraSpec, items: list[Item], poses: list[Pose]) -> Frame:
        gpu = device()
        targets, posed, view = _staged(gpu, camera, items, poses)
        draw_surfaces(gpu, targets, posed)
        # What numpy has to do comes while a software driver's threads shade.
        lighting = lighting_of(gpu, world.scene, camera, world.root)
        stage = Stage(gpu, targets, posed, view, lighting, self._options(camera))
        draw_light(stage)
        if self.smooth_edges:
            # Not before: a software driver prepares these many triangles on one thread while others still shade.
            draw_keys(gpu, targets, posed)
        check_places(camera, lighting.lamps, items, poses, (posed.boxes.low_m, posed.boxes.high_m))
        # What is finished is read while other threads still shade.
        frame = _read_labels(targets)
        draw_finish(stage)
        frame = replace(frame, rgb=_read_colors(targets))
        if self.amodal:
            frame = replace(frame, amodal=_silhouettes(gpu, targets, posed, view))
        gpu.textures.trim()
        return frame

    def _options(self, camera: CameraSpec) -> Options:
        distance = float(np.linalg.norm(np.subtract(camera.eye_m, camera.target_m)))
        edge = self.shadow_px or int(np.clip(0.75 * max(camera.size_wh) // 32 * 32, 320, 1024))
        return Options(edge, self.occlusion * distance, self.smooth_edges)


def _staged(gpu: Device, camera: CameraSpec, items: list[Item], poses: list[Pose]) -> tuple[Targets, Posed, View]:
    gpu.check_size(camera.size_wh)
    stacked = np.array(poses).reshape(-1, 4, 4)
    inventory = gpu.inventories.of(items, gpu.meshes.place(items))
    boxes = boxes_of(stacked, inventory.low_m, inventory.extent_m)
    view = view_of(camera, boxes)
    check_near(camera, view.blind_m, items, poses)
    seen = gpu.meshes.seen(inventory.ranges, stacked, view.eye_m)
    posed = Posed(inventory, seen, stacked, boxes, nearest_first(boxes, view.eye_m))
    place_items(gpu, posed, view)
    return gpu.targets.of(camera.size_wh), posed, view


def _labels(items: list[Item], poses: list[Pose], camera: CameraSpec) -> Frame:
    """Return the labels alone; the colours are black."""
    gpu = device()
    targets, posed, _ = _staged(gpu, camera, items, poses)
    draw_surfaces(gpu, targets, posed)
    return _read_labels(targets)


def _read_labels(targets: Targets) -> Frame:
    """Return the labels; the colours are black."""
    width, height = targets.size_wh
    shapes = _fetched(targets.shapes, (height, width, 4), np.float32)
    labels = _fetched(targets.labels, (height, width, 4), np.float32)
    ids = np.ascontiguousarray(labels[..., 3]).view(np.int32)
    return Frame(
        rgb=np.zeros((height, width, 3), np.uint8),
        depth_m=np.asarray(cv2.extractChannel(shapes, 3), np.float32),
        instances=ids & 0xFFFF,
        parts=ids >> 16,
        normals=np.asarray(cv2.cvtColor(shapes, cv2.COLOR_RGBA2RGB), np.float32),
        coordinates=np.asarray(cv2.cvtColor(labels, cv2.COLOR_RGBA2RGB), np.float32),
    )


def _read_colors(targets: Targets) -> NDArray[np.uint8]:
    width, height = targets.size_wh
    rgba = _fetched(targets.rgb, (height, width, 4), np.uint8)
    return np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)


def _fetched(texture: Any, shape: tuple[int, int, int], dtype: Any) -> NDArray[Any]:
    """Return a target's pixels. The memory belongs to the array, so that nothing is copied twice."""
    array = np.empty(shape, dtype)
    texture.read_into(array, alignment=1)
    return array


def _silhouettes(gpu: Device, targets: Targets, posed: Posed, view: View) -> NDArray[np.bool_]:
    """Return (bodies, H, W): what each body covers."""
    bodies = max((item.instance for item in posed.items), default=0)
    width, height = targets.size_wh
    masks = np.zeros((bodies, height, width), bool)
    for body in range(bodies):
        draw_silhouettes(gpu, targets, posed, view, body + 1)
        masks[body] = _fetched(targets.rgb, (height, width, 4), np.uint8)[..., 3] > 0
    return masks


def _state(camera: CameraSpec, items: list[Item], poses: list[Pose], frame: Frame) -> State:
    assert frame.parts is not None
    assert frame.normals is not None
    bodies = max((item.instance for item in items), default=0)
    links = max((item.part for item in items), default=0)
    number = np.zeros((bodies + 1, links + 1), np.int32)
    for order, item in enumerate(items):
        number[item.instance, item.part] = number[item.instance, item.part] or order + 1
    view = view_of(camera, None)
    cam_T_item = view.cam_T_world @ np.array(poses).reshape(-1, 4, 4)
    seen = number[frame.instances, frame.parts]
    return State(camera_matrix(camera), cam_T_item, frame.depth_m, frame.normals, seen)


__all__ = ["GlError", "GlRenderer"]
