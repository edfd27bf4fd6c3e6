"""A trained model and image records in, plain arrays out. Whole images, one at a time; nothing here sees a label.

(The classifier is told where to look: it crops around the records' boxes, never reads their classes.)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import CropView, crop_boxes
from simgen.adapters.models import build_model
from simgen.adapters.models.boxes import nms
from simgen.cutting import resize
from simgen.errors import CheckpointError

if TYPE_CHECKING:
    from simgen.formats.coco import ImageRecord

Found = TypeVar("Found")
Progress = Callable[[int, int], None]
"""Called as progress(done, total) after each image."""

Tile = tuple[int, int, int, int]
"""Part of an image: x1, y1, x2, y2 in pixels."""

_TILE_PX = 1280
_OVERLAP_PX = 160


@dataclass(frozen=True, eq=False)
class Detections:
    """The objects found in one image, best first.

    Attributes:
        boxes_xyxy: (n, 4) float64, pixel edges of the original image, clipped to it.
        scores: (n,) float64 in [0, 1].
        classes: (n,) int64, indices into the model's classes.
    """

    boxes_xyxy: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Classified:
    """What the classifier says of one image's annotated boxes.

    Attributes:
        probabilities: (n, C) float64, one row for each annotation, in order.
    """

    probabilities: NDArray[np.float64]

    @property
    def classes(self) -> NDArray[np.int64]:
        """(n,) int64: the likeliest class of each annotation."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def scores(self) -> NDArray[np.float64]:
        """(n,) float64: the probability of that class."""
        return np.asarray(self.probabilities.max(axis=1, initial=0.0), np.float64)


def build_module(model: ModelFile) -> nn.Module:
    """Return the file's module with its weights, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: the weights do not fit the architecture.
    """
    module = build_model(model.architecture, len(model.classes))
    try:
        module.load_state_dict(model.state_dict)
    except (RuntimeError, TypeError, AttributeError):
        raise CheckpointError("model file: its weights do not fit its architecture and classes") from None
    return module.eval()


def predict_detections(
    model: ModelFile | nn.Module,
    records: "Sequence[ImageRecord]",
    *,
    score_min: float = 0.01,
    scale: float = 1.0,
    progress: Progress | None = None,
) -> list[Detections]:
    """Find the objects in each image.

    Args:
        model: a model file of the task "detect", or a module as `build_module` returns it.
        records: the images.
        score_min: weaker detections are left out; keep it low for precision-recall curves.
        scale: the image is resized by this before it is looked at (its objects should then have the size of the
            training crops' objects); the boxes come back in original pixels.
        progress: called after each image.

    Raises:
        CheckpointError: a model of another task.
        DataError: an image that cannot be decoded.
    """
    module: Any = module_of(model, "detect")
    return each_image(module, records, lambda rgb, device: _detect(module, rgb, (score_min, scale), device), progress)


def each_image(
    module: nn.Module,
    records: "Sequence[ImageRecord]",
    look: Callable[[NDArray[np.uint8], torch.device], Found],
    progress: Progress | None,
) -> list[Found]:
    """Return what `look` says of each image's (H, W, 3) uint8 pixels, the module being in evaluation mode."""
    results = []
    with inference(module) as device:
        for number, record in enumerate(records):
            results.append(look(record.rgb(), device))
            if progress:
                progress(number + 1, len(records))
    return results


def predict_classes(
    model: ModelFile | nn.Module,
    records: "Sequence[ImageRecord]",
    *,
    view: CropView | None = None,
    progress: Progress | None = None,
) -> list[Classified]:
    """Classify the crop around each annotation of each image.

    Args:
        model: a model file of the task "classify", or a module together with `view`.
        records: the images; of their annotations only the boxes are read.
        view: how a box becomes a crop; a model file brings its own.
        progress: called after each image.

    Raises:
        CheckpointError: a model of another task.
        DataError: an image that cannot be decoded.
    """
    if view is None:
        if not isinstance(model, ModelFile):
            raise TypeError("a bare module needs `view`")
        view = CropView.from_preprocess(model.preprocess)
    module = module_of(model, "classify")
    results = []
    with inference(module) as device:
        for number, record in enumerate(records):
            boxes = np.array([a.box_xyxy for a in record.annotations], float).reshape(-1, 4)
            crops = crop_boxes(record.rgb(), boxes, view)
            views = view.views(view.to_input(torch.from_numpy(crops)).to(device)) if len(crops) else []
            results.append(Classified(_mean_softmax([module(x) for x in views], module)))
            if progress:
                progress(number + 1, len(records))
    return results


