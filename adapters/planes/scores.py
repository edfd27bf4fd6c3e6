"""Errors of points, masks and poses of a flat object. Pure functions; an image where it was not found counts as wrong.

- PCK@n: share of the labelled, visible points within n pixels (Yang and Ramanan 2013).
- OKS: object keypoint similarity of COCO, mean of exp(-d^2 / (2 s^2 k^2)) with s^2 the object's area and k = 2 sigma;
  sigma is 0.025, that of COCO's eyes, for every point.
- ADD, ADD-S: mean distance of the points under the found and the true pose, each to itself or to the nearest
  (Hinterstoisser et al. 2012).
- Rotation: the angle of R_found R_true^T. Translation: distance of the origins, also as a share of the true distance.
- Reprojection: mean distance of the points, projected by the found pose, to the labelled, visible ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.planes.geometry import Array, PlaneObject, mapped, plane_homography, polygon_mask
from simgen.errors import DataError
from simgen.formats import masks
from simgen.geometry import project, transform

if TYPE_CHECKING:
    from simgen.adapters.planes.predict import PlaneFound
    from simgen.formats.imageset import ImageRecord
    from simgen.samples import Annotation

OKS_SIGMA = 0.025
GROSS_PX = 10.0
_PCK_PX = (1, 2, 5)


@dataclass(frozen=True, eq=False)
class PoseError:
    """How far one image's result is off; infinite where nothing was found.

    Attributes:
        corners_px: distances of the labelled, visible points (n,).
        oks: 0 to 1.
        mask_iou: overlap of the outline's pixels.
        pose: translation_mm, translation_percent, rotation_deg, add_mm, adds_mm, reprojection_px.
    """

    corners_px: Array
    oks: float
    mask_iou: float
    pose: Mapping[str, float]

    @property
    def gross(self) -> bool:
        """Whether the points are somewhere else altogether."""
        return not float(np.median(self.corners_px)) <= GROSS_PX

    def as_dict(self) -> dict[str, float | None]:
        """Return the figures of the image, None where they are infinite."""
        figures = {
            "corner_px_median": float(np.median(self.corners_px)),
            "corner_px_max": float(self.corners_px.max()),
            "oks": self.oks,
            "mask_iou": self.mask_iou,
            **self.pose,
        }
        return {name: value if np.isfinite(value) else None for name, value in figures.items()}


POSE_KEYS = ("translation_mm", "translation_percent", "rotation_deg", "add_mm", "adds_mm", "reprojection_px")


def pose_errors(
    found: "Sequence[PlaneFound | None]", records: "Sequence[ImageRecord]", thing: PlaneObject
) -> list[PoseError]:
    """Return the errors of images with a labelled object (see `has_truth`), in order."""
    return [_error(result, record, thing) for result, record in zip(found, records, strict=True)]


def has_truth(record: "ImageRecord") -> bool:
    """Return whether an image is labelled with an object of which a point is seen."""
    return any(_labelled(a) for a in record.annotations)


def _labelled(annotation: "Annotation") -> bool:
    return not annotation.ignore and bool((annotation.keypoints[:, 2] == 2).any())


def require_points(records: "Sequence[ImageRecord]", thing: PlaneObject) -> None:
    """Raise `DataError` unless there are labelled images, and their points are those of the object."""
    if not records:
        raise DataError("image set: expected labelled keypoints, got none")
    for record in records:
        for annotation in (a for a in record.annotations if _labelled(a)):
            if annotation.keypoint_names != thing.names:
                raise DataError(
                    f"{record.path.name}: expected the {len(thing.names)} keypoints of the model "
                    f"({thing.names[0]}, ...), got {', '.join(annotation.keypoint_names[:3]) or 'unnamed ones'}, ..."
                )


def _error(found: "PlaneFound | None", record: "ImageRecord", thing: PlaneObject) -> PoseError:
    number, truth = next((n, a) for n, a in enumerate(record.annotations) if _labelled(a))
    seen = truth.keypoints[:, 2] == 2
    if found is None:
        return PoseError(np.full(int(seen.sum()), np.inf), 0.0, 0.0, dict.fromkeys(POSE_KEYS, np.inf))
    apart = np.linalg.norm(found.keypoints - truth.keypoints[:, :2], axis=1)[seen]
    area = float(np.prod(truth.size_wh))
    overlap = mask_iou(found.mask(record.size_wh), _true_mask(record, number, thing))
    return PoseError(apart, oks(apart, area), overlap, _pose_error(found, record, truth, thing))


def _pose_error(
    found: "PlaneFound", record: "ImageRecord", truth: "Annotation", thing: PlaneObject
) -> dict[str, float]:
    pose, matrix = found.cam_T_object, record.camera_matrix
    if pose is None or matrix is None or truth.cam_T_object is None:
        return dict.fromkeys(POSE_KEYS, np.inf)
    points, seen = np.array(thing.points_m), truth.keypoints[:, 2] == 2
    pixels = project(matrix, transform(pose, points))
    shift = float(np.linalg.norm(pose[:3, 3] - truth.cam_T_object[:3, 3]))
    return {
        "translation_mm": 1000 * shift,
        "translation_percent": 100 * shift / float(np.linalg.norm(truth.cam_T_object[:3, 3])),
        "rotation_deg": rotation_deg(pose[:3, :3], truth.cam_T_object[:3, :3]),
        "add_mm": 1000 * add_m(pose, truth.cam_T_object, points),
        "adds_mm": 1000 * adds_m(pose, truth.cam_T_object, points),
        "reprojection_px": float(np.linalg.norm(pixels - truth.keypoints[:, :2], axis=1)[seen].mean()),
    }


def _true_mask(record: "ImageRecord", number: int, thing: PlaneObject) -> NDArray[np.bool_]:
    """Return the labelled mask, without what of it lies outside the outline (a rim around a print)."""
    truth, segmentation = record.annotations[number], record.masks[number]
    width, height = record.size_wh
    mask = np.ones((height, width), bool) if segmentation is None else masks.decode(segmentation, record.size_wh)
    if truth.cam_T_object is None or record.camera_matrix is None:
        return mask
    outline = mapped(plane_homography(record.camera_matrix, truth.cam_T_object), thing.corners_m)
    return mask & polygon_mask(outline, record.size_wh)


def rotation_deg(first: Array, second: Array) -> float:
    """Return the angle between two (3, 3) rotations: of their difference's axis-angle form, exact also near 0."""
    turn = first @ second.T
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return float(np.degrees(np.arctan2(np.linalg.norm(axis), np.trace(turn) - 1)))


