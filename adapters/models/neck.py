"""What the models on whole images share: a backbone, and a neck that brings its coarse maps down to the finest one."""

import math
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.models.backbone import ResidualBackbone, conv_norm

STRIDE = 4
_PRIOR = 0.01
_MEAN, _STD = 0.45, 0.25


class TopDown(nn.Module):
    """Backbone and top-down neck (FPN, Lin et al. 2017, arXiv:1612.03144) to its finest map; a model adds heads.

    Args:
        backbone: see models/backbone.py; None for the residual one.
        neck: channels of the neck.

    Raises:
        ValueError: the backbone's finest map has another stride than 4.
    """

    def __init__(self, backbone: nn.Module | None, neck: int) -> None:
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
        self.smooth = nn.Sequential(conv_norm(neck, neck), nn.ReLU())

    def features(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) float RGB in [0, 1] to the neck's finest map (B, neck, H/4, W/4).

        H and W are multiples of `size_multiple`.
        """
        maps = self.backbone((images - _MEAN) / _STD)
        x = self.lateral[-1](maps[-1])
        for lateral, features in zip(list(self.lateral)[-2::-1], maps[-2::-1], strict=True):
            x = lateral(features) + F.interpolate(x, scale_factor=2.0, mode="nearest")
        smoothed: Tensor = self.smooth(F.relu(x))
        return smoothed


def head(neck: int, n_maps: int) -> nn.Sequential:
    """Return a head of two convolutions: (B, neck, h, w) to (B, n_maps, h, w)."""
    return nn.Sequential(conv_norm(neck, neck), nn.ReLU(), nn.Conv2d(neck, n_maps, 1))


def heat_head(neck: int, n_maps: int) -> nn.Sequential:
    """Return a head of heat maps that start at 0.01 everywhere: RetinaNet's prior (arXiv:1708.02002, section 4.1).

    Otherwise the first steps drown in empty cells.
    """
    maps = head(neck, n_maps)
    nn.init.constant_(cast(Tensor, maps[-1].bias), -math.log((1 - _PRIOR) / _PRIOR))
    return maps
