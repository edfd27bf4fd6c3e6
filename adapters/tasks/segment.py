"""The task "segment": the class of every pixel, and the objects as masks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.functional.losses import focal_loss, offset_loss, pixel_cross_entropy, soft_dice_loss
from simgen.adapters.functional.pseudo import Guesses
from simgen.adapters.metrics.segmentation import IGNORED, iou_figures, pixel_confusion
from simgen.adapters.models.boxes import cell_centres
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.models.segmenter import SegmenterOutput, enlarged, likeliest_cells, offsets
from simgen.adapters.segments.crops import SegmentCrops, SegmentItem
from simgen.adapters.segments.labelmaps import class_map
from simgen.adapters.segments.predict import mask_overlaps, predict_segments
from simgen.adapters.settings import TrainConfig
from simgen.adapters.tasks.bumps import bump
from simgen.adapters.tasks.dense import Dense, at_cells
from simgen.adapters.tasks.scores import Validation, detection_scores, judged
from simgen.errors import ConfigError

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DEFAULT_MODEL: dict[str, Any] = {"kind": "segmenter", "neck": 64, "backbone": {"kind": "residual"}}
PLACES = 16
_WINDOW_CELLS = 4
_HARDEST = 0.15


class Segment(Dense):
    """See simgen.adapters.tasks.Task."""

    default_model = DEFAULT_MODEL

    def __init__(self, classes: Sequence[str], config: TrainConfig) -> None:
        if len(classes) >= IGNORED:
            raise ConfigError(f"task segment: expected fewer than {IGNORED} classes, got {len(classes)}")
        super().__init__(classes, config)

    def preprocess(self) -> dict[str, Any]:
        maps = "class logits in the order of the classes, background last; centres; offsets in 16 pixels"
        return {**super().preprocess(), "output": maps}

    def items(self, dataset: "ImageSet", length: int) -> Dataset[SegmentItem]:
        return SegmentCrops(dataset, self._config, length)

    def vectors(
        self, features: Tensor, output: SegmenterOutput, places: SegmenterOutput | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of cells that look like objects: of each 16 x 16 pixels the likeliest, `PLACES` an image.

        The logits are those of the classes without the background. Without the windows one large object, whose cells
        are all alike, would be all that is compared.
        """
        semantic = (output if places is None else places).semantic
        cells = likeliest_cells(semantic, _WINDOW_CELLS, PLACES)
        return at_cells(features, cells), at_cells(output.semantic[:, :-1], cells)

    def truth(self, batch: dict[str, Tensor]) -> SegmenterOutput:
        """Return the classes of the cells' middles; what is ignored counts as background."""
        middle, background = slice(STRIDE // 2, None, STRIDE), len(self._classes)
        labels = batch["classes"][:, middle, middle].long().clamp(max=background)
        semantic = F.one_hot(labels, background + 1).permute(0, 3, 1, 2).float()
        return SegmenterOutput(semantic, batch["heat"], batch["offset"])

    def collate(self, items: Sequence[SegmentItem]) -> dict[str, Tensor]:
        """Return image (B, 3, S, S) uint8, classes (B, S, S) uint8 and the maps of `draw_targets`, stacked."""
        maps = [draw_targets(item) for item in items]
        batch = {name: torch.stack([m[name] for m in maps]) for name in maps[0]}
        classes = torch.stack([item.classes for item in items])
        return {"image": torch.stack([item.image for item in items]), "classes": classes, **batch}

    def guesses(self, output: SegmenterOutput) -> Guesses:
        """Return the likeliest class, background aside, of the cells that `vectors` compares; boxes are the cells."""
        cells = likeliest_cells(output.semantic, _WINDOW_CELLS, PLACES)
        scores, classes = at_cells(output.semantic, cells).softmax(dim=1)[:, :-1].max(dim=1)
        width = output.semantic.shape[3]
        corners = torch.stack([cells % width, cells // width], dim=-1).flatten(0, 1).float() * STRIDE
        picture = torch.arange(len(cells), device=cells.device).repeat_interleave(cells.shape[1])
        return Guesses(scores, classes, torch.cat([corners, corners + STRIDE], dim=1), picture)

    def taught(self, output: SegmenterOutput, guesses: Guesses, kept: Tensor) -> dict[str, Tensor]:
        """Return the cross-entropy of the guessed cells with the kept guesses, over all of them."""
        columns, rows = (guesses.boxes[:, :2] / STRIDE).long().unbind(1)
        logits = output.semantic.float()[guesses.picture, :, rows, columns]
        return {"class": (F.cross_entropy(logits, guesses.classes, reduction="none") * kept).mean()}

    def losses(self, output: SegmenterOutput, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        logits, labels = enlarged(output.semantic), batch["classes"].long()
        return {
            "class": pixel_cross_entropy(logits, labels, IGNORED, _HARDEST),
            "dice": soft_dice_loss(logits, labels, IGNORED),
            "centre": focal_loss(output.centre, batch["heat"], batch["heat_weight"]),
            "offset": offset_loss(output.offset, batch["offset"], batch["offset_weight"]),
        }

    def validate(self, module: nn.Module, records: "Sequence[ImageRecord]") -> Validation:
        """Return mIoU of the pixels, mAP50 and F1 of the masks, at the middle of the training scales."""
        scale = float(np.sqrt(np.prod(self._config.crop.scale)))
        labels, limit = {name: label for label, name in enumerate(self._classes)}, self._config.box.min_visible
        n = len(self._classes)
        confusion, images = np.zeros((n + 1, n + 1), np.int64), []
        for record, found in zip(records, predict_segments(module, records, scale=scale), strict=True):
            confusion += pixel_confusion(class_map(record, labels, limit), found.semantic, n + 1)
            images.append(judged(found.objects, record, mask_overlaps(found, record), labels, limit))
        result = detection_scores(images, n)
        return Validation({"miou": iou_figures(confusion)["miou"] or 0.0, **result.metrics}, result.threshold)


def draw_targets(item: SegmentItem) -> dict[str, Tensor]:
    """Draw what the maps should say for one crop of h x w cells.

    An object is a `bump` at the centre of mass of its visible pixels; a cell whose centre it covers learns the way.

    Returns:
        heat (1, h, w), heat_weight (1, h, w; 0 in ignored objects), offset (2, h, w), offset_weight (h, w).
    """
    height, width = (side // STRIDE for side in item.objects.shape)
    points = cell_centres(height, width, STRIDE)
    middle = slice(STRIDE // 2, None, STRIDE)
    owner = item.objects[middle, middle].long()
    heat, weight = torch.zeros(height, width), (item.classes[middle, middle] != IGNORED).float()
    centres = torch.zeros(int(item.objects.max()) + 1, 2)
    for number in range(1, len(centres)):
        pixels = (item.objects == number).nonzero().flip(1).float() + 0.5
        centres[number] = pixels.mean(dim=0)
        heat = torch.maximum(heat, bump(points, centres[number], pixels.amax(dim=0) - pixels.amin(dim=0) + 1))
    # A ring's centre may lie in an ignored object; it is learnt nevertheless.
    weight[heat == 1] = 1
    offset = offsets(points, centres[owner]).permute(2, 0, 1)
    return {"heat": heat[None], "heat_weight": weight[None], "offset": offset, "offset_weight": (owner > 0).float()}
