"""Objects seen from above lie at any angle: crops that are all turned upright leave that out of what must be learned.

Upright is an object whose smallest rectangle around the mask is, with its longer side across. Masks tell no more: a
square thing may still lie any of four ways. What is placed again is turned at random.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def rectangle(mask: NDArray[np.bool_]) -> tuple[tuple[float, float], float, float]:
    """Return the smallest rectangle around an (H, W) mask: centre (x, y), longer side in pixels, turn in degrees.

    To turn the picture by that angle (OpenCV's: anticlockwise as seen) makes the rectangle stand upright.
    """
    (x, y), (width, height), turn = cv2.minAreaRect(cv2.findNonZero(mask.astype(np.uint8)))
    return (x, y), max(width, height) + 1, turn if width >= height else turn + 90


def turned(image: NDArray[np.uint8], turn_deg: float) -> Pixels:
    """Return a square image (S, S, ...) turned about its middle; what comes from outside is 0."""
    middle = ((len(image) - 1) / 2,) * 2
    matrix = cv2.getRotationMatrix2D(middle, turn_deg, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR), np.uint8)


def turned_crop(rgba: Pixels, turn_deg: float) -> Pixels:
    """Return a crop (S, S, 4) turned about its middle, on a canvas large enough for it, of as many pixels more a side.

    Its straight colours reach over its rim, so that nothing but themselves is mixed into them.
    """
    rim = math.ceil((math.sqrt(2) - 1) / 2 * len(rgba))
    color = turned(np.pad(rgba[..., :3], ((rim, rim), (rim, rim), (0, 0)), "edge"), turn_deg)
    return np.dstack([color, turned(np.pad(rgba[..., 3], rim), turn_deg)])
