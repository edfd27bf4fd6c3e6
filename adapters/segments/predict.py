"""A trained segmenter and image records in; maps of classes and objects with masks out. Nothing here sees a label."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import Image, resize_labels
from simgen.adapters.models.grouping import Grouped, group, peaks
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.models.segmenter import pixels
from simgen.adapters.predict import Detections, Progress, Tile, each_image, module_of, own_part, pad_to_multiple, tiles
from simgen.adapters.segments.labelmaps import objects_of
from simgen.cutting import resize
from simgen.formats.masks import overlaps
from simgen.samples import Region

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord

Maps = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Segments:
    """What was found in one image.

    Attributes:
        objects: the objects, best first, with the tight boxes of their masks.
        regions: their masks, in the same order; no pixel is in two.
        size_wh: of the image.
        packed: the map of classes, compressed, for the maps of a set are larger than its files.
    """

    objects: Detections
    regions: tuple[Region, ...]
    size_wh: tuple[int, int]
    packed: bytes

    @property
    def semantic(self) -> NDArray[np.uint8]:
        """(H, W) uint8: the class number of each pixel, C for background."""
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.size_wh[::-1])


def predict_segments(
    model: ModelFile | nn.Module,
    records: "Sequence[ImageRecord]",
    *,
    score_min: float = 0.1,
    scale: float = 1.0,
    progress: Progress | None = None,
) -> list[Segments]:
    """Find the class and the object of each pixel of each image.

    Args:
        model: a model file of the task "segment", or a module as `build_module` returns it.
        records: the images.
        score_min: weaker centres are no objects (their pixels go to others).
        scale: the image is resized by this before it is looked at; what is found comes back in original pixels.
        progress: called after each image.

    Raises:
        CheckpointError: a model of another task.
        DataError: an image that cannot be decoded.
    """
    module: Any = module_of(model, "segment")
    return each_image(module, records, lambda rgb, device: _segment(module, rgb, (score_min, scale), device), progress)


def mask_overlaps(found: Segments, record: "ImageRecord") -> NDArray[np.float64]:
    """Return the (n, m) overlaps of what was found and the masks of the record's annotations."""
    regions = [a.region for a in objects_of(record) if a.region is not None]
    return overlaps(found.regions, regions)


def _segment(module: Any, rgb: Image, settings: tuple[float, float], device: torch.device) -> Segments:
    score_min, scale = settings
    size_wh = (rgb.shape[1], rgb.shape[0])
    image = resize(rgb, (max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))))
    maps = _stitched(module, image, device)
    cells, strengths = peaks(maps["heat"], score_min, 200)
    centres = (cells.flip(1).float() + 0.5) * STRIDE
    background = module.semantic[-1].out_channels - 1
    grouped = group((maps["labels"].long(), maps["confidence"], maps["votes"]), centres, strengths, background)
    return _in_pixels(maps["labels"], grouped, size_wh)


def _stitched(module: Any, image: Image, device: torch.device) -> Maps:
    """Return the maps of a whole image: labels, confidence and votes of its pixels, heat of its cells."""
    height, width = image.shape[:2]
    rows, columns = (-(-side // STRIDE) for side in (height, width))
    whole = {
        "labels": torch.zeros(height, width, dtype=torch.uint8),
        "confidence": torch.zeros(height, width),
        "votes": torch.zeros(height, width, 2),
        "heat": torch.zeros(rows, columns),
    }
    for tile in tiles(width, height):
        for name, part in _look(module, image, tile, device).items():
            step = STRIDE if name == "heat" else 1
            into, out_of = _places(tile, (width, height), step)
            whole[name][into] = part[out_of].to("cpu", whole[name].dtype)
    return whole


def _look(module: Any, image: Image, tile: Tile, device: torch.device) -> Maps:
    x1, y1, x2, y2 = tile
    patch = pad_to_multiple(image[y1:y2, x1:x2], module.size_multiple)
    output = module(torch.from_numpy(patch).to(device).permute(2, 0, 1)[None].float() / 255)
    labels, confidence, votes = pixels(output)
    heat = output.centre.float().sigmoid()[0, 0]
    votes = votes + torch.tensor([x1, y1], device=device)
    return {"labels": labels, "confidence": confidence, "votes": votes, "heat": heat}


def _places(tile: Tile, size_wh: tuple[int, int], step: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where in the whole map, and where in the tile's, that part lies for which no other tile is responsible.

    Args:
        tile: (x1, y1, x2, y2) in pixels.
        size_wh: of the image.
        step: pixels a cell of the map.
    """
    edges = np.clip(own_part(tile, size_wh), 0, np.tile(size_wh, 2)).astype(int)
    x1, y1, x2, y2 = (int(v) for v in -(-edges // step))
    left, top = tile[0] // step, tile[1] // step
    return (slice(y1, y2), slice(x1, x2)), (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left))


def _in_pixels(labels: Tensor, grouped: Grouped, size_wh: tuple[int, int]) -> Segments:
    """Bring what was found to the size of the picture."""
    semantic, numbers = (resize_labels(map_.numpy().astype(np.int16), size_wh) for map_ in (labels, grouped.numbers))
    found = list(_regions(numbers, len(grouped.scores)))
    kept = [k for k, _ in found]
    regions = tuple(region for _, region in found)
    objects = Detections(
        np.array([_box(region) for region in regions], float).reshape(-1, 4),
        grouped.scores.double().numpy()[kept],
        grouped.classes.numpy()[kept].astype(np.int64),
    )
    return Segments(objects, regions, size_wh, zlib.compress(semantic.astype(np.uint8).tobytes(), 1))


def _regions(numbers: NDArray[np.int16], n: int) -> Iterator[tuple[int, Region]]:
    """Go through the objects that still have a pixel."""
    size_wh = (numbers.shape[1], numbers.shape[0])
    for k, place in enumerate(ndimage.find_objects(numbers, max_label=n)):
        if place is not None:
            yield k, Region(numbers[place] == k + 1, (place[1].start, place[0].start), size_wh)


def _box(region: Region) -> tuple[int, int, int, int]:
    (x, y), (height, width) = region.corner_xy, region.part.shape
    return x, y, x + width, y + height
