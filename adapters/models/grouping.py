"""Pixels to objects: every pixel belongs to the centre nearest to where it points. Pure functions on tensors.

Source: Panoptic-DeepLab (Cheng et al. 2020, arXiv:1911.10194), section 3.2. Centres are the peaks of the heat map after
a maximum over 7 x 7 cells; the pixel at p with offset O(p) goes to argmin_k |c_k - (p + O(p))|; an object's class is
the majority's among its pixels; its score is that of its centre times that of its class.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOW = 7
_CHUNK = 1 << 16
_CANDIDATES = 1000


@dataclass(frozen=True, eq=False)
class Grouped:
    """The objects of one image.

    Attributes:
        numbers: (H, W) long, 0 where no object is, else k + 1 for object k.
        scores: (n,) in [0, 1], best first.
        classes: (n,) long.
    """

    numbers: Tensor
    scores: Tensor
    classes: Tensor


def peaks(heat: Tensor, score_min: float, most: int) -> tuple[Tensor, Tensor]:
    """Return the rows and columns (k, 2) of a map's peaks, and their values (k,), best first; one for a plateau.

    Args:
        heat: (h, w) in [0, 1].
        score_min: weaker ones are left out.
        most: at most this many.
    """
    highest = F.max_pool2d(heat[None], _WINDOW, stride=1, padding=_WINDOW // 2)[0]
    cells = ((heat == highest) & (heat >= score_min)).nonzero()
    values = heat[cells[:, 0], cells[:, 1]]
    order = torch.argsort(values, descending=True, stable=True)[:_CANDIDATES]
    cells, values = cells[order], values[order]
    near = (cells[:, None] - cells[None]).abs().amax(dim=2) <= _WINDOW // 2
    alone = ~near.tril(-1).any(dim=1)
    return cells[alone][:most], values[alone][:most]


def nearest(points: Tensor, centres: Tensor) -> Tensor:
    """Return, for points (n, 2), the numbers (n,) of the nearest of centres (k, 2), k >= 1; some at a time."""
    parts = [torch.cdist(part, centres).argmin(dim=1) for part in torch.split(points, _CHUNK)]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long, device=points.device)


def group(pixels: tuple[Tensor, Tensor, Tensor], centres: Tensor, strengths: Tensor, background: int) -> Grouped:
    """Give every pixel that is not background to an object.

    Args:
        pixels: labels (H, W) long, confidence (H, W), votes (H, W, 2) in xy pixels; see `segmenter.pixels`.
        centres: (k, 2), xy in pixels.
        strengths: (k,) their probabilities.
        background: its label, which is the number of classes.

    Returns:
        The objects that have a pixel.
    """
    labels, confidence, votes = pixels
    numbers = torch.zeros_like(labels)
    inside = labels != background
    if not len(centres) or not inside.any():
        return Grouped(numbers, strengths[:0], labels.new_zeros(0))
    owner = nearest(votes[inside], centres)
    sizes = owner.bincount(minlength=len(centres))
    counts = _table(owner, labels[inside], None, (len(centres), background))
    classes = counts.argmax(dim=1)
    sums = _table(owner, labels[inside], confidence[inside], (len(centres), background))
    of_class = sums.gather(1, classes[:, None])[:, 0] / sizes.clamp(min=1)
    scores = torch.where(sizes > 0, strengths * of_class, -1.0)
    order = torch.argsort(scores, descending=True, stable=True)[: int((sizes > 0).sum())]
    rank = torch.zeros_like(sizes).scatter(0, order, torch.arange(1, len(order) + 1, device=order.device))
    numbers[inside] = rank[owner]
    return Grouped(numbers, scores[order], classes[order])


def _table(rows: Tensor, columns: Tensor, weights: Tensor | None, shape: tuple[int, int]) -> Tensor:
    """Return the (n_rows, n_columns) counts, or sums of weights, of pairs."""
    cells = rows * shape[1] + columns
    return torch.bincount(cells, weights, minlength=shape[0] * shape[1]).reshape(shape)
