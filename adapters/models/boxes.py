"""Boxes as tensors: coding, overlap, suppression. Pure functions; boxes are (n, 4) xyxy in pixel edges."""

import torch
from torch import Tensor


def cell_centres(height: int, width: int, stride: int, device: torch.device | None = None) -> Tensor:
    """Return the (height, width, 2) xy centres of a feature map's cells in pixel edges: (index + 0.5) * stride."""
    y = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) * stride
    x = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) * stride
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([grid_x, grid_y], dim=-1)


def encode_ltrb(boxes: Tensor, points: Tensor, unit: float) -> Tensor:
    """Return log(distance / unit) from each point to its box's left, top, right and bottom side.

    FCOS (Tian et al. 2019, arXiv:1904.01355, eq. 1 and 2), with exp as the positive map.

    Args:
        boxes: (..., 4) that contain their points.
        points: (..., 2) in the same pixels.
        unit: the distance in pixels that codes as 0.
    """
    distances = torch.cat([points - boxes[..., :2], boxes[..., 2:] - points], dim=-1)
    return torch.log(distances.clamp(min=1e-3) / unit)


def decode_ltrb(offsets: Tensor, points: Tensor, unit: float) -> Tensor:
    """Return the (..., 4) boxes of which `encode_ltrb` made the offsets; at most exp(6) units to each side."""
    distances = torch.exp(offsets.clamp(max=6.0)) * unit
    return torch.cat([points - distances[..., :2], points + distances[..., 2:]], dim=-1)


def area(boxes: Tensor) -> Tensor:
    """Return the (...) areas, 0 for boxes that are inside out."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def iou_matrix(first: Tensor, second: Tensor) -> Tensor:
    """Return the (n, m) intersection over union of (n, 4) and (m, 4) boxes; 0 where both are empty."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    union = area(first)[:, None] + area(second)[None] - shared
    return shared / union.clamp(min=1e-9)


def nms(boxes: Tensor, scores: Tensor, iou_limit: float, most: int = 300) -> Tensor:
    """Return the indices that greedy non-maximum suppression keeps, best first.

    Class-agnostic: what lies on a better box goes, whatever its class.

    Args:
        boxes: (n, 4).
        scores: (n,).
        iou_limit: a box that overlaps a kept one by more than this goes.
        most: no more candidates than this are looked at, and so no more are kept.
    """
    order = torch.argsort(scores, descending=True, stable=True)[:most]
    overlaps = (iou_matrix(boxes[order], boxes[order]) > iou_limit).cpu().tolist()
    kept: list[int] = []
    for candidate in range(len(order)):
        if not any(overlaps[better][candidate] for better in kept):
            kept.append(candidate)
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]
