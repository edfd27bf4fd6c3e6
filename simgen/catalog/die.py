"""A six-sided die: a rounded cube with pips. Its class is the face that is up when it lies still."""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simgen.catalog.mesh import CUBE_SIDES, Mesh, cube_side, grid, merge
from simgen.catalog.shape import Collider, Model, model
from simgen.scene import Vec3

NAMES = ("one", "two", "three", "four", "five", "six")
Share = Annotated[float, Field(ge=0, le=1)]
_CELLS_WH = (3, 2)
_DIAGONAL = ((-1, -1), (1, 1))
_CORNERS = ((-1, -1), (1, 1), (-1, 1), (1, -1))
_PIPS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((0, 0),),
    _DIAGONAL,
    (*_DIAGONAL, (0, 0)),
    _CORNERS,
    (*_CORNERS, (0, 0)),
    (*_CORNERS, (-1, 0), (1, 0)),
)


@model
class Die(Model):
    """A die.

    Attributes:
        size_m: edge length.
        edge_radius: radius of the rounded edges over half the size.
        corner_cut: how much of the corners a sphere cuts off; 0 leaves them, 1 makes a ball of the die.
        pip_radius: over half the size.
        pip_spread: distance of the outer pips from the face's centre over half the size.
        one_scale: how much larger the pip of the one is.
        pip_color: rgb, 0 to 255.
        pip_depth: how strongly the pips look engraved (a shaded rim), 0 to 1.
        turned: whether the pips of the two, the three and the six run along the other diagonal or side.
        left_handed: mirror-image arrangement of the faces.
        sheen: brightening of the edges, as a gloss reflects its surroundings; negative darkens them.
        clearness: how much of the opposite face shows through, 0 to 1.
        gloss: strength of the bright line where the flat of a face bends into its rounded rim, as lamps and windows
            make it on polished plastic, 0 to 1.
        gloss_angle_rad: the side of the rim that it is brightest on.
        face_px: texture pixels of a face.
    """

    size_m: Annotated[float, Field(gt=0)] = 0.016
    edge_radius: Share = 0.2
    corner_cut: Share = 0.0
    pip_radius: Share = 0.2
    pip_spread: Share = 0.5
    one_scale: Annotated[float, Field(gt=0)] = 1.0
    pip_color: tuple[int, int, int] = (20, 20, 20)
    pip_depth: Share = 0.0
    turned: tuple[bool, bool, bool] = (False, False, False)
    left_handed: bool = False
    sheen: Annotated[float, Field(ge=-1, le=1)] = 0.0
    clearness: Share = 0.0
    gloss: Share = 0.0
    gloss_angle_rad: float = 0.0
    face_px: Annotated[int, Field(ge=8, le=1024)] = 64

    def sides(self) -> tuple[int, ...]:
        """Return the value (1 to 6) on the sides +z, -z, +y, -y, +x, -x; opposite sides add up to seven."""
        return (1, 6, 2, 5, 4, 3) if self.left_handed else (1, 6, 2, 5, 3, 4)

    def mesh(self, root: Path) -> Mesh:
        half, radius = self.size_m / 2, max(self.edge_radius, 1e-3)
        flat = 1 - radius
        bend = flat + radius * np.array([0.25, 0.6])
        lines = np.concatenate([[-1.0], -bend[::-1], [-flat, 0.0, flat], bend, [1.0]])
        ball = 3**0.5 - self.corner_cut * (3**0.5 - 1)
        parts = []
        for side in range(6):
            cube = cube_side(side, lines)
            core = np.clip(cube, -flat, flat)
            normal = cube - core
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
            point = core + radius * normal
            distance = np.linalg.norm(point, axis=-1, keepdims=True)
            cut = distance > ball
            normal = np.where(cut, point / distance, normal)
            point = np.where(cut, point * ball / distance, point)
            parts.append(grid(point * half, normal, self._uvs(side, lines)))
        return merge(parts)

    def _uvs(self, side: int, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        column, row = side % _CELLS_WH[0], side // _CELLS_WH[0]
        inside = 0.5 + (lines / 2) * (1 - 1.5 / self.face_px)
        return np.stack(np.meshgrid((column + inside) / _CELLS_WH[0], (row + inside) / _CELLS_WH[1]), -1)

    def collider(self, root: Path) -> Collider:
        return Collider("box", (self.size_m / 2,) * 3)

    def texture_size_wh(self) -> tuple[int, int]:
        return _CELLS_WH[0] * self.face_px, _CELLS_WH[1] * self.face_px

    def paint(self, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = body.astype(np.float32)
        size = self.face_px
        pips = np.array(self.pip_color, np.float32)
        for side, value in enumerate(self.sides()):
            column, row = side % _CELLS_WH[0], side // _CELLS_WH[0]
            face = image[row * size : (row + 1) * size, column * size : (column + 1) * size]
            face += 255 * self.sheen * self._edge_band()[..., None]
            if self.clearness:
                behind = cv2.GaussianBlur(self._pip_mask(7 - value), (0, 0), size / 20)[..., None]
                face += self.clearness * behind * (pips - face)
            mask = self._pip_mask(value)[..., None]
            face += mask * (pips - face)
            if self.pip_depth:
                shifted = np.roll(mask, (size // 24 + 1, size // 24 + 1), (0, 1))
                face -= 90 * self.pip_depth * np.clip(mask - shifted, 0, 1)
                face += 60 * self.pip_depth * np.clip(shifted - mask, 0, 1)
            if self.gloss:
                face += 255 * self.gloss * self._gloss_line()[..., None]
        return np.clip(image, 0, 255).astype(np.uint8)

    def _edge_band(self) -> NDArray[np.float32]:
        t = np.abs(np.linspace(-1, 1, self.face_px, dtype=np.float32))
        rise = np.clip((np.maximum(t[:, None], t[None]) - (1 - self.edge_radius)) / max(self.edge_radius, 0.05), 0, 1)
        return np.asarray(rise, np.float32)

    def _gloss_line(self) -> NDArray[np.float32]:
        """Return (face_px, face_px) float32 in [0, 1]: a line along the bend, fading away from its bright side."""
        t = np.linspace(-1, 1, self.face_px, dtype=np.float32)
        x, y = t[None], t[:, None]
        ball = 3**0.5 - self.corner_cut * (3**0.5 - 1)
        circle = max(ball**2 - 1, 0.0) ** 0.5  # where the sphere that cuts the corners leaves the face
        away = np.maximum(np.maximum(np.abs(x), np.abs(y)) - (1 - self.edge_radius), np.hypot(x, y) - circle)
        line = np.exp(-((away / 0.06) ** 2))
        bright = np.clip(np.cos(np.arctan2(y, x) - self.gloss_angle_rad) + 0.3, 0, 1)
        return np.asarray(line * bright, np.float32)

    def _pip_mask(self, value: int) -> NDArray[np.float32]:
        """Return (face_px, face_px) float32 coverage of a face's pips, in [0, 1]."""
        size, shift = self.face_px, 6
        mask = np.zeros((size, size), np.uint8)
        radius = self.pip_radius * size / 2 * (self.one_scale if value == 1 else 1.0)
        mirror = value in (2, 3, 6) and self.turned[(2, 3, 6).index(value)]
        for x, y in _PIPS[value - 1]:
            if mirror:
                x, y = (y, x) if value == 6 else (-x, y)
            center = [round(((1 + self.pip_spread * v) * size / 2 - 0.5) * 2**shift) for v in (x, y)]
            cv2.circle(mask, (center[0], center[1]), round(radius * 2**shift), 255, -1, cv2.LINE_AA, shift)
        return np.asarray(mask / np.float32(255), np.float32)

    def class_name(self, world_R_object: NDArray[np.float64]) -> str:
        heights = [float(world_R_object[2] @ np.array(normal, float)) for normal, _, _ in CUBE_SIDES]
        return NAMES[self.sides()[int(np.argmax(heights))] - 1]

    def keypoints_m(self) -> dict[str, Vec3]:
        """The six face centres, named after their values."""
        half = self.size_m / 2
        names = [NAMES[value - 1] for value in self.sides()]
        points = [(n[0] * half, n[1] * half, n[2] * half) for n, _, _ in CUBE_SIDES]
        return dict(sorted(zip(names, points, strict=True), key=lambda pair: NAMES.index(pair[0])))
