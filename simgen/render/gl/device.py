"""Everything that one context keeps between frames, each of it bounded."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simgen.errors import RenderError
from simgen.render.gl.casters import Casters
from simgen.render.gl.context import Context, context
from simgen.render.gl.environment import Environments
from simgen.render.gl.inventory import Inventories
from simgen.render.gl.meshes import Meshes
from simgen.render.gl.programs import Program, Programs
from simgen.render.gl.scratch import Scratch
from simgen.render.gl.targets import TargetCache
from simgen.render.gl.textures import Textures

SPARED_VARYINGS = 16
"""Numbers of those that a vertex shader may hand on that are left to others."""
NARROW_VARYINGS = 80
"""Numbers at most where vectors have fewer than 256 bits: there Mesa 22.3 overwrites memory beyond some 96."""


@dataclass(frozen=True, eq=False)
class Pass:
    """A program over the whole of a target, with all its values set.

    A software driver waits at a pass for those that it reads from, so what numpy has to do is done before.

    Attributes:
        program: what to run.
        frame: its target.
        depth: how `z` is compared with the target's depth; empty is no test.
        z: its depth in clip space.
        clear: whether the target is cleared before.
        add: whether it is added to what the target holds.
    """

    program: Program
    frame: Any
    depth: str = ""
    z: float = 0.0
    clear: bool = False
    add: bool = False


class Device:
    """Programs, meshes, casters, textures, targets and environments of one context."""

    def __init__(self, owner: Context) -> None:
        self.owner = owner
        self.gl = owner.gl
        self.programs = Programs(self.gl, _room(owner))
        self.meshes = Meshes(self.gl, self.programs, owner.software)
        self.inventories = Inventories()
        self.items = Scratch(self.gl)
        self.casters = Casters(self.gl, self.programs)
        self.textures = Textures(self.gl, owner.max_texture_px)
        self.targets = TargetCache(self.gl)
        self.environments = Environments(self.gl)
        self.gl.blend_func = self.gl.ONE, self.gl.ONE
        self._corners = self.gl.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32))
        self._materials: Any = None
        self._told: Any = None
        self._atlases: dict[bool, tuple[list[Any], Any]] = {}
        self._images: dict[str, Any] = {}

    def check_size(self, size_wh: tuple[int, int]) -> None:
        """Raise `RenderError` for a picture that the driver cannot draw into."""
        most = self.owner.max_texture_px - 1
        if max(size_wh) > most:
            raise RenderError(f"camera.size_wh: expected at most {most} pixels a side with this driver, got {size_wh}")

    def run(self, step: Pass) -> None:
        """Run a program over the whole of a target."""
        program, gl = step.program, self.gl
        if "screen" not in program.arrays:
            program.arrays["screen"] = gl.vertex_array(program.made, [(self._corners, "2f", "in_corner")])
        step.frame.use()
        if step.clear:
            step.frame.clear()
        gl.enable_only((gl.DEPTH_TEST if step.depth else gl.NOTHING) | (gl.BLEND if step.add else gl.NOTHING))
        gl.depth_func = step.depth or "<"
        program.put(z=step.z)
        program.arrays["screen"].render(vertices=3)
        gl.depth_func = "<"

    def materials(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.uint32]]) -> Any:
        """Return a texture with the (n, 2) words of the materials, a row each; those given last are there already."""
        if rows is self._told:
            return self._materials
        self._told = rows
        if self._materials is None or self._materials.height < len(rows):
            if self._materials is not None:
                self._materials.release()
            height = 1 << (len(rows) - 1).bit_length()
            self._materials = self.gl.texture((1, height), 2, dtype="u4")
            self._materials.filter = self.gl.NEAREST, self.gl.NEAREST
        self._materials.write(np.ascontiguousarray(rows), viewport=(0, 0, 1, len(rows)))
        return self._materials

    def shadow_atlas(self, size_wh: tuple[int, int], bodies: bool) -> tuple[list[Any], Any]:
        """Return textures of a size, depth and with `bodies` two numbers, and the framebuffer that draws into them.

        One size of either kind is kept: scenes with and without translucent bodies take turns.
        """
        kept = self._atlases.get(bodies)
        if kept is None or kept[0][0].size != size_wh:
            if kept is not None:
                for made in (kept[1], *kept[0]):
                    made.release()
            depth = self.gl.depth_texture(size_wh)
            depth.compare_func = ""
            colors = [self.gl.texture(size_wh, 2, dtype="f2")] if bodies else []
            for texture in (depth, *colors):
                texture.filter = self.gl.NEAREST, self.gl.NEAREST
                texture.repeat_x = texture.repeat_y = False
            kept = self._atlases[bodies] = [depth, *colors], self.gl.framebuffer(colors, depth)
        return kept

    def image(self, name: str, pixels: np.ndarray[tuple[int, ...], np.dtype[Any]]) -> Any:
        """Return a texture with an image's pixels (H, W, C); each name has one, which its next image overwrites."""
        height, width, channels = pixels.shape
        dtype = "f1" if pixels.dtype == np.uint8 else "f4"
        kept = self._images.get(name)
        if kept is None or (kept.size, kept.components, kept.dtype) != ((width, height), channels, dtype):
            if kept is not None:
                kept.release()
            kept = self._images[name] = self.gl.texture((width, height), channels, dtype=dtype, alignment=1)
            kept.filter = self.gl.NEAREST, self.gl.NEAREST
        kept.write(np.ascontiguousarray(pixels), alignment=1)
        return kept


def _room(owner: Context) -> int:
    """Return how many numbers vertex shaders hand on for `given`; nothing where a graphics card draws."""
    if not owner.software:
        return 0
    room = owner.varyings - SPARED_VARYINGS
    return room if "256 bits" in owner.driver["renderer"] else min(room, NARROW_VARYINGS)


_DEVICES: list[Device] = []


def device() -> Device:
    """Return this process's device, made on the first call. Raises `GlError`."""
    owner = context()
    if not _DEVICES or _DEVICES[-1].owner is not owner:
        _DEVICES.append(Device(owner))
    return _DEVICES[-1]
