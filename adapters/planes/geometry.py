"""Flat objects with known points: homographies between the plane and a picture. Pure functions on arrays.

Pixels are OpenCV's: the centre of the top-left pixel is (0, 0). A homography `image_T_plane` (3, 3) takes (x, y, 1) in
the object's plane z = 0, metres, to pixels.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.adapters.crops import Image
from simgen.errors import CheckpointError

Array = NDArray[np.float64]
PORTRAIT_PX = 224
_SMOOTHINGS_PX = (15, 5)
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


@dataclass(frozen=True)
class PlaneObject:
    """A flat object, as plain data for a model file.

    Attributes:
        names: of its keypoints.
        points_m: K points (x, y, z) in its frame, all in the plane z = 0.
        outline_m: width and height of the part that the points are on, from the frame's origin along x and y.
    """

    names: tuple[str, ...]
    points_m: tuple[tuple[float, float, float], ...]
    outline_m: tuple[float, float]

    @property
    def places_m(self) -> Array:
        """The points (K, 2) in the plane."""
        return np.array(self.points_m, float)[:, :2]

    @property
    def corners_m(self) -> Array:
        """The outline (4, 2), in the order in which it is drawn."""
        width, height = self.outline_m
        return np.array([[0, 0], [width, 0], [width, height], [0, height]], float)

    @property
    def unit_m(self) -> float:
        """Half of the longer side: the length that counts as 1 in normalised coordinates."""
        return max(self.outline_m) / 2

    @property
    def portrait_wh(self) -> tuple[int, int]:
        """Size of the picture of it that is looked at from the front."""
        width, height = self.outline_m
        scale = PORTRAIT_PX / max(width, height)
        return max(8, round(width * scale)), max(8, round(height * scale))

    def normalised(self, places_m: Array) -> Array:
        """Return places (n, 2) from the outline's middle in units of half its longer side."""
        return np.asarray((places_m - np.array(self.outline_m) / 2) / self.unit_m)

    def places(self, normalised: Array) -> Array:
        """Return the metres (n, 2) of normalised coordinates."""
        return np.asarray(normalised * self.unit_m + np.array(self.outline_m) / 2)

    def half_turn(self) -> Array:
        """Return the (3, 3) map of the plane that turns it about the outline's middle by 180 degrees."""
        width, height = self.outline_m
        return np.array([[-1, 0, width], [0, -1, height], [0, 0, 1]], float)

    def as_plain(self) -> dict[str, Any]:
        """Return plain data."""
        return {key: _listed(value) for key, value in asdict(self).items()}

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> "PlaneObject":
        """Return the object of `as_plain`. Raises `CheckpointError`."""
        try:
            points = np.array(data["points_m"], float).reshape(-1, 3)
            width, height = (float(v) for v in data["outline_m"])
            names = tuple(str(name) for name in data["names"])
        except (KeyError, TypeError, ValueError):
            raise CheckpointError("model file: expected names, points_m and outline_m of its object") from None
        if len(names) != len(points) or len(points) < 4 or np.abs(points[:, 2]).max() > 1e-9 or min(width, height) <= 0:
            raise CheckpointError("model file: expected at least four named points of its object at z = 0")
        return PlaneObject(names, tuple((float(x), float(y), float(z)) for x, y, z in points), (width, height))


def _listed(value: Any) -> Any:
    return [_listed(v) for v in value] if isinstance(value, tuple) else value


def plane_homography(camera_matrix: Array, cam_T_object: Array) -> Array:
    """Return image_T_plane = K [r1 r2 t] of a pose (4, 4) (Zhang 2000, eq. 2)."""
    return np.asarray(camera_matrix @ cam_T_object[:3][:, [0, 1, 3]])


def mapped(homography: ArrayLike, points: ArrayLike) -> Array:
    """Return the (n, 2) points that a homography (3, 3) takes the given ones to."""
    h, p = np.asarray(homography, float), np.asarray(points, float).reshape(-1, 2)
    away = p @ h[:, :2].T + h[:, 2]
    return np.asarray(away[:, :2] / away[:, 2:])


def in_front(homography: Array, places_m: Array) -> NDArray[np.bool_]:
    """Return which of the places (n, 2) lie on the side of the plane's horizon on which its middle lies."""
    away = np.asarray(places_m) @ homography[2, :2] + homography[2, 2]
    return np.asarray(away * np.sign(away.mean()) > 0)


