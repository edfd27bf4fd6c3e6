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

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.models.backbone import ResidualBackbone, conv_norm
from simgen.adapters.models.boxes import cell_centres, decode_ltrb, nms

UNIT_PX = 16.0
STRIDE = 4
_PRIOR = 0.01
_MEAN, _STD = 0.45, 0.25


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


class CenterDetector(nn.Module):
    """Backbone, top-down neck (FPN, Lin et al. 2017, arXiv:1612.03144) to its finest map, two heads.

    Args:
        n_classes: how many heat maps.
        backbone: see models/backbone.py; the default is the residual one.
        neck: channels of the neck and heads.
    """

    heads = ("heat", "box")

    def __init__(self, n_classes: int, backbone: nn.Module | None = None, neck: int = 64) -> None:
        super().__init__()
        given: Any = backbone if backbone is not None else ResidualBackbone()
        self.backbone = given
        self.shallow = tuple(f"backbone.{name}" for name in getattr(given, "shallow", ()))
        strides = [int(stride) for stride in given.strides]
        if strides[0] != STRIDE:
            raise ValueError(f"expected a backbone whose finest map has stride {STRIDE}, but got {strides[0]}")
        self.size_multiple = strides[-1]
        self.n_features = neck
        self.lateral = nn.ModuleList(conv_norm(channels, neck, kernel=1) for channels in given.channels)
        final = nn.Conv2d(neck, n_classes, 1)
        self.heat = nn.Sequential(conv_norm(neck, neck), nn.ReLU(), final)
        self.box = nn.Sequential(conv_norm(neck, neck), nn.ReLU(), nn.Conv2d(neck, 4, 1))
        self.smooth = nn.Sequential(conv_norm(neck, neck), nn.ReLU())
        # RetinaNet's prior (arXiv:1708.02002, 4.1): otherwise the first steps drown in empty cells.
        nn.init.constant_(cast(Tensor, final.bias), -math.log((1 - _PRIOR) / _PRIOR))

    def forward(self, images: Tensor) -> DetectorOutput:
        """Map images (B, 3, H, W) float RGB in [0, 1], H and W multiples of `size_multiple`, to the raw maps."""
        return self.predict(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the neck's finest map (B, neck, H/4, W/4)."""
        maps = self.backbone((images - _MEAN) / _STD)
        x = self.lateral[-1](maps[-1])
        for lateral, features in zip(list(self.lateral)[-2::-1], maps[-2::-1], strict=True):
            x = lateral(features) + F.interpolate(x, scale_factor=2.0, mode="nearest")
        smoothed: Tensor = self.smooth(F.relu(x))
        return smoothed

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
