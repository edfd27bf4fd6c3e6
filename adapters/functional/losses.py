"""Losses as pure functions of tensors. Computed in float32 whatever the precision of the forward pass."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from simgen.adapters.models.boxes import area


def focal_loss(logits: Tensor, heat: Tensor, weight: Tensor, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """Penalty-reduced pixel-wise focal loss: CenterNet (arXiv:1904.07850, eq. 1), CornerNet (arXiv:1808.01244).

        -1/N sum  (1 - p)^alpha log p                   where heat = 1
                  (1 - heat)^beta p^alpha log(1 - p)    elsewhere

    Args:
        logits: (B, C, h, w); p = sigmoid(logits).
        heat: (B, C, h, w) in [0, 1], exactly 1 at the N centres.
        weight: (B, 1, h, w) or (B, C, h, w), 0 where nothing may be learnt.
        alpha: how strongly easy cells are discounted.
        beta: how strongly the cells near a centre are discounted.

    Returns:
        A scalar; the sum over the empty cells where there is no centre (N = 1).
    """
    logits, heat = logits.float(), heat.float()
    p = logits.sigmoid()
    centre = heat.eq(1.0)
    positive = (1 - p).pow(alpha) * F.logsigmoid(logits)
    negative = (1 - heat).pow(beta) * p.pow(alpha) * F.logsigmoid(-logits)
    total = (torch.where(centre, positive, negative) * weight).sum()
    count = (centre * weight).sum().clamp(min=1.0)
    return -total / count


def giou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """1 - GIoU of pairs of boxes (Rezatofighi et al. 2019, arXiv:1902.09630): in [0, 2], 0 where they agree.

    Args:
        predicted: (n, 4) xyxy.
        target: (n, 4) xyxy.

    Returns:
        (n,).
    """
    predicted, target = predicted.float(), target.float()
    low = torch.maximum(predicted[:, :2], target[:, :2])
    high = torch.minimum(predicted[:, 2:], target[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    union = (area(predicted) + area(target) - shared).clamp(min=1e-6)
    hull_low = torch.minimum(predicted[:, :2], target[:, :2])
    hull_high = torch.maximum(predicted[:, 2:], target[:, 2:])
    hull = (hull_high - hull_low).clamp(min=0).prod(dim=-1).clamp(min=1e-6)
    return 1 - shared / union + (hull - union) / hull


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return sum(values * weights) / sum(weights), and 0 where there is no weight."""
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


def pixel_cross_entropy(logits: Tensor, labels: Tensor, ignored: int, hardest: float = 1.0) -> Tensor:
    """Bootstrapped cross-entropy: the mean of -log softmax(logits)[label] over the pixels where it is largest.

    Source: DeeperLab (Yang et al. 2019, arXiv:1902.05093, section 3.2) and Panoptic-DeepLab, which take 15 % of all
    pixels: nearly all of an image is background, and soon learnt.

    Args:
        logits: (B, C, H, W).
        labels: (B, H, W) long.
        ignored: the label of pixels that do not count.
        hardest: share of the pixels that count.

    Returns:
        A scalar; 0 where no pixel counts.
    """
    each = F.cross_entropy(logits.float(), labels, ignore_index=ignored, reduction="none")[labels != ignored]
    count = math.ceil(hardest * len(each))
    return each.topk(count).values.sum() / max(1, count)


def soft_dice_loss(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    """1 - Dice of probabilities, mean over classes: V-Net (Milletari et al. 2016, arXiv:1606.04797, section 3).

        D_c = 2 sum p_c t_c / (sum p_c^2 + sum t_c^2),    t_c = 1 where c is the label, else 0

    over the pixels of a batch that count; a class that no pixel has is left out. However small a class is, it
    weighs as much as the background.

    Args:
        logits: (B, C, H, W); p = softmax(logits).
        labels: (B, H, W) long.
        ignored: the label of pixels that do not count.
    """
    p = logits.float().softmax(dim=1).movedim(1, -1)[labels != ignored]
    t = F.one_hot(labels[labels != ignored], logits.shape[1]).float()
    dice = 2 * (p * t).sum(dim=0) / (p.square() + t).sum(dim=0).clamp(min=1e-6)
    return weighted_mean(1 - dice, t.amax(dim=0) if len(t) else torch.zeros_like(dice))


def offset_loss(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """L1 distance of offset vectors, mean over the cells that count (Panoptic-DeepLab, arXiv:1911.10194, section 3.2).

    Args:
        predicted: (B, 2, h, w).
        target: (B, 2, h, w).
        weight: (B, h, w), 0 where no object is.
    """
    return weighted_mean((predicted.float() - target).abs().sum(dim=1), weight)
