"""`Mesh`, and the few surfaces that every shape is made of."""

from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.scene import Vec3


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh with one texture.

    Attributes:
        vertices_m: (V, 3) float64 in the object's frame.
        faces: (F, 3) int64, counter-clockwise seen from outside.
        normals: (V, 3) float64, unit length.
        uvs: (V, 2) float64, texture coordinates: (0, 0) is the texture image's top-left corner.
        colors: (V, 3) uint8 in sRGB, which the texture is multiplied by; None is white.
    """

    vertices_m: NDArray[np.float64]
    faces: NDArray[np.int64]
    normals: NDArray[np.float64]
    uvs: NDArray[np.float64]
    colors: NDArray[np.uint8] | None = None

    @cached_property
    def bounds_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lower and the upper corner (3,) of the bounding box."""
        columns = self.vertices_m.T  # a column at once is ten times as fast as min(0) over three of them
        return np.array([c.min() for c in columns]), np.array([c.max() for c in columns])


def merge(parts: list[Mesh]) -> Mesh:
    """Return the parts as one mesh."""
    starts = np.cumsum([0, *(len(p.vertices_m) for p in parts[:-1])])
    return Mesh(
        np.concatenate([p.vertices_m for p in parts]),
        np.concatenate([p.faces + start for p, start in zip(parts, starts, strict=True)]),
        np.concatenate([p.normals for p in parts]),
        np.concatenate([p.uvs for p in parts]),
        np.concatenate([_shown_colors(p) for p in parts]) if any(p.colors is not None for p in parts) else None,
    )


def _shown_colors(mesh: Mesh) -> NDArray[np.uint8]:
    return np.full((len(mesh.vertices_m), 3), 255, np.uint8) if mesh.colors is None else mesh.colors


def grid(points: ArrayLike, normals: ArrayLike, uvs: ArrayLike) -> Mesh:
    """Return the mesh of a (rows, columns) grid of points.

    Seen from outside, rows run down and columns to the right.
    """
    p = np.asarray(points, float)
    rows, columns = p.shape[:2]
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    a, b, c, d = corner, corner + columns, corner + columns + 1, corner + 1
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh(p.reshape(-1, 3), faces, np.reshape(normals, (-1, 3)), np.reshape(uvs, (-1, 2)))


CUBE_SIDES = (
    # normal, right (seen from outside), down
    ((0, 0, 1), (1, 0, 0), (0, -1, 0)),
    ((0, 0, -1), (1, 0, 0), (0, 1, 0)),
    ((0, 1, 0), (-1, 0, 0), (0, 0, -1)),
    ((0, -1, 0), (1, 0, 0), (0, 0, -1)),
    ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    ((-1, 0, 0), (0, -1, 0), (0, 0, -1)),
)
"""Sides +z, -z, +y, -y, +x, -x of a cube with their in-plane axes."""


@cache
def _cube_axes() -> NDArray[np.float64]:
    """Return normal, right and down of the sides (3, 6, 1, 1, 3)."""
    return np.array(CUBE_SIDES, float).transpose(1, 0, 2)[:, :, None, None]


def cube_sides(lines: ArrayLike) -> NDArray[np.float64]:
    """Return (6, n, n, 3) points on the sides of the cube [-1, 1]^3 at the grid lines (n,) in both directions."""
    normal, right, down = _cube_axes()
    t = np.asarray(lines, float)
    return np.asarray(normal + t[:, None] * right + t[:, None, None] * down)


@lru_cache(maxsize=16)
def cube_faces(count: int) -> NDArray[np.int64]:
    """Return the read-only triangles of `cube_sides` with `count` grid lines."""
    points = np.zeros((count, count, 3))
    faces = merge([grid(points, points, points[..., :2])] * 6).faces
    faces.flags.writeable = False
    return faces


@lru_cache(maxsize=256)
def box_mesh(size_m: Vec3, rim_uv: float | None = None, bottom: bool = True) -> Mesh:
    """Return the read-only mesh of a box.

    Args:
        size_m: edge lengths.
        rim_uv: None where every side carries the whole texture; else only +z does, and the others have its colour at
            this place along u and v.
        bottom: whether the side -z is there.
    """
    normals = np.broadcast_to(_cube_axes()[0], (6, 2, 2, 3))
    whole = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0]), -1)
    uvs = np.array(np.broadcast_to(whole, (6, 2, 2, 2)))
    if rim_uv is not None:
        uvs[1:] = rim_uv
    points = cube_sides((-1.0, 1.0)).reshape(-1, 3) * (np.array(size_m) / 2)
    faces = cube_faces(2)
    faces = faces if bottom else faces[(faces < 4).all(1) | (faces >= 8).all(1)]
    return frozen(Mesh(points, faces, normals.reshape(-1, 3), uvs.reshape(-1, 2)))


