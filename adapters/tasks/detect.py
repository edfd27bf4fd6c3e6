"""The task "detect": boxes with classes, by heat maps of object centres."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.data import DetectCrops, DetectItem, record_boxes
from simgen.adapters.functional.losses import focal_loss, giou_loss, weighted_mean
from simgen.adapters.functional.pseudo import Guesses
from simgen.adapters.metrics.overlaps import iou_pairs
from simgen.adapters.models.boxes import area, cell_centres, decode_ltrb
from simgen.adapters.models.detector import UNIT_PX, DetectorOutput, decode
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.predict import predict_detections
from simgen.adapters.tasks.bumps import bump
from simgen.adapters.tasks.dense import Dense, at_cells
from simgen.adapters.tasks.scores import Validation, detection_scores, judged

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DEFAULT_MODEL: dict[str, Any] = {"kind": "center_detector", "neck": 64, "backbone": {"kind": "residual"}}
PEAKS = 16
GUESS_MIN = 0.1
_BOX_CELLS = 0.25
_BOX_WEIGHT = 2.0


class Detect(Dense):
    """See simgen.adapters.tasks.Task."""

    default_model = DEFAULT_MODEL

    def items(self, dataset: "ImageSet", length: int) -> Dataset[DetectItem]:
        return DetectCrops(dataset, self._config, length)

    def vectors(
        self, features: Tensor, output: DetectorOutput, places: DetectorOutput | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of the `PEAKS` cells of each image that look most like an object's centre.

        The cells between objects are nearly all of a map, and alike in both domains whatever the objects look like.
        """
        best = (output if places is None else places).heat.detach().float().amax(dim=1).flatten(1)
        cells = best.topk(min(PEAKS, best.shape[1]), dim=1).indices
        return at_cells(features, cells), at_cells(output.heat, cells)

    def truth(self, batch: dict[str, Tensor]) -> DetectorOutput:
        """Return the heat map; an object is where it is above 1/2. The boxes are as in the batch, in pixels."""
        return DetectorOutput(batch["heat"], batch["box"].permute(0, 3, 1, 2))

    def collate(self, items: Sequence[DetectItem]) -> dict[str, Tensor]:
        """Return image (B, 3, S, S) uint8 and the maps of `draw_targets`, stacked."""
        size = items[0].image.shape[-1] // STRIDE
        maps = [draw_targets(item, len(self._classes), size) for item in items]
        batch = {name: torch.stack([m[name] for m in maps]) for name in maps[0]}
        return {"image": torch.stack([item.image for item in items]), **batch}

    def losses(self, output: DetectorOutput, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        heat = focal_loss(output.heat, batch["heat"], batch["heat_weight"])
        chosen = batch["box_weight"] > 0
        points = cell_centres(chosen.shape[1], chosen.shape[2], STRIDE, device=chosen.device).expand(*chosen.shape, 2)
        predicted = decode_ltrb(output.box.float().permute(0, 2, 3, 1)[chosen], points[chosen], UNIT_PX)
        box = weighted_mean(giou_loss(predicted, batch["box"][chosen]), batch["box_weight"][chosen])
        return {"heat": heat, "box": _BOX_WEIGHT * box}

    def guesses(self, output: DetectorOutput) -> Guesses:
        """Return the decoded peaks above `GUESS_MIN`."""
        found = decode(output, STRIDE, GUESS_MIN)
        picture = torch.arange(len(found)).repeat_interleave(torch.tensor([len(d.scores) for d in found]))
        scores, classes, boxes = (torch.cat([getattr(d, n) for d in found]) for n in ("scores", "classes", "boxes"))
        return Guesses(scores, classes, boxes, picture.to(scores.device))

    def taught(self, output: DetectorOutput, guesses: Guesses, kept: Tensor) -> dict[str, Tensor]:
        """Return the task's losses with kept guesses as objects, and no loss of the heat map inside the others."""
        size, device = output.heat.shape[-1], output.heat.device
        maps = [draw_targets(item, len(self._classes), size) for item in _as_items(guesses, kept, len(output.heat))]
        return self.losses(output, {name: torch.stack([m[name] for m in maps]).to(device) for name in maps[0]})

    def validate(self, module: nn.Module, records: "Sequence[ImageRecord]") -> Validation:
        """Return mAP50 and F1 at the middle of the training scales, against boxes with the training's habit."""
        scale = float(np.sqrt(np.prod(self._config.crop.scale)))
        found = predict_detections(module, records, scale=scale)
        labels, habit = {name: label for label, name in enumerate(self._classes)}, self._config.box
        images = [
            judged(d, r, iou_pairs(d.boxes_xyxy, record_boxes(r, habit)), labels, habit.min_visible)
            for d, r in zip(found, records, strict=True)
        ]
        return detection_scores(images, len(self._classes))


def _as_items(guesses: Guesses, kept: Tensor, count: int) -> list[DetectItem]:
    """Return guesses of `count` pictures as if they were labelled crops, on the CPU."""
    boxes, classes, picture, kept = (t.cpu() for t in (guesses.boxes, guesses.classes, guesses.picture, kept))
    items = []
    for k in range(count):
        sure, unsure = (picture == k) & kept, (picture == k) & ~kept
        items.append(DetectItem(torch.zeros(0), boxes[sure], classes[sure], boxes[unsure]))
    return items


def draw_targets(item: DetectItem, n_classes: int, size: int) -> dict[str, Tensor]:
    """Draw what the maps should say for one crop.

    An object is a `bump` at its centre. Cells above 1/4 learn its box, weighted by the bump; of two objects the smaller
    one has the cell.

    Returns:
        heat (n_classes, size, size), heat_weight (1, size, size; 0 in ignored boxes), box (size, size, 4) in
        pixels, box_weight (size, size).
    """
    heat = torch.zeros(n_classes, size, size)
    heat_weight = torch.ones(1, size, size)
    box, box_weight = torch.zeros(size, size, 4), torch.zeros(size, size)
    points = cell_centres(size, size, STRIDE)
    for region in item.ignored:
        heat_weight[0, _inside(points, region)] = 0
    for number in torch.argsort(area(item.boxes), descending=True):
        edges = item.boxes[number]
        hill = bump(points, (edges[:2] + edges[2:]) / 2, edges[2:] - edges[:2])
        heat[item.labels[number]] = torch.maximum(heat[item.labels[number]], hill)
        near = (hill > _BOX_CELLS) & _inside(points, edges)
        box[near], box_weight[near] = edges, hill[near]
        # What is learnt here wins over an ignored neighbour that reaches in.
        heat_weight[0, near] = 1
    return {"heat": heat, "heat_weight": heat_weight, "box": box, "box_weight": box_weight}


def _inside(points: Tensor, edges: Tensor) -> Tensor:
    return ((points > edges[:2]) & (points < edges[2:])).all(dim=-1)
