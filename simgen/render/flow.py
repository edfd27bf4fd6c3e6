"""Where each pixel's surface point goes between two states of a world, and whether it is still seen there. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int32]
TOLERANCE = 0.005
"""How far, as a share of its depth, a moved point may lie behind the surface that is seen there."""


@dataclass(frozen=True, eq=False)
class State:
    """What of a state the flow needs.

    Attributes:
        matrix: (3, 3) of the camera.
        cam_T_item: (m, 4, 4) of the items.
        depth_m: (H, W).
        normals: (H, W, 3) in camera axes.
        items: (H, W) 1 + the item's number, 0 where nothing was hit.
    """

    matrix: Array
    cam_T_item: Array
    depth_m: NDArray[np.float32]
    normals: NDArray[np.float32]
    items: Ids


def flow_between(before: State, after: State) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return flow (H, W, 2) in pixels, and (H, W) whether the point is seen in the later state.

    A point is seen if its pixel shows the same item, and the plane through what that pixel shows passes through it.
    """
    height, width = before.items.shape
    flow, seen = np.zeros((height, width, 2), np.float32), np.zeros((height, width), bool)
    v, u = np.nonzero(before.items)
    item = before.items[v, u] - 1
    rays = np.column_stack([u, v, np.ones(len(u))]) @ np.linalg.inv(before.matrix).T
    points = np.column_stack([rays * before.depth_m[v, u, None], np.ones(len(u))])
    moves = after.cam_T_item @ np.linalg.inv(before.cam_T_item)
    moved = np.empty((len(u), 3))
    for number in np.unique(item):
        its = item == number
        moved[its] = (points[its] @ moves[number].T)[:, :3]
    ahead = moved[:, 2] > 1e-6
    ends = (moved / np.where(ahead, moved[:, 2], 1)[:, None]) @ after.matrix.T
    flow[v, u] = np.where(ahead[:, None], ends[:, :2] - np.column_stack([u, v]), 0)
    seen[v, u] = ahead & _seen(after, moved, ends, item)
    return flow, seen


def _seen(after: State, moved: Array, ends: Array, item: Ids) -> NDArray[np.bool_]:
    height, width = after.items.shape
    column, row = (np.rint(np.clip(ends[:, k], -1e6, 1e6)).astype(np.intp) for k in range(2))
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = np.where(inside, column, 0), np.where(inside, row, 0)
    rays = np.column_stack([column, row, np.ones(len(column))]) @ np.linalg.inv(after.matrix).T
    n = after.normals[row, column].astype(float)
    there = rays * after.depth_m[row, column, None]
    off = np.abs(np.einsum("ij,ij->i", n, moved - there))
    close = off <= TOLERANCE * moved[:, 2]
    return np.asarray(inside & (after.items[row, column] == item + 1) & close)
