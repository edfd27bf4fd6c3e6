"""A small network for pictures, shared by the benchmarks that learn from them."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Pixels(nn.Module):
    """Convolutions, then where each channel is strongest (spatial soft arg-max, Levine et al. 2016).

    All is normalized within a picture, so that a darker one looks the same.

    Attributes:
        size: how many numbers come of a picture.
    """

    def __init__(self, channels: tuple[int, ...] = (24, 32, 48, 48)) -> None:
        super().__init__()
        sizes, layers = [3, *channels], []
        for number, (before, after) in enumerate(pairwise(sizes)):
            stride = 2 if number < 2 else 1
            layers += [nn.Conv2d(before, after, 5 if number == 0 else 3, stride, padding="same" if stride == 1 else 2)]
            layers += [nn.GroupNorm(8, after), nn.ReLU()]
        self.features = nn.Sequential(*layers[:-1])
        self.size = 2 * sizes[-1]

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (n, size) of (n, H, W, 3) uint8 pictures."""
        colors = pictures.permute(0, 3, 1, 2).float()
        middle, spread = colors.mean((1, 2, 3), keepdim=True), colors.std((1, 2, 3), keepdim=True)
        found = self.features((colors - middle) / (spread + 1))
        weight = found.flatten(2).softmax(-1).view_as(found)
        across = torch.linspace(-1, 1, found.shape[-1])
        x, y = (weight.sum(2) * across).sum(-1), (weight.sum(3) * across).sum(-1)
        return torch.cat([x, y], 1)
