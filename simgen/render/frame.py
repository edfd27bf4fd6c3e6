"""`Frame`: what a renderer gives back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One view of a world.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth_m: (H, W) float32 along the optical axis, 0 where nothing was hit.
        instances: (H, W) int32, 1 + the body's number in the world, 0 where nothing was hit.
        parts: (H, W) int32, 1 + the number of the body's part (link), 0 where nothing was hit, or None.
        normals: (H, W, 3) float32 unit normals in camera axes, 0 where nothing was hit, or None.
        coordinates: (H, W, 3) float32 place in the part's bounding box, [0, 1] (NOCS, Wang et al. 2019), or None.
        flow: (H, W, 2) float32 pixels that the surface point moves by until the next state, or None.
        flow_visible: (H, W) bool whether that point is still seen then, or None.
        amodal: (N, H, W) bool whole silhouettes of the bodies in order, as if each stood alone, or None.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    instances: NDArray[np.int32]
    parts: NDArray[np.int32] | None = None
    normals: NDArray[np.float32] | None = None
    coordinates: NDArray[np.float32] | None = None
    flow: NDArray[np.float32] | None = None
    flow_visible: NDArray[np.bool_] | None = None
    amodal: NDArray[np.bool_] | None = None
