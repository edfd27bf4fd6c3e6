"""From a frame and the poses to annotations. Pure."""

from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.geometry import look_at, project, transform
from simgen.lens import Lens, camera_matrix, lens_of
from simgen.render import Frame
from simgen.samples import Annotation
from simgen.scene import STRICT, CameraSpec
from simgen.world import Body

_FINE = 4
"""Silhouettes of bodies that are not convex are drawn at this multiple of the resolution."""
_BENDS = 6
"""Pieces that a lens bends an outline's edge in."""


@config_dataclass(frozen=True, config=STRICT)
class Labels:
    """Which objects are annotated.

    Attributes:
        min_visible_px: fewer visible pixels than this: not annotated at all.
        min_visible_fraction: less than this share visible: annotated, but to be ignored by metrics.
        keypoint_tolerance: a keypoint counts as visible if the depth there is at most this share of the body's
            size in front of it.
    """

    min_visible_px: Annotated[int, Field(ge=0)] = 12
    min_visible_fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    keypoint_tolerance: Annotated[float, Field(ge=0, le=10)] = 0.15


@dataclass(frozen=True, eq=False)
class View:
    """A camera as matrices: cam_T_world (4, 4), the camera matrix (3, 3), the image's size, and its lens."""

    cam_T_world: NDArray[np.float64]
    matrix: NDArray[np.float64]
    size_wh: tuple[int, int]
    lens: Lens | None = None

    @staticmethod
    def of(camera: CameraSpec) -> "View":
        pose = look_at(camera.eye_m, camera.target_m, camera.roll_rad)
        return View(pose, camera_matrix(camera), camera.size_wh, lens_of(camera))

    def pixels(self, points_cam_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixels (n, 2) of camera-frame points (n, 3) with z > 0."""
        if self.lens is None:
            return project(self.matrix, points_cam_m)
        return self.on_image(points_cam_m[:, :2] / points_cam_m[:, 2:])

    def on_image(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixels (n, 2) of points (n, 2) of the plane z = 1."""
        bent = xy if self.lens is None else self.lens.distort(xy)
        return project(self.matrix, np.column_stack([bent, np.ones(len(bent))]))


def annotate(
    frame: Frame, bodies: list[Body], poses: list[NDArray[np.float64]], camera: CameraSpec, labels: Labels = Labels()
) -> tuple[Annotation, ...]:
    """Return the annotations of all labelled bodies that can be seen, in the order of the bodies.

    Args:
        frame: the rendered view, before the sensor.
        bodies: the world's bodies.
        poses: world_T_object (4, 4) of each body.
        camera: what the frame was rendered with.
        labels: thresholds.
    """
    view = View.of(camera)
    counts = np.bincount(frame.instances.ravel(), minlength=len(bodies) + 1)
    numbers = frame.instances.astype(np.min_scalar_type(len(counts)))  # the smaller the type, the faster the masks
    found = []
    for order, (body, pose) in enumerate(zip(bodies, poses, strict=True)):
        if body.spec.labelled and counts[order + 1] >= max(1, labels.min_visible_px):
            seen = numbers, order + 1, int(counts[order + 1])
            annotation = _annotate_body(frame, seen, body, (pose, view), labels)
            if annotation is not None:
                found.append(annotation)
    return tuple(found)


def _annotate_body(
    frame: Frame,
    seen: tuple[NDArray[Any], int, int],
    body: Body,
    placed: tuple[NDArray[np.float64], View],
    labels: Labels,
) -> Annotation | None:
    pose, view = placed
    name = body.spec.class_name or body.model.class_name(pose[:3, :3])
    if name is None:
        return None
    cam_T_object = view.cam_T_world @ pose
    whole, outside = silhouette_px(body, cam_T_object, view)
    _, instance, count = seen
    mask, box = _mask(seen, body, cam_T_object, view)
    fraction = min(1.0, count / max(whole, 1))
    points = body.model.keypoints_m()
    return Annotation(
        class_name=name,
        box_xyxy=box,
        mask=mask,
        instance_id=instance,
        visible_fraction=round(fraction, 4),
        truncated=outside,
        cam_T_object=cam_T_object,
        keypoints=_keypoints(list(points.values()), frame, body, (cam_T_object, view), labels),
        keypoint_names=tuple(points),
        keypoints_m=np.array(list(points.values()), float).reshape(-1, 3),
        outline_m=body.model.outline_m(),
        ignore=fraction < labels.min_visible_fraction,
    )


def _mask(
    seen: tuple[NDArray[Any], int, int], body: Body, cam_T_object: NDArray[np.float64], view: View
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return the (H, W) mask of a body, and its tight box (4,) x1 y1 x2 y2 in pixel edges.

    It is looked for around the projected vertices first; where not all of its pixels are there, in the whole image.
    """
    numbers, instance, count = seen
    rows, columns = _window(body, cam_T_object, view)
    part = numbers[rows, columns] == instance
    if np.count_nonzero(part) != count:
        rows, columns = slice(0, None), slice(0, None)
        part = numbers == instance
    mask = np.zeros(numbers.shape, np.bool_)
    mask[rows, columns] = part
    x, y, width, height = cv2.boundingRect(part.view(np.uint8))
    x, y = x + columns.start, y + rows.start
    return mask, np.array([x, y, x + width, y + height], float)


def _window(body: Body, cam_T_object: NDArray[np.float64], view: View) -> tuple[slice, slice]:
    """Return the rows and columns of the image that the body's projected vertices span, and some around them."""
    points = transform(cam_T_object, body.mesh.vertices_m)
    if points[:, 2].min() <= 1e-6:
        return slice(0, None), slice(0, None)
    across, down = view.pixels(points).T
    width, height = view.size_wh
    return _span(float(down.min()), float(down.max()), height), _span(float(across.min()), float(across.max()), width)


def _span(low: float, high: float, size: int) -> slice:
    return slice(int(min(max(low - 3, 0), size - 1)), int(min(max(high + 4, 1), size)))


def silhouette_px(body: Body, cam_T_object: NDArray[np.float64], view: View) -> tuple[int, bool]:
    """Return how many pixels the whole body covers, also outside the image, and whether some lie outside.

    A pixel is covered if its centre is inside the projected outline.
    """
    points = transform(cam_T_object, body.mesh.vertices_m)
    if points[:, 2].min() <= 1e-6:
        return int(np.prod(view.size_wh)), True
    pixels = view.pixels(points)
    low, high = np.floor(pixels.min(0)), np.ceil(pixels.max(0))
    outside = bool((low < -0.5).any() or (high > np.array(view.size_wh) - 0.5).any())
    if (high - low).max() > 4 * max(view.size_wh):
        return int(np.prod(view.size_wh)), True
    if not body.model.convex:
        return _union_px(pixels - low, body.mesh.faces), outside
    if view.lens is None:
        return _hull_px(pixels), outside
    return _outline_px(view.on_image(_bent_hull(points[:, :2] / points[:, 2:]))), outside


def _hull_px(pixels: NDArray[np.float64]) -> int:
    hull = cv2.convexHull(pixels.astype(np.float32))[:, 0].astype(float)
    if len(hull) < 3:
        return 0
    low, high = np.floor(hull.min(0)), np.ceil(hull.max(0))
    x, y = np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)
    a, b = hull, np.roll(hull, -1, 0)
    edge = b - a
    # Signed side of every pixel centre against every edge; inside is the same side of all of them.
    side = edge[:, 0, None, None] * (y[:, None] - a[:, 1, None, None]) - edge[:, 1, None, None] * (
        x[None] - a[:, 0, None, None]
    )
    return int(((side >= 0).all(0) | (side <= 0).all(0)).sum())


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


def _keypoints(
    points_m: list[tuple[float, float, float]],
    frame: Frame,
    body: Body,
    placed: tuple[NDArray[np.float64], View],
    labels: Labels,
) -> NDArray[np.float64]:
    if not points_m:
        return np.zeros((0, 3))
    cam_T_object, view = placed
    inside = transform(cam_T_object, np.array(points_m))
    pixels = view.pixels(np.maximum(inside, [-np.inf, -np.inf, 1e-6]))
    reach = labels.keypoint_tolerance * float(np.ptp(body.mesh.vertices_m, axis=0).max())
    rows = []
    for (u, v), depth in zip(pixels, inside[:, 2], strict=True):
        column, row = round(float(np.clip(u, -1e6, 1e6))), round(float(np.clip(v, -1e6, 1e6)))
        if depth <= 0 or not (0 <= column < view.size_wh[0] and 0 <= row < view.size_wh[1]):
            rows.append((0.0, 0.0, 0.0))
            continue
        seen = frame.depth_m[row, column]
        rows.append((float(u), float(v), 2.0 if seen > 0 and seen >= depth - reach else 1.0))
    return np.array(rows)