def _mean_softmax(logits: list[Tensor], module: Any) -> NDArray[np.float64]:
    if not logits:
        return np.zeros((0, module.head.out_features))
    probabilities = torch.stack(logits).double().softmax(dim=2).mean(dim=0)
    return np.asarray(probabilities.cpu().numpy(), np.float64)


def module_of(model: ModelFile | nn.Module, task: str) -> nn.Module:
    """Return a model file's module, or the module that is given. Raises `CheckpointError` for another task's file."""
    if isinstance(model, nn.Module):
        return model
    if model.task != task:
        raise CheckpointError(f"model file: expected a model of the task {task}, but got one of {model.task}")
    return build_module(model)


@contextmanager
def inference(module: nn.Module) -> Iterator[torch.device]:
    """Run in evaluation mode without gradients, and put the module back as it was."""
    training = module.training
    device = next(module.parameters()).device
    module.eval()
    try:
        with torch.inference_mode():
            yield device
    finally:
        module.train(training)


def _detect(module: Any, rgb: NDArray[np.uint8], settings: tuple[float, float], device: torch.device) -> Detections:
    score_min, scale = settings
    height, width = rgb.shape[:2]
    image = resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))))
    parts = [_detect_tile(module, image, tile, score_min, device) for tile in tiles(image.shape[1], image.shape[0])]
    boxes, scores, classes = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    if len(parts) > 1:
        kept = nms(boxes, scores, 0.5)
        boxes, scores, classes = boxes[kept], scores[kept], classes[kept]
    factor = np.tile([width / image.shape[1], height / image.shape[0]], 2)
    xyxy = boxes.double().numpy() * factor
    xyxy = np.clip(xyxy, 0, [width, height, width, height])
    return Detections(xyxy, scores.double().numpy(), classes.long().numpy())


def _detect_tile(
    module: Any, image: NDArray[np.uint8], tile: Tile, score_min: float, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Find the objects of a tile (x1, y1, x2, y2) whose centre no other tile is responsible for."""
    x1, y1, x2, y2 = tile
    height, width = image.shape[:2]
    patch = pad_to_multiple(image[y1:y2, x1:x2], module.size_multiple)
    output = module(torch.from_numpy(patch).to(device).permute(2, 0, 1)[None].float() / 255)
    found = module.decode(output, score_min)[0]
    boxes = found.boxes + torch.tensor([x1, y1, x1, y1], device=device)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    low, high = torch.split(torch.tensor(own_part(tile, (width, height)), device=device), 2)
    own = ((centre >= low) & (centre < high)).all(dim=1)
    return boxes[own], found.scores[own], found.classes[own]


def own_part(tile: Tile, size_wh: tuple[int, int]) -> list[float]:
    """Return the part (x1, y1, x2, y2) of a tile for which no other one is responsible, in pixels of the image."""
    half = _OVERLAP_PX / 2
    low = [edge + half if edge > 0 else -inf for edge in tile[:2]]
    high = [edge - half if edge < side else inf for edge, side in zip(tile[2:], size_wh, strict=True)]
    return low + high


def tiles(width: int, height: int) -> list[Tile]:
    """Cover a large image with overlapping tiles, so that memory does not grow with it; a small one is one tile."""
    step = _TILE_PX - _OVERLAP_PX
    xs = range(0, max(1, width - _OVERLAP_PX), step)
    ys = range(0, max(1, height - _OVERLAP_PX), step)
    return [(x, y, min(x + _TILE_PX, width), min(y + _TILE_PX, height)) for y in ys for x in xs]


def pad_to_multiple(rgb: NDArray[np.uint8], multiple: int, value: int = 114) -> NDArray[np.uint8]:
    """Pad grey at the right and bottom up to the next multiple of `multiple` pixels."""
    bottom, right = -rgb.shape[0] % multiple, -rgb.shape[1] % multiple
    return np.pad(rgb, ((0, bottom), (0, right), (0, 0)), constant_values=value)
