"""The backbone: an image to feature maps at strides 4, 8 and 16.

Protocol. Any `nn.Module` can take its place that
- maps images (B, 3, H, W) float32, H and W multiples of its largest stride, to a list of maps (B, C_i, H/s_i, W/s_i);
- has `channels: Sequence[int]` and `strides: Sequence[int]`, finest (4) first, each stride twice the one before;
- may have `shallow: Sequence[str]`, names of its first submodules: methods that act on early maps need it.
Add it to `BACKBONES` in models/__init__.py to reach it from a config, or hand the instance to `CenterDetector`.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


def conv_norm(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return convolution and batch normalisation; no bias, for the normalisation has one."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(c_out),
    )


class ResidualBlock(nn.Module):
    """y = relu(x' + norm(conv(relu(norm(conv(x)))))): the basic block of He et al. 2016, arXiv:1512.03385.

    x' is x, or its 1x1 projection after average pooling where the shape changes (ResNet-D, arXiv:1812.01187).
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv_norm(c_in, c_out, stride=stride)
        self.second = conv_norm(c_out, c_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or c_in != c_out:
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride != 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, conv_norm(c_in, c_out, kernel=1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.second(F.relu(self.first(x))))


class ResidualBackbone(nn.Module):
    """A stem at stride 2, then stages of residual blocks at strides 4, 8, 16, ...

    Args:
        stem: channels at stride 2, where the smallest details (pips of 4 pixels) are still apart.
        widths: channels of each stage.
        depths: residual blocks of each stage.
    """

    shallow = ("stem", "stages.0")

    def __init__(
        self, stem: int = 32, widths: Sequence[int] = (48, 96, 160), depths: Sequence[int] = (2, 2, 2)
    ) -> None:
        super().__init__()
        self.channels = tuple(widths)
        self.strides = tuple(4 * 2**level for level in range(len(widths)))
        self.stem = nn.Sequential(conv_norm(3, stem, stride=2), nn.ReLU(), conv_norm(stem, stem), nn.ReLU())
        self.stages = nn.ModuleList()
        c_in = stem
        for width, depth in zip(widths, depths, strict=True):
            blocks = [ResidualBlock(c_in, width, stride=2), *(ResidualBlock(width, width) for _ in range(depth - 1))]
            self.stages.append(nn.Sequential(*blocks))
            c_in = width

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps
