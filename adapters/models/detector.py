"""An anchor-free detector: every object is the peak of its class's heat map, and each cell regresses a box.

Centre points: CenterNet (Zhou et al. 2019, arXiv:1904.07850). Its size + offset heads are exchanged for the
distances to the four sides, so that every cell near a centre, not the centre alone, learns the box
(FCOS, arXiv:1904.01355; TTFNet, arXiv:1909.00700), which needs fewer steps. With stride R = 4 and cell (i, j):

    p = (j + 0.5, i + 0.5) R                          the cell's centre in pixels
    Y_ijc = sigmoid(heat_ijc)                         probability that an object of class c is centred here
    (l, t, r, b) = UNIT exp(box_ij)                   distances in pixels; the box is (px - l, py - t, px + r, py + b)

Decoding keeps the cells whose best class is the maximum of its 3x3 neighbourhood *over all classes* (two classes
at one place are one object), takes the best of them, and passes them through class-agnostic suppression.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.models.boxes import cell_centres, decode_ltrb, nms
from simgen.adapters.models.neck import STRIDE, TopDown, head, heat_head

UNIT_PX = 16.0


class DetectorOutput(NamedTuple):
    """Raw maps at the detector's stride: heat (B, classes, h, w) logits, box (B, 4, h, w) log distances."""

    heat: Tensor
    box: Tensor


@dataclass(frozen=True, eq=False)
class Decoded:
    """The objects of one image: boxes (n, 4) in the input's pixel edges, scores (n,), classes (n,) long; best first."""

    boxes: Tensor
    scores: Tensor
    classes: Tensor


class CenterDetector(TopDown):
    """Backbone and neck (see models/neck.py), two heads.

    Args:
        n_classes: how many heat maps.
        backbone: see models/backbone.py; the default is the residual one.
        neck: channels of the neck and heads.
    """

    heads = ("heat", "box")

    def __init__(self, n_classes: int, backbone: nn.Module | None = None, neck: int = 64) -> None:
        super().__init__(backbone, neck)
        self.heat, self.box = heat_head(neck, n_classes), head(neck, 4)

    def forward(self, images: Tensor) -> DetectorOutput:
        """Map images (B, 3, H, W) float RGB in [0, 1], H and W multiples of `size_multiple`, to the raw maps."""
        return self.predict(self.features(images))

    def predict(self, features: Tensor) -> DetectorOutput:
        """Return the raw maps of the neck's map."""
        return DetectorOutput(self.heat(features), self.box(features))

    def decode(self, output: DetectorOutput, score_min: float = 0.05, most: int = 100) -> list[Decoded]:
        """Return the objects of each image of the batch; see `decode`."""
        return decode(output, STRIDE, score_min, most)


def decode(
    output: DetectorOutput, stride: int, score_min: float = 0.05, most: int = 100, iou_limit: float = 0.5
) -> list[Decoded]:
    """Turn raw maps into objects.

    Args:
        output: the maps of a batch.
        stride: pixels a cell.
        score_min: weaker peaks are left out.
        most: at most this many objects an image.
        iou_limit: of two boxes that overlap more, the better one stays, whatever their classes.
    """
    best, classes = output.heat.float().sigmoid().max(dim=1)
    peak = best == F.max_pool2d(best[:, None], 3, stride=1, padding=1)[:, 0]
    points = cell_centres(best.shape[1], best.shape[2], stride, device=best.device)
    boxes = decode_ltrb(output.box.float().permute(0, 2, 3, 1), points, UNIT_PX)
    results = []
    for image in range(len(best)):
        chosen = peak[image] & (best[image] >= score_min)
        scores = best[image][chosen]
        kept = nms(boxes[image][chosen], scores, iou_limit, most)
        results.append(Decoded(boxes[image][chosen][kept], scores[kept], classes[image][chosen][kept]))
    return results
