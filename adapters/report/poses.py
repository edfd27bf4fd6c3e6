"""What the page shows of points and poses."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from simgen.adapters.report.embed import jpeg_uri
from simgen.adapters.report.pictures import MISSED, RIGHT, WRONG

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation
    from simgen.adapters.planes.predict import PlaneFound
    from simgen.adapters.planes.scores import PoseError
    from simgen.formats.imageset import ImageRecord

_RADIUS_PX = 3


def pose_examples(evaluation: "Evaluation", most: int) -> list[tuple[str, str]]:
    """Return (picture, caption) pairs, the largest errors first."""
    worst = np.argsort([-float(np.median(e.corners_px)) for e in evaluation.errors], kind="stable")[:most]
    return [
        (
            plane_picture(evaluation.records[i], evaluation.planes[i]),
            f"{evaluation.records[i].path.name}: {caption(evaluation.errors[i])}",
        )
        for i in (int(w) for w in worst)
    ]


def caption(error: "PoseError") -> str:
    """Return an image's errors in words."""
    if not np.isfinite(error.corners_px).all():
        return "not found"
    pose = error.pose
    return (
        f"points {np.median(error.corners_px):.2f} px, translation {pose['translation_percent']:.2f} %, "
        f"rotation {pose['rotation_deg']:.2f} degrees, mask {error.mask_iou:.3f}"
    )


def plane_picture(record: "ImageRecord", found: "PlaneFound | None") -> str:
    """Return the photograph of `draw_plane` as a data URI."""
    return jpeg_uri(draw_plane(record, found))


def draw_plane(record: "ImageRecord", found: "PlaneFound | None") -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a photograph (H, W, 3) uint8, 960 pixels wide or high, with what was found and what is labelled.

    Green is the outline and what was found in the picture itself, orange what follows from the others, red the labels.
    """
    scale = 960 / max(record.size_wh)
    image = np.asarray(cv2.resize(record.rgb(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    for truth in record.annotations:
        for x, y, seen in truth.keypoints:
            if seen == 2:
                _ring(image, (x, y), scale, WRONG, 2 * _RADIUS_PX)
    if found is None:
        return image
    outline = np.rint(((found.outline_px + 0.5) * scale - 0.5) * 16).astype(np.int32)
    cv2.polylines(image, [outline], True, RIGHT, 1, cv2.LINE_AA, 4)
    for (x, y), refined in zip(found.keypoints, found.refined, strict=True):
        _ring(image, (x, y), scale, RIGHT if refined else MISSED, _RADIUS_PX)
    return image


def _ring(
    image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    point: tuple[float, float],
    scale: float,
    color: tuple[int, int, int],
    radius: int,
) -> None:
    x, y = (round(((float(v) + 0.5) * scale - 0.5) * 16) for v in point)
    if max(abs(x), abs(y)) < 2**20:
        cv2.circle(image, (x, y), radius * 16, color, 1, cv2.LINE_AA, 4)
