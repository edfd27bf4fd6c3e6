"""From coordinates that a network saw to exact points and a pose. Pure functions on arrays.

1. A homography through many (plane, pixel) pairs, robust to those that are wrong.
2. Each point moves to the saddle of grey values next to it (Forstner and Gulch 1987; OpenCV's cornerSubPix).
3. The homography again, through the moved points: those that it leaves out sat on something else.
4. Perspective-n-Point on the points that stay: the better of the two poses that a plane can have (IPPE, Collins and
   Bartoli 2014), then Levenberg-Marquardt.

The robust fit is MAGSAC++ (Barath et al. 2020), a RANSAC without a hard limit.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.adapters.planes.geometry import Array, PlaneObject, in_front, mapped

_ROUNDS = 2
_LEAST = 4
_CONTRAST = 0.3
_LEAST_GREY = 1.0


@dataclass(frozen=True, eq=False)
class Corners:
    """Points in a picture: pixels (K, 2), whether each was refined there (K,), and the homography through them."""

    pixels: Array
    refined: NDArray[np.bool_]
    image_T_plane: Array


def fit_homography(places_m: Array, pixels: Array, tolerance_px: float) -> Array | None:
    """Return image_T_plane (3, 3) through most of the (n, 2) pairs, or None where no four agree on one."""
    if len(places_m) < _LEAST:
        return None
    found, inliers = cv2.findHomography(
        places_m, pixels, cv2.USAC_MAGSAC, tolerance_px, maxIters=2000, confidence=0.999
    )
    if found is None or inliers is None or inliers.sum() < _LEAST or not np.isfinite(found).all():
        return None
    kept = inliers.ravel() > 0
    final, _ = cv2.findHomography(places_m[kept], pixels[kept], 0)
    return np.asarray(found if final is None else final, float)


def refine(grey: NDArray[np.uint8], image_T_plane: Array, thing: PlaneObject, window: float) -> Corners:
    """Move the points to the saddles of grey values near them, and fit the homography again.

    Args:
        grey: (H, W) uint8.
        image_T_plane: where the points are, to within a fraction of their distances.
        thing: the object.
        window: half width of what is looked at around a point, as a share of the distance to its nearest neighbour in
            the picture; 0 leaves the points where they are.
    """
    homography = image_T_plane
    places = thing.places_m
    pixels, refined = mapped(homography, places), np.zeros(len(places), bool)
    for _ in range(_ROUNDS if window else 0):
        spacing = _spacing(pixels)
        pixels, refined = _saddles(grey, pixels, np.maximum(2, np.rint(window * spacing)).astype(int))
        refined &= in_front(homography, places)
        better = fit_homography(places[refined], pixels[refined], max(1.0, 0.03 * float(np.median(spacing))))
        if better is None:
            return Corners(mapped(homography, places), np.zeros(len(places), bool), homography)
        homography = better
        expected = mapped(homography, places)
        # A point that is not where the others want it sits on something else: a shadow's edge, an occluder.
        refined &= np.linalg.norm(pixels - expected, axis=1) < np.maximum(1.5, 0.08 * spacing)
        pixels = np.where(refined[:, None], pixels, expected)
    return Corners(pixels, refined, homography)


def _saddles(grey: NDArray[np.uint8], pixels: Array, windows: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the moved points (K, 2) and which of them count.

    Those do that stayed within their windows, inside the picture, with about as much contrast there as the others have:
    where nothing is to be seen, a point stays where it is put.
    """
    height, width = grey.shape
    moved, kept, contrast = pixels.copy(), np.zeros(len(pixels), bool), np.zeros(len(pixels))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-3)
    for number, (point, half) in enumerate(zip(pixels, windows, strict=True)):
        room = half + 2
        if not (room <= point[0] < width - room and room <= point[1] < height - room):
            continue
        start = point.astype(np.float32).reshape(1, 1, 2)
        found = cv2.cornerSubPix(grey, start, (int(half), int(half)), (-1, -1), criteria).reshape(2)
        moved[number], kept[number] = found, np.linalg.norm(found - point) <= half
        x, y = np.rint(point).astype(int)
        contrast[number] = grey[y - half : y + half + 1, x - half : x + half + 1].std()
    usual = float(np.median(contrast[kept])) if kept.any() else 0.0
    return moved, kept & (contrast > max(_CONTRAST * usual, _LEAST_GREY))


def _spacing(pixels: Array) -> Array:
    """Return the distance (K,) of each point to its nearest neighbour."""
    apart = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.min(axis=1))


def solve_pose(corners: Corners, thing: PlaneObject, camera_matrix: Array) -> Array | None:
    """Return cam_T_object (4, 4), metres, or None where the points give no pose in front of the camera.

    The points that were refined agree on one homography, so no outlier is left among them.
    """
    chosen = corners.refined if corners.refined.sum() >= _LEAST else np.ones(len(corners.refined), bool)
    points, pixels = np.array(thing.points_m, float)[chosen], corners.pixels[chosen]
    count, turns, shifts, errors = cv2.solvePnPGeneric(points, pixels, camera_matrix, None, flags=cv2.SOLVEPNP_IPPE)
    if not count:
        return None
    best = int(np.argmin(np.ravel(errors)))
    turn, shift = cv2.solvePnPRefineLM(points, pixels, camera_matrix, None, turns[best], shifts[best])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(turn)[0], np.ravel(shift)
    return pose if np.isfinite(pose).all() and pose[2, 3] > 0 else None
