"""A trained model and photographs in, the points and the pose of a flat object out. Nothing here sees a label.

1. Overview: the shrunk picture; the largest connected parts of the mask are where the object may be.
2. Close-up: a crop around it, under several turns, for the network knows boards that are about upright. Each gives a
   homography through the coordinates that its cells show.
3. Both ways up: what is seen from the front through the homography is laid over the portrait, which is the mean of what
   was seen so in the training pictures; then the points move to the saddles of grey values near them, in the full
   picture (simgen.adapters.planes.corners).
4. What is most like the portrait wins: there is always a second opinion, and none is needed any more once the likeness
   leaves no doubt.
5. The pose, where the camera's matrix is known.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import Image
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.planes.corners import Corners, fit_homography, refine, solve_pose
from simgen.adapters.planes.crops import cell_middles
from simgen.adapters.planes.geometry import (
    Array,
    PlaneObject,
    aligned,
    crop_transform,
    likeness,
    mapped,
    polygon_mask,
    portrait,
    warped,
)
from simgen.adapters.predict import Progress, inference, module_of, pad_to_multiple
from simgen.errors import CheckpointError

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord

_TURNS_RAD = tuple(float(v) for v in np.deg2rad([0, 60, 120, 30, 90, 150]))
_SURE = 0.85
_PARTS = 3
_LARGER = 1.5
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
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    best: Guess | None = None
    for square in _squares(rgb, view, look):
        for turn in _TURNS_RAD:
            homography = _close_up(rgb, square, turn, view, look)
            if homography is not None:
                best = _best([best, *_both_ways_up(grey, homography, view)])
            if best is not None and best.score >= _SURE:
                return _found(best, camera_matrix, view.thing)
    return None if best is None else _found(best, camera_matrix, view.thing)


@dataclass(frozen=True, eq=False)
class Guess:
    """Corners, and how much what they hold is like the portrait."""

    score: float
    corners: Corners


def _best(guesses: Sequence[Guess | None]) -> Guess | None:
    return max((g for g in guesses if g is not None), key=lambda g: g.score, default=None)


def _both_ways_up(grey: Image, homography: Array, view: PlaneView) -> list[Guess]:
    """Return the object as it was seen and turned by 180 degrees, laid over the portrait; and the better one turned."""
    ways = (np.eye(3), view.thing.half_turn())
    near = [aligned(grey, homography @ way, view.thing, view.portrait) for way in ways]
    guesses = [_guess(grey, start, view) for start in near]
    better = max(guesses, key=lambda g: g.score)
    # Of the two it may be the wrong one that was drawn to the right place.
    return [*guesses, _guess(grey, better.corners.image_T_plane @ ways[1], view)]


def _guess(grey: Image, homography: Array, view: PlaneView) -> Guess:
    corners = refine(grey, homography, view.thing, view.window)
    seen = portrait(grey, corners.image_T_plane, view.thing)
    return Guess(likeness(seen, view.portrait.astype(np.float32)), corners)


def _found(guess: Guess, camera_matrix: Array | None, thing: PlaneObject) -> PlaneFound:
    corners = guess.corners
    outline = mapped(corners.image_T_plane, thing.corners_m)
    pose = None if camera_matrix is None else solve_pose(corners, thing, camera_matrix)
    return PlaneFound(corners.pixels, corners.refined, guess.score, outline, pose)


Square = tuple[Array, float]
"""The middle (2,) and the side of a square in the picture, pixels."""


def _squares(rgb: Image, view: PlaneView, look: Look) -> Iterator[Square]:
    """Give squares in which the object may be, the likeliest first.

    As the overview says; then larger, for of an object that the picture's border cuts only a part is seen; then as a
    close-up of the first ones says.
    """
    height, width = rgb.shape[:2]
    scale = view.overview_px / max(width, height)
    shrink = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
    first = _parts(rgb, shrink, (max(1, round(width * scale)), max(1, round(height * scale))), look)
    yield from first
    yield from ((centre, _LARGER * side) for centre, side in first)
    for centre, side in first:
        yield from _parts(rgb, crop_transform(centre, side, 0.0, view.crop_px), (view.crop_px, view.crop_px), look)[:1]


def _parts(rgb: Image, crop_T_image: Array, size_wh: tuple[int, int], look: Look) -> list[Square]:
    """Return squares around the largest connected parts of a crop's mask."""
    probability, _ = look(warped(rgb, crop_T_image, size_wh))
    seen = probability > min(0.5, 0.5 * float(probability.max()))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(seen.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA] * (np.arange(len(stats)) > 0)
    largest = np.argsort(-areas, kind="stable")[:_PARTS]
    cells = mapped(np.linalg.inv(crop_T_image), cell_middles(*probability.shape))
    cell_px = STRIDE / float(np.sqrt(np.linalg.det(crop_T_image[:2, :2])))
    return [_around(cells[labels.ravel() == part], cell_px) for part in largest if areas[part] >= _LEAST_CELLS]


def _around(cells: Array, cell_px: float) -> Square:
    """Return a square that holds cells (n, 2) under any turn of it."""
    centre = (cells.min(0) + cells.max(0)) / 2
    return centre, 2 * _MARGIN * (float(np.linalg.norm(cells - centre, axis=1).max()) + cell_px)


def _close_up(rgb: Image, square: Square, turn_rad: float, view: PlaneView, look: Look) -> Array | None:
    centre, side = square
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
