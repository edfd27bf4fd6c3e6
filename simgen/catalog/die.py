"""A six-sided die: a rounded cube with pips. Its class is the face that is up when it lies still."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simgen.catalog.mesh import CUBE_SIDES, Mesh, cube_faces, cube_sides, frozen
from simgen.catalog.shape import Collider, Model, model
from simgen.scene import Rgb, Vec3

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
    pip_color: Rgb = (20, 20, 20)
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
        return _mesh(self.size_m, self.edge_radius, self.corner_cut, self.face_px)

    def coarse_mesh(self, root: Path) -> Mesh:
        return _mesh(self.size_m, self.edge_radius, self.corner_cut, self.face_px, coarse=True)

    def collider(self, root: Path) -> Collider:
        return Collider("box", (self.size_m / 2,) * 3)

    def texture_size_wh(self) -> tuple[int, int]:
        return _CELLS_WH[0] * self.face_px, _CELLS_WH[1] * self.face_px

    def paint(self, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
        pips = np.stack([self._pip_mask(value) for value in self.sides()])
        cover, light = pips, np.zeros_like(pips)
        if self.clearness:
            behind = np.stack([cv2.GaussianBlur(pips[side ^ 1], (0, 0), self.face_px / 20) for side in range(6)])
            cover = 1 - (1 - pips) * (1 - np.float32(self.clearness) * behind)
        if self.sheen:
            light += np.float32(255 * self.sheen) * _edge_band(self.face_px, self.edge_radius) * (1 - cover)
        if self.pip_depth:
            shift = self.face_px // 24 + 1
            rim = np.roll(pips, (shift, shift), (1, 2)) - pips
            light += rim * np.where(rim > 0, np.float32(60 * self.pip_depth), np.float32(90 * self.pip_depth))
        if self.gloss:
            light += np.float32(255 * self.gloss) * self._gloss_line()
        return _marked(body, _atlas(cover), self.pip_color, _atlas(light))

    def _gloss_line(self) -> NDArray[np.float32]:
        """Return (face_px, face_px) float32 in [0, 1]: a line along the bend, fading away from its bright side."""
        turn, from_axes, from_middle = _places(self.face_px)
        ball = 3**0.5 - self.corner_cut * (3**0.5 - 1)
        circle = max(ball**2 - 1, 0.0) ** 0.5  # where the sphere that cuts the corners leaves the face
        away = np.maximum(from_axes - np.float32(1 - self.edge_radius), from_middle - np.float32(circle))
        line = np.exp(-np.square(away / np.float32(0.06)))
        bright = np.clip(np.cos(turn - np.float32(self.gloss_angle_rad)) + np.float32(0.3), 0, 1)
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
        return mask * np.float32(1 / 255)

    def class_name(self, world_R_object: NDArray[np.float64]) -> str:
        heights = [float(world_R_object[2] @ np.array(normal, float)) for normal, _, _ in CUBE_SIDES]
        return NAMES[self.sides()[int(np.argmax(heights))] - 1]

    def keypoints_m(self) -> dict[str, Vec3]:
        """The six face centres, named after their values."""
        half = self.size_m / 2
        names = [NAMES[value - 1] for value in self.sides()]
        points = [(n[0] * half, n[1] * half, n[2] * half) for n, _, _ in CUBE_SIDES]
        return dict(sorted(zip(names, points, strict=True), key=lambda pair: NAMES.index(pair[0])))


@lru_cache(maxsize=64)
def _mesh(size_m: float, edge_radius: float, corner_cut: float, face_px: int, *, coarse: bool = False) -> Mesh:
    half, radius = size_m / 2, max(edge_radius, 1e-3)
    flat = 1 - radius
    bend = flat + radius * np.array([0.25, 0.6])
    lines = np.concatenate([[-1.0], -bend[::-1], [-flat, 0.0, flat], bend, [1.0]])
    lines = np.array([-1.0, -flat, flat, 1.0]) if coarse else lines
    ball = 3**0.5 - corner_cut * (3**0.5 - 1)
    cube = cube_sides(lines).reshape(-1, 3)
    core = np.clip(cube, -flat, flat)
    normal = cube - core
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    point = core + radius * normal
    distance = np.linalg.norm(point, axis=-1, keepdims=True)
    cut = distance > ball
    normal = np.where(cut, point / distance, normal)
    point = np.where(cut, point * ball / distance, point)
    return frozen(Mesh(point * half, cube_faces(len(lines)), normal, _uvs(lines, face_px)))


def _uvs(lines: NDArray[np.float64], face_px: int) -> NDArray[np.float64]:
    inside = 0.5 + (lines / 2) * (1 - 1.5 / face_px)
    uvs = np.empty((_CELLS_WH[1], _CELLS_WH[0], len(lines), len(lines), 2))
    uvs[..., 0] = (np.arange(_CELLS_WH[0])[:, None, None] + inside) / _CELLS_WH[0]
    uvs[..., 1] = (np.arange(_CELLS_WH[1])[:, None, None, None] + inside[:, None]) / _CELLS_WH[1]
    return uvs.reshape(-1, 2)


@lru_cache(maxsize=8)
def _places(face_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return what a face's pixels have of a direction, a distance from the axes and one from the middle (n, n)."""
    t = np.linspace(-1, 1, face_px, dtype=np.float32)
    x, y = t[None], t[:, None]
    found = np.arctan2(y, x), np.maximum(np.abs(x), np.abs(y)), np.hypot(x, y)
    for array in found:
        array.flags.writeable = False
    return found


def _edge_band(face_px: int, edge_radius: float) -> NDArray[np.float32]:
    _, from_axes, _ = _places(face_px)
    rise = np.clip((from_axes - np.float32(1 - edge_radius)) / np.float32(max(edge_radius, 0.05)), 0, 1)
    return np.asarray(rise, np.float32)


def _atlas(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the faces (6, n, n) side by side as they lie in the texture (2n, 3n)."""
    columns, rows = _CELLS_WH
    size = faces.shape[-1]
    return faces.reshape(rows, columns, size, size).transpose(0, 2, 1, 3).reshape(rows * size, columns * size)


def _marked(
    body: NDArray[np.uint8], cover: NDArray[np.float32], color: tuple[int, int, int], light: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return a picture with a colour on it where `cover` is 1, and with grey levels added to it."""
    keep = 1 - cover
    planes = []
    for plane, value in zip(cv2.split(body), color, strict=True):
        mixed = cv2.scaleAdd(cover, float(value), cv2.multiply(plane, keep, dtype=cv2.CV_32F))
        planes.append(cv2.add(mixed, light, dtype=cv2.CV_8U))
    return np.asarray(cv2.merge(planes), np.uint8)
