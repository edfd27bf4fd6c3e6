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
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    instances: NDArray[np.int32]