def crop_transform(centre: ArrayLike, side_px: float, turn_rad: float, size: int) -> Array:
    """Return crop_T_image (3, 3) of a square crop: `side_px` of the image about a centre become `size` pixels.

    The image is turned by `turn_rad`, clockwise as it is seen.
    """
    scale = size / side_px
    cos, sin = scale * np.cos(turn_rad), scale * np.sin(turn_rad)
    x, y = np.asarray(centre, float)
    middle = (size - 1) / 2
    return np.array([[cos, -sin, middle - cos * x + sin * y], [sin, cos, middle - sin * x - cos * y], [0, 0, 1]])


def warped(rgb: Image, crop_T_image: Array, size_wh: tuple[int, int], fill: int = 114) -> Image:
    """Return the picture under an affine map (3, 3). What is shrunk is averaged first, so that nothing is skipped."""
    factor = int(1 / max(float(np.sqrt(abs(np.linalg.det(crop_T_image[:2, :2])))), 1e-6))
    height, width = rgb.shape[:2]
    if factor >= 2:
        small = (max(1, round(width / factor)), max(1, round(height / factor)))
        rgb = np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), np.uint8)
        fx, fy = width / small[0], height / small[1]
        crop_T_image = crop_T_image @ np.array([[fx, 0, (fx - 1) / 2], [0, fy, (fy - 1) / 2], [0, 0, 1]])
    border = (fill, fill, fill)
    flags = cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(rgb, crop_T_image[:2], size_wh, flags=flags, borderValue=border), np.uint8)


def portrait(grey: Image, image_T_plane: Array, thing: PlaneObject) -> NDArray[np.float32]:
    """Return the object seen from the front, (h, w) float32, of a grey picture (H, W) uint8; NaN outside of that."""
    width, height = thing.portrait_wh
    scale = np.diag([thing.outline_m[0] / width, thing.outline_m[1] / height, 1.0])
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    from_front = image_T_plane @ scale @ centre
    face = cv2.warpPerspective(grey.astype(np.float32), from_front, (width, height), flags=flags, borderValue=(np.nan,))
    return np.asarray(face, np.float32)


def aligned(grey: Image, image_T_plane: Array, thing: PlaneObject, face: Image) -> Array:
    """Return the homography after the picture, seen from the front, was laid over the portrait `face` (h, w) uint8.

    The enhanced correlation coefficient is raised over all homographies (Evangelidis and Psarakis 2008), at first with
    both smoothed, so that what lies some pixels of the portrait off is drawn in. Where that does not converge, nothing
    moves.
    """
    margin = PORTRAIT_PX // 8
    width, height = thing.portrait_wh
    scale = np.diag([thing.outline_m[0] / width, thing.outline_m[1] / height, 1.0])
    from_front = image_T_plane @ scale @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    canvas_T_face = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1]], float)
    whole, size_wh = from_front @ np.linalg.inv(canvas_T_face), (width + 2 * margin, height + 2 * margin)
    canvas, known = (
        cv2.warpPerspective(layer, whole, size_wh, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for layer in (grey, np.full_like(grey, 255))
    )
    moved = np.asarray(canvas_T_face, np.float32)
    for smoothing in _SMOOTHINGS_PX:
        try:
            _, step = cv2.findTransformECC(face, canvas, moved, cv2.MOTION_HOMOGRAPHY, _STOP, known, smoothing)
        except cv2.error:
            return image_T_plane
        moved = np.asarray(step, np.float32)
    found = from_front @ np.linalg.inv(canvas_T_face) @ moved.astype(float) @ np.linalg.inv(from_front) @ image_T_plane
    return np.asarray(found)


def standardised(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture less its mean over its standard deviation, of the pixels that are not NaN."""
    return np.asarray((grey - np.nanmean(grey)) / max(float(np.nanstd(grey)), 1e-6), np.float32)


def likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the correlation of two pictures where both are known, -1 to 1; -1 where less than a fifth is known."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.mean() < 0.2:
        return -1.0
    return float(np.mean(standardised(first[known]) * standardised(second[known])))


def polygon_mask(polygon_px: Array, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (H, W): the pixels whose centres lie inside a convex polygon (n, 2)."""
    width, height = size_wh
    x, y = np.arange(width)[None], np.arange(height)[:, None]
    inside = np.ones((height, width), bool)
    outside = np.ones((height, width), bool)
    for (ax, ay), (bx, by) in zip(polygon_px, np.roll(polygon_px, -1, 0), strict=True):
        side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        inside &= side >= 0
        outside &= side <= 0
    return inside | outside
