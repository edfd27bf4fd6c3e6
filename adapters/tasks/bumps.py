"""How a heat map says that an object is centred in a cell."""

import torch
from torch import Tensor

from simgen.adapters.models.neck import STRIDE

_SPREAD = 0.54


def bump(points: Tensor, centre_xy: Tensor, size_wh: Tensor) -> Tensor:
    """Return a Gaussian about the centre of the cell that holds an object's centre, 1 there.

    sigma = 0.54 (w, h) / 6 (TTFNet, Liu et al. 2020, arXiv:1909.00700, section 3.2), at least half a cell.

    Args:
        points: (h, w, 2), the cells' centres xy in pixels.
        centre_xy: (2,) in pixels; one outside the map counts as at its border.
        size_wh: (2,) of the object in pixels.

    Returns:
        (h, w).
    """
    cell = (torch.floor(centre_xy.clamp(0, points.shape[0] * STRIDE - 1) / STRIDE) + 0.5) * STRIDE
    sigma = (_SPREAD * size_wh / 6).clamp(min=STRIDE / 2)
    return torch.exp(-((points - cell) ** 2 / (2 * sigma**2)).sum(dim=-1))
