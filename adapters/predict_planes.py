"""A trained model and photographs in, the points and the pose of a flat object out. Nothing here sees a label.

1. Overview: the shrunk picture; the largest connected part of the mask is where the object is.
2. Close-up: a crop around it, under several turns, for the network knows boards that are about upright. Each gives a
   homography through the coordinates that its cells show.
3. The points move to the saddles of grey values near them, in the full picture (simgen.adapters.corners).
4. Both ways up: the print, seen from the front through the homography, is compared with the portrait that the training
   pictures gave; the way and the turn that are most like it win.
5. The pose, where the camera's matrix is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.corners import Corners, fit_homography, refine, solve_pose
from simgen.adapters.crops import Image
from simgen.adapters.models.keypoint_net import STRIDE
from simgen.adapters.plane_data import cell_middles
from simgen.adapters.planes import (
    Array,
    PlaneObject,
    crop_transform,
    likeness,
    mapped,
    polygon_mask,
    portrait,
    standardised,
    warped,
)
from simgen.adapters.predict import Progress, inference, module_of, pad_to_multiple
from simgen.errors import CheckpointError

if TYPE_CHECKING:
    from simgen.formats.coco import ImageRecord

_TURNS_RAD = tuple(float(v) for v in np.deg2rad([0, 60, 120]))
_MARGIN = 1.1
_LEAST_CELLS = 6
_VOTE_PX = 2.5


@dataclass(frozen=True, eq=False)
class PlaneView:
    """How a picture is looked at: the object, its portrait (h, w) uint8, and the sizes and window of the settings."""

    thing: PlaneObject
    portrait: Image
    crop_px: int = 192
    overview_px: int = 320
    window: float = 0.2

    def as_plain(self) -> dict[str, Any]:
        """Return plain data for a model file."""
        return {
            "object": self.thing.as_plain(),
            "portrait": self.portrait.tolist(),
            "crop_px": self.crop_px,
            "overview_px": self.overview_px,
            "window": self.window,
        }

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> "PlaneView":
        """Return the view of a model file. Raises `CheckpointError`."""
        try:
            thing = PlaneObject.from_plain(data["object"])
            face = np.array(data["portrait"], np.uint8)
            view = PlaneView(thing, face, int(data["crop_px"]), int(data["overview_px"]), float(data["window"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise CheckpointError(
                "model file: expected an object, its portrait, crop_px, overview_px, window"
            ) from None
        if face.shape != thing.portrait_wh[::-1] or not (32 <= view.crop_px <= 4096 and 32 <= view.overview_px <= 4096):
            raise CheckpointError("model file: its portrait or its sizes do not fit its object")
        return view


@dataclass(frozen=True, eq=False)
class PlaneFound:
    """What was found in one picture.

    Attributes:
        keypoints: (K, 2) pixels.
        refined: (K,) whether a point was found in the picture itself, or follows from the others.
        score: likeness of what is there to the object, -1 to 1.
        outline_px: (4, 2), the corners of its outline.
        cam_T_object: (4, 4), metres, or None without a camera matrix.
    """

    keypoints: Array
    refined: NDArray[np.bool_]
    score: float
    outline_px: Array
    cam_T_object: Array | None = None

    def mask(self, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
        """Return (H, W): the pixels inside the outline."""
        return polygon_mask(self.outline_px, size_wh)


def predict_planes(
    model: ModelFile | nn.Module,
    records: "Sequence[ImageRecord]",
    *,
    view: PlaneView | None = None,
    progress: Progress | None = None,
) -> list[PlaneFound | None]:
    """Find the object in each picture; None where it is not seen.

    Args:
        model: a model file of the task "keypoints", or a module together with `view`.
        records: the pictures; of a record the camera's matrix is read, and no annotation.
        view: how a picture is looked at; a model file brings its own.
        progress: called after each image.

    Raises:
        CheckpointError: a model of another task, or a damaged one.
        DataError: an image that cannot be decoded.
    """
    module = module_of(model, "keypoints")
    if view is None:
        if not isinstance(model, ModelFile):
            raise TypeError("a bare module needs `view`")
        view = PlaneView.from_plain(model.preprocess)
    results = []
    with inference(module) as device:
        for number, record in enumerate(records):
            results.append(find_plane(record.rgb(), record.camera_matrix, view, _looker(module, device)))
            if progress:
                progress(number + 1, len(records))
    return results


Look = Callable[[Image], tuple[Array, Array]]
"""Maps a picture (H, W, 3) to probabilities (h, w) and coordinates (h, w, 2) of its cells."""


def find_plane(rgb: Image, camera_matrix: Array | None, view: PlaneView, look: Look) -> PlaneFound | None:
    """Find the object in a picture (H, W, 3) uint8; see the module's text."""
    around = _overview(rgb, view, look)
    if around is None:
        return None
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    face = standardised(view.portrait.astype(np.float32))
    best: tuple[float, Corners] | None = None
    for turn in _TURNS_RAD:
        homography = _close_up(rgb, around, turn, view, look)
        if homography is None:
            continue
        upright = refine(grey, homography, view.thing, view.window)
        for corners in (upright, _other_way_up(upright, view.thing)):
            score = likeness(portrait(rgb, corners.image_T_plane, view.thing), face)
            if best is None or score > best[0]:
                best = (score, corners)
    return None if best is None else _found(*best, camera_matrix, view.thing)


