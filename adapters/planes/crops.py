"""Training crops of a flat object: pictures with, for each cell, whether it shows the object and which place of it.

A print may look the same after half a turn but for its details (so does a chess board of 5 x 7 squares). Which way
up it is would be a coin's toss for each picture until the network can read those details, and half of a coin's toss is
the middle of the board. So the network is asked what it can see: the coordinates of a board whose y axis points down
in the crop, within `turn_deg`; crops are turned until that holds, upside down as often as not. Whoever predicts looks
at a picture under several turns and settles the half turn on the details themselves (simgen.adapters.planes.predict).
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from simgen.adapters.augment import Augment
from simgen.adapters.crops import Image, to_grey
from simgen.adapters.data import ImageCache, Shuffled, planes
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.planes.geometry import (
    Array,
    PlaneObject,
    crop_transform,
    likeness,
    mapped,
    plane_homography,
    portrait,
    standardised,
    warped,
)
from simgen.adapters.settings import TrainConfig
from simgen.errors import DataError
from simgen.formats import masks
from simgen.rng import stream

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

_SITTINGS = 96
_LIKE = 0.5
_LEAST_SHARE = 0.4
"""Of a target picture's longer side, the least that a view shows."""


class PlaneItem(NamedTuple):
    """One crop: image (3, S, S) uint8, mask (h, w) float32, coordinates (2, h, w) float32, whether these count."""

    image: Tensor
    mask: Tensor
    coordinates: Tensor
    counts: bool


