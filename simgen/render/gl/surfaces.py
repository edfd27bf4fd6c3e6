"""The passes over the meshes: labels and surfaces, what the corners of pixels hit, silhouettes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.render.gl.device import Device
from simgen.render.gl.facing import Drawn
from simgen.render.gl.inventory import ROW, Inventory
from simgen.render.gl.meshes import Range
from simgen.render.gl.programs import UNITS, Program, columns
from simgen.render.gl.targets import Targets
from simgen.render.gl.view import Boxes, View
from simgen.render.items import Item

FIRST_SHARE = 0.25
"""Of the triangles that a software driver gets at first: its threads shade these while it prepares the others."""


@dataclass(frozen=True, eq=False)
class Posed:
    """The items of a frame: where their meshes lie on the device, and where they stand.

    Attributes:
        inventory: all that does not depend on where they stand.
        seen: first index and number of indices of what the camera can see of each.
        poses: (m, 4, 4) world_T_item.
        boxes: their boxes in the world.
        order: their numbers in the order of drawing.
    """

    inventory: Inventory
    seen: list[Drawn]
    poses: NDArray[np.float64]
    boxes: Boxes
    order: list[int]

    @property
    def items(self) -> list[Item]:
        return self.inventory.items

    @property
    def ranges(self) -> list[Range]:
        return self.inventory.ranges


def nearest_first(boxes: Boxes, eye_m: NDArray[np.float64]) -> list[int]:
    """Return the order of drawing: what is hidden is then not shaded. The largest come last."""
    off = boxes.middle_m - eye_m
    order: list[int] = np.argsort(np.sqrt((off * off).sum(1)) + boxes.size_m, kind="stable").tolist()
    return order


def place_items(device: Device, posed: Posed, view: View) -> None:
    """Write what the passes over the meshes must know of each item, as `item.glsl` reads it."""
    rows = posed.inventory.rows
    cam_T_items = view.cam_T_world @ posed.poses
    rows["clip_T_item"] = (view.clip_T_cam @ cam_T_items).swapaxes(1, 2)
    rows["corners_T_item"] = (view.corners_T_cam @ cam_T_items).swapaxes(1, 2)
    rows["cam_R_item"][..., :3] = cam_T_items[:, :3, :3].swapaxes(1, 2)
    device.items.write(rows)


def draw_surfaces(device: Device, targets: Targets, posed: Posed) -> None:
    """Draw the labels and surfaces of all items."""
    targets.labels_frame.clear()
    programs: dict[tuple[bool, ...], Program] = {}

    def ready(item: Item) -> Program:
        kind = _textured(device, item), item.mesh.colors is not None, item.material.projection == "triplanar"
        if kind not in programs:
            bump, colors, triplanar = map(int, kind)
            programs[kind] = device.programs.get("surface", BUMP=bump, COLORS=colors, TRIPLANAR=triplanar)
        return programs[kind]

    first = _first(posed) if device.owner.software else 0
    for part in (posed.order[:first], posed.order[first:]):
        targets.labels_frame.use()
        _draw_each(device, posed, part, ready)
        # A software driver's threads begin when another target is touched.
        targets.other_frame.clear()


def _first(posed: Posed) -> int:
    """Return how many of the items in the order of drawing have their share of the triangles."""
    ends = np.cumsum([posed.seen[n][1] for n in posed.order])
    return int(np.searchsorted(ends, FIRST_SHARE * ends[-1])) if len(ends) else 0


def _textured(device: Device, item: Item) -> bool:
    """Put an item's textures into their units; return whether bumps are among them."""
    slopes = device.textures.slopes(item)
    device.textures.surface(item).use(UNITS["surface"])
    if slopes is not None:
        slopes.use(UNITS["slopes"])
    return slopes is not None


def draw_keys(device: Device, targets: Targets, posed: Posed) -> None:
    """Draw what the corners of the pixels hit."""
    program = device.programs.get("edges")
    targets.keys_frame.use()
    targets.keys_frame.clear()
    _draw_each(device, posed, posed.order, lambda item: program)


def _draw_each(device: Device, posed: Posed, order: list[int], program_for: Callable[[Item], Program]) -> None:
    gl = device.gl
    gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
    gl.front_face = "cw"
    culled = True
    for number in order:
        first, count = posed.seen[number]
        if count:
            program = program_for(posed.items[number])
            closed = posed.ranges[number].closed
            if closed != culled:
                _cull(gl, closed)
                culled = closed
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