def add_m(first: Array, second: Array, points_m: Array) -> float:
    """Return the mean distance of the points (n, 3) under two poses (4, 4)."""
    return float(np.linalg.norm(transform(first, points_m) - transform(second, points_m), axis=1).mean())


def adds_m(first: Array, second: Array, points_m: Array) -> float:
    """Return the mean distance of the points under the second pose to the nearest under the first."""
    a, b = transform(first, points_m), transform(second, points_m)
    return float(np.linalg.norm(b[:, None] - a[None], axis=2).min(axis=1).mean())


def oks(distances_px: Array, area_px: float) -> float:
    """Return the object keypoint similarity of the points' distances (n,)."""
    return float(np.exp(-(distances_px**2) / (2 * area_px * (2 * OKS_SIGMA) ** 2)).mean())


def mask_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the intersection over the union of two masks (H, W); 1 where both are empty."""
    union = int(np.count_nonzero(first | second))
    return float(np.count_nonzero(first & second) / union) if union else 1.0


def summary(errors: Sequence[PoseError]) -> dict[str, float]:
    """Return the figures of a set: medians and 90 % quantiles of the errors, shares and means of the rest."""
    if not errors:
        return {}
    corners = np.concatenate([e.corners_px for e in errors])
    figures = {f"pck@{limit}": float((corners <= limit).mean()) for limit in _PCK_PX}
    figures |= _quantiles("corner_px", corners)
    for key in POSE_KEYS:
        figures |= _quantiles(key, np.array([e.pose[key] for e in errors]))
    overlaps = np.array([e.mask_iou for e in errors])
    return {
        **figures,
        "oks": float(np.mean([e.oks for e in errors])),
        "mask_iou": float(overlaps.mean()),
        "mask_iou_min": float(overlaps.min()),
        "gross_failures": float(sum(e.gross for e in errors)),
    }


def _quantiles(name: str, values: Array) -> dict[str, float]:
    # The order statistics themselves: between a number and infinity nothing can be interpolated.
    ranked = np.quantile(values, [0.5, 0.9], method="inverted_cdf")
    return {f"{name}_median": float(ranked[0]), f"{name}_90": float(ranked[1])}