class PlaneCrops(Dataset[PlaneItem]):
    """Crops of a set in which each picture shows at most one flat object.

    Args:
        dataset: the images to train on; the object's pose and the camera's matrix must be known.
        thing: the object.
        config: its `keypoints`, `augment`, `crop.cache_mb` and `seed` are used.
        length: how many items.
    """

    def __init__(self, dataset: "ImageSet", thing: PlaneObject, config: TrainConfig, length: int) -> None:
        self._dataset, self._thing, self._config, self._length = dataset, thing, config, length
        self._order = Shuffled(len(dataset), config.seed)
        self._images = ImageCache(config.crop.cache_mb)
        self._augment = Augment(config.augment)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, k: int) -> PlaneItem:
        if not 0 <= k < self._length:
            raise IndexError(k)
        rng = stream(self._config.seed, k, "crop")
        record = self._dataset.records[self._order[k]]
        size = self._config.keypoints.crop_size
        homography = image_homography(record)
        crop_T_image, sign, counts = self._window(record, homography, rng)
        image = self._augment.photometric(warped(self._images.rgb(record), crop_T_image, (size, size)), rng)
        mask, coordinates = cell_targets(record, self._thing, crop_T_image, size // STRIDE)
        return PlaneItem(
            torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
            torch.from_numpy(mask),
            torch.from_numpy(sign * coordinates),
            counts,
        )

    def _window(self, record: "ImageRecord", homography: Array, rng: Generator) -> tuple[Array, float, bool]:
        """Draw crop_T_image; with the sign that makes the y axis point down, and whether it does so well enough."""
        settings = self._config.keypoints
        corners = mapped(homography, self._thing.corners_m)
        centre = (corners.min(0) + corners.max(0)) / 2
        free = bool(rng.uniform() < settings.overviews)
        low, high = np.log(settings.overview_fill if free else settings.fill)
        side = float(np.ptp(corners, axis=0).max()) / np.exp(rng.uniform(low, high))
        # Of an overview the object is somewhere; the farther out, the smaller its share of the crop.
        shift = 0.6 if free else settings.shift
        centre = centre + rng.uniform(-shift, shift, 2) * side
        sign = 1.0 if rng.uniform() < 0.5 else -1.0
        near = self._thing.places(np.array([[0, 0], [0, 1e-3]]))  # the middle, and a little down the y axis
        x, y = np.diff(mapped(homography, near), axis=0)[0] * sign
        # The turn that brings the y axis down, and then some to either side; or any turn at all, for the mask alone.
        some = rng.uniform(-np.pi, np.pi) if free else np.deg2rad(settings.turn_deg) * rng.uniform(-1, 1)
        return crop_transform(centre, side, np.arctan2(x, y) + some, settings.crop_size), sign, not free


class PlaneViews:
    """Target pictures in two views: squares of them under any turn, for where the object is in them is not known.

    Args:
        dataset: without labels.
        config: its `keypoints.crop_size`, `augment`, `crop.cache_mb` and `seed` are used.
    """

    def __init__(self, dataset: "ImageSet", config: TrainConfig) -> None:
        self._dataset, self._config = dataset, config
        self._order = Shuffled(len(dataset), config.seed)
        self._images = ImageCache(config.crop.cache_mb)
        self._augment = Augment(config.augment)

    @property
    def rounds(self) -> int:
        """How many items go once through the pictures."""
        return len(self._dataset)

    def views(self, k: int) -> tuple[Tensor, Tensor]:
        """Return item k's image (3, S, S) uint8 without and with photometric augmentation, in the same frame."""
        rng = stream(self._config.seed, k, "crop")
        record, size = self._dataset.records[self._order[k]], self._config.keypoints.crop_size
        side = max(record.size_wh) * np.exp(rng.uniform(np.log(_LEAST_SHARE), 0.0))
        centre = rng.uniform(size=2) * (np.array(record.size_wh) - 1)
        inside = np.minimum(record.size_wh, side) / 2
        centre = np.clip(centre, inside, np.array(record.size_wh) - inside)
        crop_T_image = crop_transform(centre, side, rng.uniform(-np.pi, np.pi), size)
        crop = warped(self._images.rgb(record), crop_T_image, (size, size))
        return planes(crop), planes(self._augment.photometric(crop, rng))


def image_homography(record: "ImageRecord") -> Array:
    """Return image_T_plane of the one object of a picture. Raises `DataError` where it is not known."""
    known = [a for a in record.annotations if a.cam_T_object is not None]
    if record.camera_matrix is None or record.lens is not None or len(known) != 1:
        raise DataError(
            f"{record.path.name}: expected one object with a pose, seen by a pinhole camera with a known matrix, "
            f"but got {_found(record)}"
        )
    pose = known[0].cam_T_object
    assert pose is not None
    return plane_homography(record.camera_matrix, pose)


def _found(record: "ImageRecord") -> str:
    if record.lens is not None:
        return "a lens"
    if record.camera_matrix is None:
        return "no camera matrix"
    return f"{sum(a.cam_T_object is not None for a in record.annotations)} objects with poses"


def cell_targets(record: "ImageRecord", thing: PlaneObject, crop_T_image: Array, cells: int) -> tuple[Image, Image]:
    """Return what the cells of a crop show: mask (h, w) and normalised coordinates (2, h, w), both float32.

    The mask is that of the outline's visible part, without a rim around it.
    """
    homography = image_homography(record)
    places = mapped(np.linalg.inv(crop_T_image @ homography), cell_middles(cells, cells))
    inside = ((places >= 0) & (places <= thing.outline_m)).all(axis=1)
    pixels = np.rint(mapped(np.linalg.inv(crop_T_image), cell_middles(cells, cells))).astype(int)
    width, height = record.size_wh
    held = ((pixels >= 0) & (pixels < [width, height])).all(axis=1)
    number = next(n for n, a in enumerate(record.annotations) if a.cam_T_object is not None)
    seen = masks.decode(record.masks[number], record.size_wh)
    x, y = pixels.clip(0, [width - 1, height - 1]).T
    mask = (inside & held & seen[y, x]).reshape(cells, cells).astype(np.float32)
    coordinates = thing.normalised(places).T.reshape(2, cells, cells).clip(-2, 2)
    return mask, coordinates.astype(np.float32)


def cell_middles(rows: int, columns: int) -> Array:
    """Return the (rows * columns, 2) middles of a map's cells, in the crop's pixels."""
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    return np.stack([x, y], 1) * STRIDE + (STRIDE - 1) / 2


def object_of(dataset: "ImageSet") -> PlaneObject:
    """Return the flat object that a set shows. Raises `DataError` where its points or outline are not known."""
    if len(dataset.classes) != 1:
        raise DataError(f"{dataset.root}: expected one class with keypoints, but got {len(dataset.classes)} classes")
    for annotation in (a for r in dataset.records for a in r.annotations):
        points, outline = annotation.keypoints_m, annotation.outline_m
        if len(points) < 4 or outline is None or np.abs(points[:, 2]).max() > 1e-9:
            break
        return PlaneObject(annotation.keypoint_names, tuple((float(x), float(y), 0.0) for x, y, _ in points), outline)
    raise DataError(f"{dataset.root}: expected keypoints_3d_m in the plane z = 0, and outline_m, of a flat object")


def mean_portrait(dataset: "ImageSet", thing: PlaneObject) -> Image:
    """Return what the object looks like from the front, (h, w) uint8: the mean over training pictures.

    Pictures that show it too small to read are left out, and so are those that are unlike the mean of the others
    (something is in front of it, or a lamp shines back).
    """
    extents = [_extent(record, thing) for record in dataset.records]
    nearest = np.argsort(extents)[::-1][: min(_SITTINGS, len(extents))]
    chosen = [dataset.records[k] for k in sorted(nearest)]
    faces = [standardised(portrait(to_grey(r.rgb())[..., 0], image_homography(r), thing)) for r in chosen]
    mean = np.nanmean(faces, axis=0)
    alike = [face for face in faces if likeness(face, mean) > _LIKE] or faces
    final = standardised(np.nan_to_num(np.nanmean(alike, axis=0)))
    return np.asarray(np.clip(np.rint(128 + 60 * final), 0, 255), np.uint8)


def _extent(record: "ImageRecord", thing: PlaneObject) -> float:
    """Return how large the object is seen, in pixels; 0 where it is not wholly in the picture."""
    if len(record.annotations) != 1:
        return 0.0
    corners = mapped(image_homography(record), thing.corners_m)
    inside = (corners >= 0).all() and (corners <= np.array(record.size_wh) - 1).all()
    return float(np.ptp(corners, axis=0).min()) if inside else 0.0
