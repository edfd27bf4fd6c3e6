"""What simulation labels for free beside boxes: relief, surface normals and masks, cut as the detector's crops are.

All maps have the detector's stride. Depth and the camera are known; how large the world is, a picture does not say,
and crops are resized at random. So depth is learnt as relief in pixels of the crop, which is the same at every scale:

    relief = f log(z) / UNIT        f the focal length in pixels of the crop; known up to a constant for each crop
    normal ~ (f dz/du, f dz/dv, -z)      along each pixel's own ray; x right, y down, z away: it looks back at us
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simgen.adapters.augment import Augment
from simgen.adapters.data import DetectCrops, DetectItem
from simgen.adapters.models.detector import UNIT_PX
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.settings import TrainConfig
from simgen.cutting import cut, resize
from simgen.errors import DataError
from simgen.formats.layers import layer_file, read_layer
from simgen.rng import stream

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

Planes = NDArray[np.float32]
_SOLID = 0.99
"""A cell counts as a surface if this share of it was hit: the depth of the others is a mixture with nothing."""


@dataclass(frozen=True, eq=False)
class MappedItem(DetectItem):
    """A crop with its maps (6, S / stride, S / stride) float32: relief, normal x, y, z, surface (0 or 1), mask."""

    maps: Tensor


class MappedCrops(DetectCrops):
    """The detector's crops, each with the maps of the same frame.

    Args:
        dataset: with depth and instance images.
        config: as of DetectCrops.
        length: how many items.

    Raises:
        DataError: an image without them.
    """

    def __init__(self, dataset: "ImageSet", config: TrainConfig, length: int) -> None:
        super().__init__(dataset, config, length)
        for record in dataset.records:
            _require_sides(dataset, record)
        self._moved = Augment(config.augment, fill=0)

    def __getitem__(self, k: int) -> MappedItem:
        item = super().__getitem__(k)
        return MappedItem(item.image, item.boxes, item.labels, item.ignored, torch.from_numpy(self._maps(k)))

    def _maps(self, k: int) -> Planes:
        """Cut what lies behind item k's picture: the same generator gives the same frame."""
        rng = stream(self._config.seed, k, "crop")
        record = self._dataset.records[self._order[k]]
        left, top, side = self._window(record, rng)
        out, size = self._patch_side, self._config.crop.crop_size
        patch = resize(cut(read_planes(self._dataset, record), left, top, (side, side), fill=0), (out, out))
        patch, _ = self._moved.geometric(patch, np.zeros((0, 4)), rng)
        inset = (out - size) // 2
        crop = patch[inset : inset + size, inset : inset + size]
        cells = resize(np.ascontiguousarray(crop), (size // STRIDE, size // STRIDE))
        return maps_of(cells, focal_px(record) * out / side)


def read_planes(dataset: "ImageSet", record: "ImageRecord") -> Planes:
    """Return (H, W, 3): depth in metres where a surface was hit, whether one was, whether it is a labelled object's."""
    _require_sides(dataset, record)
    depth, instances = (read_layer(dataset.root, n, record.path.stem, record.size_wh) for n in ("depth", "instances"))
    assert depth is not None
    assert instances is not None
    objects = np.isin(instances, [a.instance_id for a in record.annotations if a.instance_id])
    return np.stack([depth, depth > 0, objects], axis=-1).astype(np.float32)


def maps_of(cells: Planes, focal: float) -> Planes:
    """Return the (6, h, w) maps of a MappedItem.

    Args:
        cells: (h, w, 3) of `read_planes`, the mean over each cell.
        focal: of the camera, in pixels of the crop.
    """
    surface = (cells[..., 1] >= _SOLID) & (cells[..., 0] > 0)
    depth = np.where(surface, cells[..., 0] / np.maximum(cells[..., 1], _SOLID), 1.0)
    relief = focal * np.log(depth) / UNIT_PX
    down, right = np.gradient(depth)
    normal = np.stack([right * focal / STRIDE, down * focal / STRIDE, -depth])
    normal /= np.linalg.norm(normal, axis=0)
    return np.stack([relief, *normal, surface, cells[..., 2]]).astype(np.float32)


def focal_px(record: "ImageRecord") -> float:
    """Return the focal length in pixels: the camera's, or, where it is not known, the image's longer side."""
    return float(max(record.size_wh)) if record.camera_matrix is None else float(record.camera_matrix[0, 0])


def _require_sides(dataset: "ImageSet", record: "ImageRecord") -> None:
    for kind in ("depth", "instances"):
        if not layer_file(dataset.root, kind, record.path.stem).is_file():
            raise DataError(
                f"{dataset.root}: expected depth and instance images (simgen generate --set output.depth=true "
                f"--set output.instances=true), but {record.path.name} has no {kind} image"
            )
