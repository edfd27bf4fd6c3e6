"""A segmenter: the class of every pixel, and which object it belongs to (Panoptic-DeepLab, arXiv:1911.10194).

Three heads look at the neck's map (Cheng et al. 2020, section 3; there with a decoder of its own for each). With stride
R = 4, cell (i, j) and C classes:

    p = (j + 0.5, i + 0.5) R         the cell's centre in pixels
    softmax(semantic_ij)             C + 1 probabilities: the classes in their order, *background last*
    sigmoid(centre_ij)               probability that an object of any class is centred here
    p + UNIT offset_ij               where the cell's object has its centre, in pixels

The maps are enlarged to the image's pixels before anything is decided. Every pixel that is not background then goes to
the centre nearest to where it points; see models/grouping.py.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.models.boxes import cell_centres
from simgen.adapters.models.neck import STRIDE, TopDown, head, heat_head

UNIT_PX = 16.0


class SegmenterOutput(NamedTuple):
    """Raw maps at stride 4: semantic (B, C + 1, h, w) and centre (B, 1, h, w) logits, offset (B, 2, h, w) of xy."""

    semantic: Tensor
    centre: Tensor
    offset: Tensor


class Segmenter(TopDown):
    """Backbone and neck (see models/neck.py), three heads.

    Args:
        n_classes: C, without the background.
        backbone: see models/backbone.py; the default is the residual one.
        neck: channels of the neck and heads.
    """

    heads = ("semantic", "centre", "offset")

    def __init__(self, n_classes: int, backbone: nn.Module | None = None, neck: int = 64) -> None:
        super().__init__(backbone, neck)
        self.semantic, self.centre, self.offset = head(neck, n_classes + 1), heat_head(neck, 1), head(neck, 2)

    def forward(self, images: Tensor) -> SegmenterOutput:
        """Map images (B, 3, H, W) float RGB in [0, 1], H and W multiples of `size_multiple`, to the raw maps."""
        return self.predict(self.features(images))

    def predict(self, features: Tensor) -> SegmenterOutput:
        """Return the raw maps of the neck's map."""
        return SegmenterOutput(self.semantic(features), self.centre(features), self.offset(features))


def enlarged(maps: Tensor) -> Tensor:
    """Return maps (B, n, h, w) of cells as float32 maps (B, n, 4 h, 4 w) of pixels, bilinearly."""
    return F.interpolate(maps.float(), scale_factor=float(STRIDE), mode="bilinear", align_corners=False)


def pixels(output: SegmenterOutput) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the maps of one image say of its H x W pixels.

    Args:
        output: of a batch of one.

    Returns:
        labels (H, W) long, C for background; confidence (H, W), the label's probability; votes (H, W, 2), the xy in
        pixels where each pixel's object has its centre.
    """
    confidence, labels = enlarged(output.semantic)[0].softmax(dim=0).max(dim=0)
    points = cell_centres(labels.shape[0], labels.shape[1], 1, device=labels.device)
    return labels, confidence, points + UNIT_PX * enlarged(output.offset)[0].permute(1, 2, 0)


def offsets(points: Tensor, centres: Tensor) -> Tensor:
    """Return the offsets (..., 2) that code, at points (..., 2), objects with centres (..., 2); all xy in pixels."""
    return (centres - points) / UNIT_PX


def likeliest_cells(semantic: Tensor, window: int, most: int) -> Tensor:
    """Return the cells that look most like an object, at most one in each window of `window` x `window` cells.

    Args:
        semantic: (B, C + 1, h, w) logits, h and w >= `window`.
        window: side in cells.
        most: how many for each image.

    Returns:
        (B, k) long, flat numbers of cells; k is `most` or the number of windows.
    """
    foreground = 1 - semantic.detach().float().softmax(dim=1)[:, -1:]
    best, cells = F.max_pool2d(foreground, window, return_indices=True)
    chosen = best.flatten(1).topk(min(most, best[0].numel()), dim=1).indices
    return torch.gather(cells.flatten(1), 1, chosen)
