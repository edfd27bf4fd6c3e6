"""The passes over the meshes: labels and surfaces, what the corners of pixels hit, silhouettes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import RenderError
from simgen.render.gl.device import Device
from simgen.render.gl.facing import Drawn
from simgen.render.gl.meshes import Range
from simgen.render.gl.programs import Program, columns
from simgen.render.gl.targets import Targets
from simgen.render.gl.textures import BUMP_SHARE
from simgen.render.gl.view import View
from simgen.render.items import Item

MAX_ITEMS = 4094
"""An item's row in the materials has 12 bits."""
SURFACE_UNIT, SLOPES_UNIT = 0, 1
ROW = np.dtype(
    [
        *(("clip_T_item", "f4", (4, 4)), ("corners_T_item", "f4", (4, 4)), ("cam_R_item", "f4", (3, 4))),
        *(("low_m", "f4", 3), ("bump_m", "f4"), ("inverse_extent", "f4", 3), ("roughness", "f4")),
        *(("look", "f4", 3), ("item", "u4"), ("ids", "u4"), ("unused", "u4", 7)),
    ]
)
"""An item as shaders/item.glsl reads it: matrices column by column, 256 bytes, where any driver lets a block begin."""


@dataclass(frozen=True, eq=False)
class Posed:
    """The items of a frame: where their meshes lie on the device, and where they stand.

    Attributes:
        items: in order.
        ranges: of their meshes.
        seen: first index and number of indices of what the camera can see of each.
        poses: (m, 4, 4) world_T_item.
        corners_m: (m, 8, 3) of their boxes in the world.
        order: their numbers in the order of drawing.
    """

    items: list[Item]
    ranges: list[Range]
    seen: list[Drawn]
    poses: NDArray[np.float64]
    corners_m: NDArray[np.float64]
    order: list[int]


def nearest_first(corners_m: NDArray[np.float64], eye_m: NDArray[np.float64]) -> list[int]:
    """Return the order of drawing: what is hidden is then not shaded. The largest come last."""
    distance = np.linalg.norm(corners_m.mean(1) - eye_m, axis=1) + np.ptp(corners_m, axis=1).max(1)
    return [int(i) for i in np.argsort(distance, kind="stable")]


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


def place_items(device: Device, posed: Posed, view: View) -> None:
    """Write what the passes over the meshes must know of each item, as `item.glsl` reads it."""
    rows = np.zeros(len(posed.items), ROW)
    cam_T_items = view.cam_T_world @ posed.poses
    rows["clip_T_item"] = (view.clip_T_cam @ cam_T_items).swapaxes(1, 2)
    rows["corners_T_item"] = (view.corners_T_cam @ cam_T_items).swapaxes(1, 2)
    rows["cam_R_item"][..., :3] = cam_T_items[:, :3, :3].swapaxes(1, 2)
    for number, (row, item, range_) in enumerate(zip(rows, posed.items, posed.ranges, strict=True)):
        m = item.material
        tile_m = m.texture_size_m if m.projection == "triplanar" else item.extent_m.max()
        contrast = m.roughness_contrast if m.roughness_texture is not None else 0.0
        row["low_m"], row["bump_m"] = item.low_m, BUMP_SHARE * m.bump * tile_m
        row["inverse_extent"], row["roughness"] = 1 / item.extent_m, m.roughness
        row["look"] = contrast, 1 / max(m.texture_size_m, 1e-6), not range_.closed
        row["item"], row["ids"] = number, item.instance | (item.part << 16)
    device.items.write(rows)


def draw_surfaces(device: Device, targets: Targets, posed: Posed) -> None:
    """Draw the labels and surfaces of all items."""
    targets.labels_frame.use()
    targets.labels_frame.clear()
    _draw_each(device, posed, lambda item: _surface_program(device, item))


def _surface_program(device: Device, item: Item) -> Program:
    """Return the program for an item, with its textures in their units."""
    slopes = device.textures.slopes(item)
    device.textures.surface(item).use(SURFACE_UNIT)
    if slopes is not None:
        slopes.use(SLOPES_UNIT)
    program = device.programs.get(
        "surface",
        BUMP=int(slopes is not None),
        COLORS=int(item.mesh.colors is not None),
        TRIPLANAR=int(item.material.projection == "triplanar"),
    )
    program.put(surface=SURFACE_UNIT, slopes=SLOPES_UNIT)
    return program


def draw_keys(device: Device, targets: Targets, posed: Posed) -> None:
    """Draw what the corners of the pixels hit into the cleared target."""
    program = device.programs.get("edges")
    targets.keys_frame.use()
    _draw_each(device, posed, lambda item: program)


def _draw_each(device: Device, posed: Posed, program_for: Callable[[Item], Program]) -> None:
    gl = device.gl
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    gl.front_face = "cw"
    for number in posed.order:
        first, count = posed.seen[number]
        if count:
            program = program_for(posed.items[number])
            _cull(gl, posed.ranges[number].closed)
            device.items.buffer.bind_to_uniform_block(0, offset=ROW.itemsize * number, size=ROW.itemsize)
            device.meshes.array(program).render(vertices=count, first=first)
    gl.front_face = "ccw"


def _cull(gl: Any, closed: bool) -> None:
    if closed:
        gl.enable(gl.CULL_FACE)
    else:
        gl.disable(gl.CULL_FACE)


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
