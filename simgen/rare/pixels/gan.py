"""The adversarial part of the VAE-GAN (Larsen et al. 2016, arXiv:1512.09300): the decoder is the generator."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from simgen.rare.pixels.nets import trunk
from simgen.rare.pixels.settings import Network

_SHIFT = 0.125
_HOLE = 0.4


class Discriminator(nn.Module):
    """Scores premultiplied crops for their condition: psi(phi(x)) + <V(class, attributes), phi(x)>.

    Projection: Miyato and Koyama 2018, arXiv:1802.05637, equation 4; spectral normalisation of every layer: Miyato
    et al. 2018, arXiv:1802.05957.
    """

    def __init__(self, network: Network, size: int, classes: int, attributes: int) -> None:
        super().__init__()
        channels = 4 * network.width
        self.trunk = trunk(network.width, size)
        for number, layer in enumerate(self.trunk):
            if isinstance(layer, nn.Conv2d):
                self.trunk[number] = spectral_norm(layer)
        self.score = spectral_norm(nn.Linear(channels, 1))
        self.classes = spectral_norm(nn.Embedding(classes, channels))
        self.attributes = spectral_norm(nn.Linear(attributes, channels))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor, labels: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (N,) and the features (N, 4 width, S/16, S/16) before they are summed."""
        maps = self.trunk(2 * crops - 1).float()
        summed = maps.sum((2, 3))
        projected = ((self.classes(labels) + self.attributes(attributes)) * summed).sum(1)
        return cast(Tensor, (self.score(summed)[:, 0] + projected).float()), maps


def hinge_discriminator(real: Tensor, made: Tensor) -> Tensor:
    """Return E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]: Lim and Ye 2017, arXiv:1705.02894."""
    return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()


def hinge_generator(made: Tensor) -> Tensor:
    """Return -E[D(G(z))]."""
    return -made.mean()


def gradient_penalty(scores: Tensor, crops: Tensor) -> Tensor:
    """Return E[|grad_x D(x)|^2] / 2 on real crops: R1 of Mescheder et al. 2018, arXiv:1801.04406, equation 9.

    Args:
        scores: (N,) of the crops.
        crops: (N, 4, S, S), with requires_grad.
    """
    (slope,) = torch.autograd.grad(scores.sum(), crops, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean() / 2


def augmented(crops: Tensor, kinds: Sequence[str], noise: Generator) -> Tensor:
    """Return premultiplied crops in other colours, shifted, with a hole: DiffAugment, Zhao et al. 2020 (2006.10738).

    Every crop draws its own; gradients go through. Colours stay multiplied by alpha: what is empty stays empty.

    Args:
        crops: (N, 4, S, S).
        kinds: of "color", "shift" and "hole".
        noise: draws the changes.
    """
    for kind, change in (("color", _tinted), ("shift", _shifted), ("hole", _hole)):
        if kind in kinds:
            crops = change(crops, noise)
    return crops


def _tinted(crops: Tensor, noise: Generator) -> Tensor:
    color, alpha = crops[:, :3], crops[:, 3:]
    brightness, saturation, contrast = (torch.rand(3, len(crops), 1, 1, 1, generator=noise)).unbind(0)
    color = color + (brightness - 0.5) * alpha
    grey = color.mean(1, keepdim=True)
    color = grey + (color - grey) * 2 * saturation
    middle = color.sum((1, 2, 3), keepdim=True) / (3 * alpha.sum((1, 2, 3), keepdim=True) + 1) * alpha
    return torch.cat([middle + (color - middle) * (contrast + 0.5), alpha], 1)


def _shifted(crops: Tensor, noise: Generator) -> Tensor:
    n, _, height, width = crops.shape
    reach = round(_SHIFT * height)
    rows, columns = torch.randint(0, 2 * reach + 1, (2, n, 1), generator=noise)
    rows = rows + torch.arange(height)
    columns = columns + torch.arange(width)
    padded = functional.pad(crops, [reach] * 4)
    return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _hole(crops: Tensor, noise: Generator) -> Tensor:
    n, _, height, width = crops.shape
    y, x = (torch.rand(2, n, 1, generator=noise) * height).unbind(0)
    reach = _HOLE * height / 2
    rows = (torch.arange(height) - y).abs() < reach
    columns = (torch.arange(width) - x).abs() < reach
    return crops * ~(rows[:, :, None] & columns[:, None, :])[:, None]
