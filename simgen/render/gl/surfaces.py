"""The passes over the meshes: labels and surfaces, edges at twice the size, depth from lamps, silhouettes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import RenderError
from simgen.render.gl.device import Device
from simgen.render.gl.meshes import Range
from simgen.render.gl.programs import columns
from simgen.render.gl.targets import Targets
from simgen.render.gl.view import View
from simgen.render.items import Item

MAX_ITEMS = 4094
"""An item's row in the materials has 12 bits."""
SURFACE_UNIT, SLOPES_UNIT = 0, 1
BUMP_SHARE = 0.03
"""Height of a full bump over the size of a texture's tile."""


@dataclass(frozen=True, eq=False)
class Posed:
    """The items of a frame: where their meshes lie on the device, and where they stand.

    Attributes:
        items: in order.
        ranges: of their meshes.
        poses: (m, 4, 4) world_T_item.
        corners_m: (m, 8, 3) of their boxes in the world.
    """

    items: list[Item]
    ranges: list[Range]
    poses: NDArray[np.float64]
    corners_m: NDArray[np.float64]

    def by_distance(self, eye_m: NDArray[np.float64]) -> list[int]:
        """Return the items' numbers, nearest first: what is hidden is then not shaded. The largest come last."""
        middle = np.linalg.norm(self.corners_m.mean(1) - eye_m, axis=1) + np.ptp(self.corners_m, axis=1).max(1)
        return [int(i) for i in np.argsort(middle, kind="stable")]


def material_rows(items: list[Item]) -> NDArray[np.float32]:
    """Return the (n, 2, 4) table that light.frag.glsl reads. Raises `RenderError` for too many items."""
    if len(items) > MAX_ITEMS:
        raise RenderError(f"scene: expected at most {MAX_ITEMS} meshes, got {len(items)}")
    rows = np.zeros((max(len(items), 1), 2, 4), np.float32)
    for row, item in zip(rows, items, strict=False):
        m = item.material
        rough = max(m.clear_coat_roughness, 0.03)
        row[0] = m.specular, m.metallic, m.transmission, 0
        row[1] = m.clear_coat, rough**2, rough, 0
    return rows


def draw_surfaces(device: Device, targets: Targets, posed: Posed, view: View) -> None:
    """Draw the labels and surfaces of all items."""
    gl = device.gl
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    gl.front_face = "cw"
    targets.labels_frame.use()
    targets.labels_frame.clear()
    for number in posed.by_distance(view.eye_m):
        item, range_ = posed.items[number], posed.ranges[number]
        slopes = device.textures.slopes(item)
        triplanar = item.material.projection == "triplanar"
        program = device.programs.get("surface", TRIPLANAR=int(triplanar), BUMP=int(slopes is not None))
        _cull(gl, range_.closed)
        device.textures.surface(item).use(SURFACE_UNIT)
        if slopes is not None:
            slopes.use(SLOPES_UNIT)
        clip_T_item, cam_R_item = _placed(view.clip_T_cam, view.cam_T_world @ posed.poses[number])
        program.put(surface=SURFACE_UNIT, slopes=SLOPES_UNIT, clip_T_item=clip_T_item, cam_R_item=cam_R_item)
        program.put(**_item_values(item, number, range_))
        array = device.meshes.array(program)
        array.render(vertices=range_.count, first=range_.first)
    gl.front_face = "ccw"


def draw_keys(device: Device, targets: Targets, posed: Posed, view: View) -> None:
    """Draw what the corners of the pixels hit."""
    gl, program = device.gl, device.programs.get("edges")
    array = device.meshes.array(program)
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    gl.front_face = "cw"
    targets.keys_frame.use()
    targets.keys_frame.clear()
    for number in posed.by_distance(view.eye_m):
        range_ = posed.ranges[number]
        _cull(gl, range_.closed)
        clip_T_item, cam_R_item = _placed(view.corners_T_cam, view.cam_T_world @ posed.poses[number])
        program.put(clip_T_item=clip_T_item, cam_R_item=cam_R_item, item=number, flip=float(not range_.closed))
        array.render(vertices=range_.count, first=range_.first)
    gl.front_face = "ccw"


def _placed(clip_T_cam: NDArray[np.float64], cam_T_item: NDArray[np.float64]) -> tuple[bytes, bytes]:
    return columns(clip_T_cam @ cam_T_item), columns(cam_T_item[:3, :3])


def _cull(gl: Any, closed: bool) -> None:
    if closed:
        gl.enable(gl.CULL_FACE)
    else:
        gl.disable(gl.CULL_FACE)


def _item_values(item: Item, number: int, range_: Range) -> dict[str, Any]:
    m = item.material
    tile_m = m.texture_size_m if m.projection == "triplanar" else float(item.extent_m.max())
    return {
        "low": tuple(item.low_m.tolist()),
        "inverse_extent": tuple((1 / item.extent_m).tolist()),
        "ids": item.instance | (item.part << 16),
        "item": number,
        "bump_m": BUMP_SHARE * m.bump * tile_m,
        "roughness": m.roughness,
        "contrast": m.roughness_contrast if m.roughness_texture is not None else 0.0,
        "tiles_per_m": 1 / max(m.texture_size_m, 1e-6),
        "flip": float(not range_.closed),
    }


def draw_depth(device: Device, posed: Posed, clip_T_world: NDArray[np.float64]) -> None:
    """Draw the items that a lamp's map sees into the depth buffer in use."""
    gl, program = device.gl, device.programs.get("shadow")
    array = device.meshes.array(program)
    ends = np.concatenate([posed.corners_m, np.ones((*posed.corners_m.shape[:2], 1))], -1) @ clip_T_world.T
    outside = ((ends[..., :3] > ends[..., 3:]).all(1) | (ends[..., :3] < -ends[..., 3:]).all(1)).any(-1)
    for number in np.flatnonzero(~outside):
        range_ = posed.ranges[number]
        _cull(gl, range_.closed)
        program.put(clip_T_item=columns(clip_T_world @ posed.poses[number]))
        array.render(vertices=range_.shadow_count, first=range_.shadow_first)


def draw_silhouettes(device: Device, targets: Targets, posed: Posed, view: View, instance: int) -> None:
    """Draw what one body covers into the alpha of `targets.rgb`."""
    gl, program = device.gl, device.programs.get("silhouette")
    array = device.meshes.array(program)
    gl.enable_only(gl.NOTHING)
    targets.rgb_frame.use()
    targets.rgb_frame.clear()
    for item, range_, pose in zip(posed.items, posed.ranges, posed.poses, strict=True):
        if item.instance == instance:
            program.put(clip_T_item=columns(view.clip_T_cam @ view.cam_T_world @ pose))
            array.render(vertices=range_.count, first=range_.first)