def _found(score: float, corners: Corners, camera_matrix: Array | None, thing: PlaneObject) -> PlaneFound:
    outline = mapped(corners.image_T_plane, thing.corners_m)
    pose = None if camera_matrix is None else solve_pose(corners, thing, camera_matrix)
    return PlaneFound(corners.pixels, corners.refined, score, outline, pose)


def _other_way_up(corners: Corners, thing: PlaneObject) -> Corners:
    """Return the same corners for the object turned by 180 degrees: where each point lands, another one was."""
    homography = corners.image_T_plane @ thing.half_turn()
    apart = np.linalg.norm(mapped(homography, thing.places_m)[:, None] - corners.pixels[None], axis=2)
    there = apart.argmin(axis=1)
    close = apart.min(axis=1) < 0.25 * np.median(np.sort(apart, axis=1)[:, 1])
    pixels = np.where(close[:, None], corners.pixels[there], mapped(homography, thing.places_m))
    return Corners(pixels, corners.refined[there] & close, homography)


def _overview(rgb: Image, view: PlaneView, look: Look) -> tuple[Array, float] | None:
    """Return the middle (2,) and the side of a square around the object, in pixels of the picture."""
    height, width = rgb.shape[:2]
    scale = view.overview_px / max(width, height)
    shrink = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
    small = warped(rgb, shrink, (max(1, round(width * scale)), max(1, round(height * scale))))
    probability, _ = look(small)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((probability > 0.5).astype(np.uint8))
    if len(stats) < 2 or stats[1:, cv2.CC_STAT_AREA].max() < _LEAST_CELLS:
        return None
    largest = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).ravel()
    cells = mapped(np.linalg.inv(shrink), cell_middles(*probability.shape)[largest])
    centre = (cells.min(0) + cells.max(0)) / 2
    radius = float(np.linalg.norm(cells - centre, axis=1).max()) + STRIDE / scale
    return centre, 2 * _MARGIN * radius


def _close_up(rgb: Image, around: tuple[Array, float], turn_rad: float, view: PlaneView, look: Look) -> Array | None:
    centre, side = around
    crop_T_image = crop_transform(centre, side, turn_rad, view.crop_px)
    probability, coordinates = look(warped(rgb, crop_T_image, (view.crop_px, view.crop_px)))
    chosen = (probability > 0.5).ravel()
    pixels = mapped(np.linalg.inv(crop_T_image), cell_middles(*probability.shape)[chosen])
    places = view.thing.places(coordinates.reshape(-1, 2)[chosen])
    return fit_homography(places, pixels, _VOTE_PX * side / view.crop_px)


def _looker(module: Any, device: torch.device) -> Look:
    def look(rgb: Image) -> tuple[Array, Array]:
        padded = pad_to_multiple(rgb, module.size_multiple)
        output = module(torch.from_numpy(padded).to(device).permute(2, 0, 1)[None].float() / 255)
        probability = output.mask[0, 0].double().sigmoid().cpu().numpy()
        coordinates = output.coordinates[0].double().permute(1, 2, 0).cpu().numpy()
        rows, columns = -(-rgb.shape[0] // STRIDE), -(-rgb.shape[1] // STRIDE)
        return probability[:rows, :columns], coordinates[:rows, :columns]

    return look
