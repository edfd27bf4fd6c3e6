"""What a whole body covers of a view: also outside of the image, and where others stand before it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.annotate.view import View
from simgen.world import Body

_FINE = 4
"""Silhouettes of bodies that are not convex are drawn at this multiple of the resolution."""
_BENDS = 6
"""Pieces that a lens bends an outline's edge in."""
_NEAREST_M = 1e-6


@dataclass(frozen=True)
class Silhouette:
    """What a body covers.

    Attributes:
        area_px: how many pixels the whole body covers, also outside the image; a pixel is covered if its centre is
            inside the projected outline.
        truncated: whether some of them lie outside.
        low_xy: least coordinates of the projected vertices, pixels; None where some are behind the camera.
        high_xy: their largest coordinates.
    """

    area_px: int
    truncated: bool
    low_xy: tuple[float, float] | None
    high_xy: tuple[float, float] | None


def silhouettes(bodies: Sequence[Body], cam_T_objects: NDArray[np.float64], view: View) -> list[Silhouette]:
    """Return what each body covers; `cam_T_objects` are their poses (n, 4, 4)."""
    if not bodies:
        return []
    counts = [len(body.mesh.vertices_m) for body in bodies]
    owner, starts = np.repeat(np.arange(len(bodies)), counts), np.cumsum([0, *counts[:-1]])
    vertices = np.concatenate([body.mesh.vertices_m for body in bodies])
    points = np.einsum("tij,tj->ti", cam_T_objects[owner, :3, :3], vertices) + cam_T_objects[owner, :3, 3]
    behind = np.minimum.reduceat(points[:, 2], starts) <= _NEAREST_M
    pixels = view.pixels(np.maximum(points, [-np.inf, -np.inf, _NEAREST_M]))
    low, high = np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)
    outside = ((np.floor(low) < -0.5) | (np.ceil(high) > np.array(view.size_wh) - 0.5)).any(1)
    huge = (np.ceil(high) - np.floor(low)).max(1) > 4 * max(view.size_wh)

    hidden = behind | huge
    parts = [slice(start, start + count) for start, count in zip(starts.tolist(), counts, strict=True)]
    areas = np.full(len(bodies), view.size_wh[0] * view.size_wh[1])
    drawn = np.flatnonzero(~hidden).tolist()
    clouds = [(points[parts[order]], pixels[parts[order]]) for order in drawn]
    areas[drawn] = _areas_px([bodies[order] for order in drawn], clouds, view)
    numbers = zip(areas.tolist(), (outside | hidden).tolist(), behind, low.tolist(), high.tolist(), strict=True)
    return [
        Silhouette(area, truncated, None if near else tuple(least), None if near else tuple(most))
        for area, truncated, near, least, most in numbers
    ]


def _areas_px(
    bodies: list[Body], clouds: list[tuple[NDArray[np.float64], NDArray[np.float64]]], view: View
) -> list[int]:
    """Return the area of each body, given its vertices in the camera's frame (m, 3) and as pixels (m, 2)."""
    areas, flat = [0] * len(bodies), []
    for order, (body, (points, pixels)) in enumerate(zip(bodies, clouds, strict=True)):
        if not body.model.convex:
            areas[order] = _union_px(pixels - np.floor(pixels.min(0)), body.mesh.faces)
        elif view.lens is not None:
            areas[order] = _outline_px(view.on_image(_bent_hull(points[:, :2] / points[:, 2:])))
        else:
            flat.append(order)
    for order, area in zip(flat, _hulls_px([clouds[order][1] for order in flat]), strict=True):
        areas[order] = area
    return areas


def _hulls_px(clouds: list[NDArray[np.float64]]) -> list[int]:
    """Return how many pixel centres lie in the convex hull of each cloud of points (m, 2), its border included."""
    if not clouds:
        return []
    hulls = [cv2.convexHull(points.astype(np.float32))[:, 0].astype(float) for points in clouds]
    most = np.arange(max(len(hull) for hull in hulls))
    corners = np.stack([hull[np.minimum(most, len(hull) - 1)] for hull in hulls])
    (ax, ay), (bx, by) = np.moveaxis(corners, -1, 0), np.moveaxis(np.roll(corners, -1, 1), -1, 0)
    top = np.floor(ay.min(1, keepdims=True))
    y = (top + np.arange(int((ay - top).max()) + 1))[:, None]
    ax, ay, bx, by = (v[..., None] for v in (ax, ay, bx, by))
    crossed = (np.minimum(ay, by) <= y) & (y <= np.maximum(ay, by))
    x = ax + (y - ay) / np.where(by == ay, 1, by - ay) * (bx - ax)
    left, right = np.where(crossed, x, np.inf).min(1), np.where(crossed, x, -np.inf).max(1)
    inside = np.maximum(np.floor(right) - np.ceil(left) + 1, 0).sum(1)
    return [int(area) if len(hull) > 2 else 0 for area, hull in zip(inside, hulls, strict=True)]


def _bent_hull(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the convex hull (m, 2) of points on the plane z = 1, with points along its edges."""
    # The hull is of 32-bit floats in OpenCV; its corners are looked up in the exact points.
    corners = xy[cv2.convexHull(xy.astype(np.float32), returnPoints=False)[:, 0]]
    along = np.arange(_BENDS)[:, None] / _BENDS
    edges = np.roll(corners, -1, 0) - corners
    return np.asarray((corners[:, None] + along * edges[:, None]).reshape(-1, 2))


def _outline_px(outline: NDArray[np.float64]) -> int:
    """Return how many pixel centres lie inside an outline (m, 2): an odd number of its edges is to their right."""
    low, high = np.floor(outline.min(0)), np.ceil(outline.max(0))
    x, y = np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)
    a, b = outline, np.roll(outline, -1, 0)
    inside = np.zeros((len(y), len(x)), bool)
    for (ax, ay), (bx, by) in zip(a, b, strict=True):
        rows = (ay > y) != (by > y)
        if rows.any():
            inside[rows] ^= x[None] < (ax + (y[rows] - ay) * (bx - ax) / (by - ay))[:, None]
    return int(inside.sum())


def _union_px(pixels: NDArray[np.float64], faces: NDArray[np.int64]) -> int:
    size = np.ceil(pixels.max(0)).astype(int) + 2
    canvas = np.zeros(((size[1] + 1) * _FINE, (size[0] + 1) * _FINE), np.uint8)
    corners = np.round((pixels[faces] + 1.0) * _FINE * 16 - 8).astype(np.int32)
    for triangle in corners:
        cv2.fillConvexPoly(canvas, triangle, 1, shift=4)
    # OpenCV fills every pixel that the outline touches: half of the rim lies outside.
    inner = cv2.erode(canvas, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return round((float(canvas.sum()) + float(inner.sum())) / 2 / _FINE**2)
