"""The passes over the meshes: labels and surfaces, what the corners of pixels hit, silhouettes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import RenderError
from simgen.render.gl.device import Device
from simgen.render.gl.facing import Drawn
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
        seen: first index and number of indices of what the camera can see of each.
        poses: (m, 4, 4) world_T_item.
        corners_m: (m, 8, 3) of their boxes in the world.
    """

    items: list[Item]
    ranges: list[Range]
    seen: list[Drawn]
    poses: NDArray[np.float64]
    corners_m: NDArray[np.float64]

    def by_distance(self, eye_m: NDArray[np.float64]) -> list[int]:
        """Return the items' numbers, nearest first: what is hidden is then not shaded. The largest come last."""
        middle = np.linalg.norm(self.corners_m.mean(1) - eye_m, axis=1) + np.ptp(self.corners_m, axis=1).max(1)
        return [int(i) for i in np.argsort(middle, kind="stable")]


def material_rows(items: list[Item]) -> NDArray[np.uint32]:
    """Return the (n, 2) table that light.frag.glsl reads: few words, since fetching them is what takes long.

    From the lowest bit on: specular and metallic of 16 bits; transmission of 10, clear coat and its roughness of 11.

    Raises:
        RenderError: too many items.
    """
    if len(items) > MAX_ITEMS:
        raise RenderError(f"scene: expected at most {MAX_ITEMS} meshes, got {len(items)}")
    shares = np.zeros((max(len(items), 1), 5))
    for row, item in zip(shares, items, strict=False):
        m = item.material
        row[:] = m.specular, m.metallic, m.transmission, m.clear_coat, max(m.clear_coat_roughness, 0.03)
    most = np.array([65535, 65535, 1023, 2047, 2047])
    specular, metallic, transmission, coat, rough = np.round(np.clip(shares, 0, 1) * most).astype(np.uint32).T
    return np.stack([specular | (metallic << 16), transmission | (coat << 10) | (rough << 21)], 1)


def draw_surfaces(device: Device, targets: Targets, posed: Posed, view: View) -> None:
    """Draw the labels and surfaces of all items."""
    gl = device.gl
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    gl.front_face = "cw"
    targets.labels_frame.use()
    targets.labels_frame.clear()
    placed = _placed(view.clip_T_cam, view.cam_T_world @ posed.poses)
    for number in posed.by_distance(view.eye_m):
        item, range_ = posed.items[number], posed.ranges[number]
        slopes = device.textures.slopes(item)
        program = device.programs.get(
            "surface",
            BUMP=int(slopes is not None),
            COLORS=int(item.mesh.colors is not None),
            TRIPLANAR=int(item.material.projection == "triplanar"),
        )
        _cull(gl, range_.closed)
        device.textures.surface(item).use(SURFACE_UNIT)
        if slopes is not None:
            slopes.use(SLOPES_UNIT)
        clip_T_item, cam_R_item = placed[number]
        program.put(surface=SURFACE_UNIT, slopes=SLOPES_UNIT, clip_T_item=clip_T_item, cam_R_item=cam_R_item)
        program.put(**_item_values(item, number, range_))
        array = device.meshes.array(program)
        first, count = posed.seen[number]
        if count:
            array.render(vertices=count, first=first)
    gl.front_face = "ccw"


def draw_keys(device: Device, targets: Targets, posed: Posed, view: View) -> None:
    """Draw what the corners of the pixels hit."""
    gl, program = device.gl, device.programs.get("edges")
    array = device.meshes.array(program)
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    gl.front_face = "cw"
    targets.keys_frame.use()
    targets.keys_frame.clear()
    placed = _placed(view.corners_T_cam, view.cam_T_world @ posed.poses)
    for number in posed.by_distance(view.eye_m):
        range_ = posed.ranges[number]
        _cull(gl, range_.closed)
        clip_T_item, cam_R_item = placed[number]
        program.put(clip_T_item=clip_T_item, cam_R_item=cam_R_item, item=number, flip=float(not range_.closed))
        first, count = posed.seen[number]
        if count:
            array.render(vertices=count, first=first)
    gl.front_face = "ccw"


def _placed(clip_T_cam: NDArray[np.float64], cam_T_items: NDArray[np.float64]) -> list[tuple[bytes, bytes]]:
    """Return clip_T_item and cam_R_item of each item, as OpenGL reads them."""
    clips, turns = columns(clip_T_cam @ cam_T_items), columns(cam_T_items[:, :3, :3])
    return [(clips[64 * n : 64 * n + 64], turns[36 * n : 36 * n + 36]) for n in range(len(cam_T_items))]


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


def draw_silhouettes(device: Device, targets: Targets, posed: Posed, view: View, instance: int) -> None:
    """Draw what one body covers into the alpha of `targets.rgb`."""
    gl, program = device.gl, device.programs.get("silhouette")
    array = device.meshes.array(program)
    gl.enable_only(gl.NOTHING)
    targets.rgb_frame.use()
    targets.rgb_frame.clear()
    for item, (first, count), pose in zip(posed.items, posed.seen, posed.poses, strict=True):
        if item.instance == instance and count:
            program.put(clip_T_item=columns(view.clip_T_cam @ view.cam_T_world @ pose))
            array.render(vertices=count, first=first)
