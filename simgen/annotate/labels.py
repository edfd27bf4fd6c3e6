"""Which objects are annotated, and with what."""

from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.annotate.silhouette import Silhouette, silhouettes
from simgen.annotate.view import View
from simgen.geometry import transform
from simgen.render import Frame
from simgen.samples import Annotation, Region
from simgen.scene import STRICT, CameraSpec
from simgen.world import Body


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
    # The smaller the type, the faster the masks.
    numbers = frame.instances.astype(np.min_scalar_type(int(frame.instances.max(initial=0))))
    counts = _counts(numbers, len(bodies) + 1)[1:]
    names = [_class_name(body, pose) for body, pose in zip(bodies, poses, strict=True)]
    least = max(1, labels.min_visible_px)
    seen = [order for order, name in enumerate(names) if name is not None and counts[order] >= least]
    cam_T_objects = view.cam_T_world @ np.array([poses[order] for order in seen]).reshape(-1, 4, 4)
    found = []
    outlines = silhouettes([bodies[order] for order in seen], cam_T_objects, view)
    for order, cam_T_object, outline in zip(seen, cam_T_objects, outlines, strict=True):
        body, count = bodies[order], counts[order]
        region = _region(numbers, order + 1, count, outline)
        fraction = min(1.0, count / max(outline.area_px, 1))
        found.append(
            Annotation(
                class_name=str(names[order]),
                box_xyxy=region.box_xyxy(),
                region=region,
                instance_id=order + 1,
                visible_fraction=round(fraction, 4),
                truncated=outline.truncated,
                cam_T_object=cam_T_object,
                outline_m=body.model.outline_m(),
                ignore=fraction < labels.min_visible_fraction,
                whole=None if frame.amodal is None else Region.of(frame.amodal[order]).cut(),
                **_keypoints(frame, body, (cam_T_object, view), labels),
            )
        )
    return tuple(found)


def _counts(numbers: NDArray[Any], size: int) -> list[int]:
    """Return how often each number below `size` is in an image; of bytes OpenCV counts them in a tenth of the time."""
    if numbers.dtype != np.uint8:
        return list(np.bincount(numbers.ravel(), minlength=size).tolist())
    return [int(count) for count in cv2.calcHist([numbers], [0], None, [size], [0, size]).ravel()]


def _class_name(body: Body, world_T_object: NDArray[np.float64]) -> str | None:
    """Return the class of a body, None for one that is not annotated."""
    if not body.spec.labelled:
        return None
    return body.spec.class_name or body.model.class_name(world_T_object[:3, :3])


def _region(numbers: NDArray[Any], instance: int, count: int, outline: Silhouette) -> Region:
    """Return the pixels of a body, and no more around them.

    They are looked for around the projected vertices first; where not all `count` are there, in the whole image.
    """
    rows, columns = _window(outline, numbers.shape)
    part = numbers[rows, columns] == instance
    if np.count_nonzero(part) != count:
        rows, columns = slice(0, None), slice(0, None)
        part = numbers == instance
    return Region(part, (columns.start, rows.start), (numbers.shape[1], numbers.shape[0])).cut()


def _window(outline: Silhouette, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of the image that the body's projected vertices span, and some around them."""
    if outline.low_xy is None or outline.high_xy is None:
        return slice(0, None), slice(0, None)
    columns, rows = (
        _span(low, high, size) for low, high, size in zip(outline.low_xy, outline.high_xy, reversed(shape), strict=True)
    )
    return rows, columns


def _span(low: float, high: float, size: int) -> slice:
    return slice(int(min(max(low - 3, 0), size - 1)), int(min(max(high + 4, 1), size)))


def _keypoints(frame: Frame, body: Body, placed: tuple[NDArray[np.float64], View], labels: Labels) -> dict[str, Any]:
    """Return what an annotation holds of a body's keypoints: nothing where it has none."""
    points = body.model.keypoints_m()
    if not points:
        return {}
    cam_T_object, view = placed
    points_m = np.array(list(points.values()), float)
    inside = transform(cam_T_object, points_m)
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
    return {"keypoints": np.array(rows), "keypoint_names": tuple(points), "keypoints_m": points_m}
