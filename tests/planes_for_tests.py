"""Pictures of a printed plate, drawn by warping the print, and the sets made of them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.adapters.planes.geometry import PlaneObject, mapped, plane_homography, polygon_mask
from simgen.catalog.charuco import CharucoPlate
from simgen.formats.coco import CocoWriter
from simgen.geometry import pose_matrix, project, quat_about, quat_multiply, transform
from simgen.samples import Annotation, Region, Sample

PLATE = CharucoPlate(rim_m=0.012)
POINTS_M = np.array(list(PLATE.keypoints_m().values()))
THING = PlaneObject(tuple(PLATE.keypoints_m()), tuple(PLATE.keypoints_m().values()), PLATE.outline_m())
MATRIX = np.array([[540.0, 0, 315], [0, 545, 244], [0, 0, 1]])
SIZE_WH = (640, 480)


def pose(turn_deg: float = 0.0, tilt_deg: float = 25.0, away_m: float = 0.45) -> NDArray[np.float64]:
    """Return cam_T_object of a plate whose middle is near the picture's."""
    quat = quat_multiply(quat_about([0.8, 0.6, 0], np.deg2rad(tilt_deg)), quat_about([0, 0, 1], np.deg2rad(turn_deg)))
    found = pose_matrix([0.01, -0.005, away_m], quat)
    found[:3, 3] -= found[:3, :3] @ [*np.array(THING.outline_m) / 2, 0]
    return found


def photograph(cam_T_object: NDArray[np.float64], seed: int = 0) -> NDArray[np.uint8]:
    """Return the plate (H, W, 3) uint8 on a noisy ground, smoothed by drawing it four times as large."""
    width, height = PLATE.texture_size_wh()
    face = PLATE.paint(np.full((height, width, 3), 235, np.uint8))
    rim = -(-PLATE.rim_m * PLATE.square_px // PLATE.square_m)
    metre = PLATE.square_m / PLATE.square_px
    to_plane = np.array([[metre, 0, metre * (0.5 - rim)], [0, metre, metre * (0.5 - rim)], [0, 0, 1]])
    fine = np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1.0]])
    whole = fine @ plane_homography(MATRIX, cam_T_object) @ to_plane
    large = (4 * SIZE_WH[0], 4 * SIZE_WH[1])
    ground = np.random.default_rng(seed).integers(70, 130, (*SIZE_WH[::-1], 3)).astype(np.uint8)
    drawn = cv2.warpPerspective(face, whole, large, flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(np.full((height, width), 255, np.uint8), whole, large, flags=cv2.INTER_NEAREST)
    small, share = (cv2.resize(image, SIZE_WH, interpolation=cv2.INTER_AREA) for image in (drawn, cover))
    alpha = (share / np.float32(255))[..., None]
    # The warped colours are black outside of the plate: they already count for their share only.
    return np.asarray(np.clip(small + (1 - alpha) * ground, 0, 255), np.uint8)


def labelled(index: int, cam_T_object: NDArray[np.float64]) -> Sample:
    """Return a sample as the generator makes one."""
    pixels = project(MATRIX, transform(cam_T_object, POINTS_M))
    homography = plane_homography(MATRIX, cam_T_object)
    rim = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * PLATE.rim_m
    mask = polygon_mask(mapped(homography, THING.corners_m + rim), SIZE_WH)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    annotation = Annotation(
        "charuco_board",
        np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float),
        Region.of(mask),
        1,
        cam_T_object=cam_T_object,
        keypoints=np.column_stack([pixels, np.full(len(pixels), 2.0)]),
        keypoint_names=THING.names,
        keypoints_m=POINTS_M,
        outline_m=THING.outline_m,
    )
    return Sample(index, photograph(cam_T_object, index), (annotation,), camera_matrix=MATRIX)


def write_plates(folder: Path, poses: list[NDArray[np.float64]]) -> Path:
    """Write a set with one picture for each pose."""
    writer = CocoWriter(folder, ("charuco_board",), {"seed": 0}, image="png")
    for index, cam_T_object in enumerate(poses):
        writer.write(labelled(index, cam_T_object))
    writer.close()
    return folder
