"""The surface that things stand on, found in a depth image, and what already stands on it."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.errors import DataError
from simgen.lens import build_lens
from simgen.samples import Sample

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_TRIALS = 200
_POINTS = 4000
_LEAST_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Support:
    """A plane in the camera's frame, and the scene's heights above it.

    Attributes:
        normal: (3,) unit, towards the camera's side.
        offset_m: normal . p + offset = 0 on the plane.
        rays: (H, W, 3) float64 with z = 1, through the pixels' centres.
        heights_m: (H, W) float64 above the plane, NaN where nothing was hit.
        tolerance_m: what still counts as the plane.
    """

    normal: Floats
    offset_m: float
    rays: Floats
    heights_m: Floats
    tolerance_m: float

    def beneath(self, ray: Floats) -> Floats | None:
        """Return the (3,) point of the plane on a ray (3,), None where it leads away from it."""
        slope = float(self.normal @ ray)
        depth = -self.offset_m / slope if abs(slope) > 1e-9 else -1.0
        return ray * depth if depth > 0 else None

    @property
    def on_plane(self) -> Mask:
        """(H, W) whether a pixel shows the plane."""
        return np.asarray(np.abs(self.heights_m) <= self.tolerance_m)

    @property
    def above(self) -> Mask:
        """(H, W) whether a pixel shows something that stands on the plane."""
        return np.asarray(self.heights_m > self.tolerance_m)


def support_of(sample: Sample, rng: Generator) -> Support:
    """Return the largest plane among the pixels of no labelled object: RANSAC, Fischler and Bolles 1981.

    Raises:
        DataError: the sample has no depth or no camera, or no plane fills a tenth of what its depth image shows.
    """
    if sample.depth_m is None or sample.camera_matrix is None:
        missing = "depth image" if sample.depth_m is None else "camera matrix"
        raise DataError(f"sample {sample.index}: expected a {missing} to place objects by, got none")
    rays = pixel_rays(sample)
    depth = sample.depth_m.astype(np.float64)
    points = rays * depth[..., None]
    free = depth > 0
    for annotation in sample.annotations:
        if annotation.mask is not None:
            free &= ~annotation.mask
    tolerance = 0.004 * float(np.median(depth[free])) + 0.0015 if free.any() else 0.0
    candidates = points[free]
    if len(candidates) > _POINTS:
        candidates = candidates[rng.permutation(len(candidates))[:_POINTS]]
    found = _ransac(candidates, tolerance, rng) if len(candidates) >= 3 else None
    if found is None:
        raise DataError(f"sample {sample.index}: expected a plane to place objects on, found none in its depth image")
    normal, offset = found
    heights = np.where(depth > 0, points @ normal + offset, np.nan)
    return Support(normal, offset, rays, heights, tolerance)


def pixel_rays(sample: Sample) -> Floats:
    """Return the (H, W, 3) rays with z = 1 through the centres of a sample's pixels, its lens taken out."""
    assert sample.camera_matrix is not None
    height, width = sample.rgb.shape[:2]
    v, u = np.mgrid[:height, :width].astype(np.float64)
    pixels = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3)
    rays = pixels @ np.linalg.inv(sample.camera_matrix).T
    if sample.lens is not None:
        rays = np.column_stack([build_lens(sample.lens).undistort(rays[:, :2]), np.ones(len(rays))])
    return np.asarray(rays.reshape(height, width, 3))


def _ransac(points: Floats, tolerance_m: float, rng: Generator) -> tuple[Floats, float] | None:
    """Return the (3,) normal and offset of the plane with the most points, refined by least squares."""
    best, inliers = 0, np.zeros(len(points), bool)
    for _ in range(_TRIALS):
        plane = _through(points[rng.choice(len(points), 3, replace=False)])
        near = np.abs(points @ plane[0] + plane[1]) <= tolerance_m
        if near.sum() > best:
            best, inliers = int(near.sum()), near
    if best < max(3, _LEAST_SHARE * len(points)):
        return None
    centre = points[inliers].mean(0)
    normal = np.linalg.svd(points[inliers] - centre, full_matrices=False)[2][2]
    offset = -float(normal @ centre)
    # The camera, at the origin, is above.
    return (normal, offset) if offset > 0 else (-normal, -offset)


def _through(corners: Floats) -> tuple[Floats, float]:
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    normal = normal / max(float(np.linalg.norm(normal)), 1e-12)
    return normal, -float(normal @ corners[0])
