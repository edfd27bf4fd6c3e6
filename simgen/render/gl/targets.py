"""What is drawn into, made once for each size of picture."""

from collections import OrderedDict
from typing import Any

KEPT = 4
"""Sizes of which the targets are kept."""


class Targets:
    """Textures and framebuffers of one size of picture.

    Attributes:
        shapes, labels, surfaces: what the first pass writes (see surface.frag.glsl).
        other_frame: what is drawn into to have done with another target.
        keys: what the pixels' corners hit, one more in each direction.
        rough, visible: half the size, what each place sees of the lamps, before and after its noise is averaged.
        light: linear radiance; alpha 0 where the backdrop is seen.
        rgb: the finished picture.
    """

    def __init__(self, gl: Any, size_wh: tuple[int, int]) -> None:
        self.gl, self.size_wh = gl, size_wh
        width, height = size_wh
        self.half_wh = (width + 1) // 2, (height + 1) // 2
        self._made: list[Any] = []
        self.shapes, self.labels = self._texture(size_wh, 4, "u4"), self._texture(size_wh, 4, "u4")
        self.surfaces = self._texture(size_wh, 4, "u4")
        depth = self._depth(size_wh)
        self.labels_frame = self._frame([self.shapes, self.labels, self.surfaces], depth)
        self.other_frame = self._frame([self._texture((1, 1), 1, "f1")])
        corners_wh = (width + 1, height + 1)
        self.keys = self._texture(corners_wh, 1, "u4")
        self.keys_frame = self._frame([self.keys], self._depth(corners_wh))
        self.rough, self.visible = self._texture(self.half_wh, 4, "u4"), self._texture(self.half_wh, 4, "u4")
        self.rough_frame, self.visible_frame = self._frame([self.rough]), self._frame([self.visible])
        self.light = self._texture(size_wh, 4, "f4")
        # The light is drawn behind the first pass's depth, where it stands, and leaves it as it is.
        self.light_frame = self._frame([self.light], depth)
        self.light_frame.depth_mask = False
        self.rgb = self._texture(size_wh, 4, "f1")
        self.rgb_frame = self._frame([self.rgb], self._depth(size_wh))

    def _texture(self, size_wh: tuple[int, int], components: int, dtype: str) -> Any:
        texture = self.gl.texture(size_wh, components, dtype=dtype)
        texture.filter = self.gl.NEAREST, self.gl.NEAREST
        texture.repeat_x = texture.repeat_y = False
        self._made.append(texture)
        return texture

    def _depth(self, size_wh: tuple[int, int]) -> Any:
        self._made.append(self.gl.depth_renderbuffer(size_wh))
        return self._made[-1]

    def _frame(self, colors: list[Any], depth: Any = None) -> Any:
        self._made.append(self.gl.framebuffer(colors, depth))
        return self._made[-1]

    def release(self) -> None:
        """Free everything."""
        for made in reversed(self._made):
            made.release()
        self._made.clear()


class TargetCache:
    """The targets of the sizes drawn last."""

    def __init__(self, gl: Any) -> None:
        self.gl = gl
        self._kept: OrderedDict[tuple[int, int], Targets] = OrderedDict()

    def of(self, size_wh: tuple[int, int]) -> Targets:
        """Return the targets of a size."""
        if size_wh not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.popitem(last=False)[1].release()
            self._kept[size_wh] = Targets(self.gl, size_wh)
        self._kept.move_to_end(size_wh)
        return self._kept[size_wh]

    def release(self) -> None:
        """Free everything."""
        while self._kept:
            self._kept.popitem()[1].release()