_MOST_PIECES = 6
_STRIPS = 5
_PLATE = 10


@lru_cache(maxsize=64)
def pieces_mesh(size_m: Vec3, bottom: bool = True) -> Mesh:
    """Return the read-only mesh of a box for a renderer that looks at every pixel of a triangle's bounding box.

    Long sides are cut across, or the box of one that lies aslant in the picture would be most of it. Of a plate's top,
    most is one triangle, from the edge at +x to the middle at -x, or all pixels of it would be looked at twice; what is
    left beside that is cut into strips.
    """
    size = np.array(size_m)
    plate = min(size[:2]) >= _PLATE * size[2]
    sides = [side for number, side in enumerate(CUBE_SIDES) if (number or not plate) and (number != 1 or bottom)]
    parts = [_cut_side(size / 2, np.array(side, float)) for side in sides]
    return frozen(merge([*parts, _plate_top(size / 2)] if plate else parts))


def _cut_side(half: NDArray[np.float64], axes: NDArray[np.float64]) -> Mesh:
    """Return a side of a box, given its normal, right and down."""
    normal, right, down = axes
    wide, high = np.abs(right) @ half, np.abs(down) @ half
    across, along = (int(np.clip(round(ratio), 1, _MOST_PIECES)) for ratio in (wide / high, high / wide))
    u, v = np.meshgrid(np.linspace(0, 1, across + 1), np.linspace(0, 1, along + 1))
    points = (normal + (2 * u - 1)[..., None] * right + (2 * v - 1)[..., None] * down) * half
    return grid(points, np.broadcast_to(normal, points.shape), np.stack([u, v], -1))


def _plate_top(half: NDArray[np.float64]) -> Mesh:
    x = np.linspace(-1, 1, _STRIPS + 1)
    left = np.concatenate([np.stack([x, (x + 1) / 2], 1), np.stack([x, np.ones_like(x)], 1)])
    here = np.arange(_STRIPS)
    over = here + _STRIPS + 1
    strips = np.concatenate([np.stack([here, here + 1, over + 1], 1), np.stack([here, over + 1, over], 1)])
    top = np.concatenate([left, left * (1, -1)])
    faces = np.concatenate([strips, strips[:, ::-1] + len(left), [[0, len(left) + _STRIPS, _STRIPS]]])
    points = np.column_stack([top, np.ones(len(top))]) * half
    mesh = Mesh(points, faces, np.tile([0.0, 0.0, 1.0], (len(top), 1)), (top * (1, -1) + 1) / 2)
    return without_lines(mesh)


def frozen(mesh: Mesh) -> Mesh:
    """Return the mesh after making its arrays read-only: what a cache gives out must stay as it is."""
    for array in (mesh.vertices_m, mesh.faces, mesh.normals, mesh.uvs, mesh.colors):
        if array is not None:
            array.flags.writeable = False
    return mesh


def revolve(profile_rz: ArrayLike, normals_rz: ArrayLike, segments: int = 24) -> Mesh:
    """Return the surface of an (n, 2) profile of (radius, height), from top to bottom, turned about z.

    Args:
        profile_rz: points; a sharp edge is two equal points with two normals.
        normals_rz: (n, 2) normals of the profile.
        segments: number of divisions of the turn.
    """
    profile, normal = np.asarray(profile_rz, float), np.asarray(normals_rz, float)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    cos, sin = np.cos(angle), np.sin(angle)

    def turn(rz: NDArray[np.float64]) -> NDArray[np.float64]:
        height = np.repeat(rz[:, 1:], len(angle), 1)
        return np.stack([rz[:, :1] * cos, rz[:, :1] * sin, height], -1)

    v = np.linspace(0, 1, len(profile))
    uvs = np.stack(np.meshgrid(angle / (2 * np.pi), v), -1)
    return grid(turn(profile), turn(normal), uvs)


def without_lines(mesh: Mesh) -> Mesh:
    """Return the mesh without the triangles that have no area, as at the poles of what is turned about an axis."""
    a, b, c = np.moveaxis(mesh.vertices_m[mesh.faces], 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return replace(mesh, faces=mesh.faces[area > 1e-6 * area.max()])


def surrounds(mesh: Mesh, point_m: ArrayLike) -> bool:
    """Return whether a point (3,) lies inside a mesh: its winding number is over a half (Jacobson et al. 2013).

    The triangles' solid angles are van Oosterom's and Strackee's (1983). Small holes do not matter.
    """
    point = np.asarray(point_m, float)
    low, high = mesh.bounds_m
    if (point <= low).any() or (point >= high).any():
        return False
    a, b, c = np.moveaxis((mesh.vertices_m - point)[mesh.faces], 1, 0)
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ij,ij->i", u, v) for u, v in ((a, b), (b, c), (c, a)))
    angle = 2 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb)
    return bool(abs(angle.sum()) > 2 * np.pi)
