"""The nets: an encoder of RGBA crops, a decoder that its latent modulates, and what both know of the condition.

A crop is (N, 4, S, S) float32 in [0, 1] with colours multiplied by alpha ("premultiplied"): what lies outside the mask
is then one colour, and no net can learn from it.
"""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from simgen.rare.pixels.settings import Network

_EMBEDDED = 32
_LEVELS = 4
_GROUPS = 8


class Condition(nn.Module):
    """Class and standardised attributes as one vector (N, 32)."""

    def __init__(self, classes: int, attributes: int) -> None:
        super().__init__()
        self.classes = nn.Embedding(classes, _EMBEDDED)
        self.attributes = nn.Linear(attributes, _EMBEDDED)

    def forward(self, labels: Tensor, attributes: Tensor) -> Tensor:
        """Embed (N,) class numbers and (N, A) attributes."""
        return cast(Tensor, self.classes(labels) + self.attributes(attributes))


class Encoder(nn.Module):
    """From crops and their condition to the posterior's mean and log variance, both (N, Z)."""

    def __init__(self, network: Network, size: int) -> None:
        super().__init__()
        self.trunk = trunk(network.width, size)
        features = _LEVELS * network.width * (size // 2**_LEVELS) ** 2
        self.head = nn.Linear(features + _EMBEDDED, 2 * network.latent)

    def forward(self, crops: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        flat = self.trunk(2 * crops - 1).flatten(1)
        mean, log_var = self.head(torch.cat([flat, condition], 1)).float().chunk(2, 1)
        return mean, log_var.clamp(-8, 4)


class Modulated(nn.Module):
    """Doubles the resolution; scale and shift of the normalised channels come from latent and condition.

    A transposed convolution leaves a checker pattern of two pixels; the blur behind it takes that frequency out.

    Self-modulation: Chen et al. 2019, "On Self Modulation for Generative Adversarial Networks", arXiv:1810.01365.
    """

    blur: Tensor

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("blur", (row[:, None] * row).expand(outputs, 1, 3, 3).clone(), persistent=False)
        self.norm = nn.GroupNorm(_GROUPS, outputs, affine=False)
        self.style = nn.Linear(style, 2 * outputs)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.style(style)[:, :, None, None].chunk(2, 1)
        grown = functional.conv2d(self.grow(x), self.blur, padding=1, groups=len(self.blur))
        return functional.leaky_relu(self.norm(grown) * (1 + scale) + shift, 0.2)


class Decoder(nn.Module):
    """From latents and their condition to the logits of straight colours and alpha, (N, 4, S, S)."""

    def __init__(self, network: Network, size: int) -> None:
        super().__init__()
        width, style = network.width, network.latent + _EMBEDDED
        self.shape = (_LEVELS * width, size // 2**_LEVELS, size // 2**_LEVELS)
        self.start = nn.Linear(style, self.shape[0] * self.shape[1] * self.shape[2])
        sizes = [4 * width, 3 * width, 2 * width, width]
        self.blocks = nn.ModuleList(Modulated(a, b, style) for a, b in pairwise(sizes))
        self.refine = nn.Conv2d(width, width, 3, padding=1)
        self.end = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, latents: Tensor, condition: Tensor) -> Tensor:
        style = torch.cat([latents, condition], 1)
        x = self.start(style).unflatten(1, self.shape).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, style)
        x = x + functional.leaky_relu(self.refine(x), 0.2)
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return cast(Tensor, self.end(x).float())


class CropVae(nn.Module):
    """A conditional variational autoencoder of crops; its decoder is the generator of the GAN, too.

    Args:
        network: the nets' sizes.
        size: of the crops, a multiple of 16.
        classes: how many.
        attributes: how many.
    """

    def __init__(self, network: Network, size: int, classes: int, attributes: int) -> None:
        super().__init__()
        self.condition = Condition(classes, attributes)
        self.encoder = Encoder(network, size)
        self.decoder = Decoder(network, size)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, crops: Tensor, labels: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior's mean and log variance, both (N, Z), of (N, 4, S, S) premultiplied crops."""
        return cast(tuple[Tensor, Tensor], self.encoder(crops, self.condition(labels, attributes)))

    def decode(self, latents: Tensor, labels: Tensor, attributes: Tensor) -> Tensor:
        """Return the (N, 4, S, S) logits of straight colours and alpha."""
        return cast(Tensor, self.decoder(latents, self.condition(labels, attributes)))


def trunk(width: int, size: int) -> nn.Sequential:
    """Return four convolutions of stride 2, (N, 4, S, S) to (N, 4 width, S/16, S/16)."""
    if size % 2**_LEVELS:
        raise ValueError(f"expected a size that is a multiple of {2**_LEVELS}, got {size}")
    sizes = [4, width, 2 * width, 3 * width, 4 * width]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def premultiplied(logits: Tensor) -> Tensor:
    """Return crops as nets see them, (N, 4, S, S) in [0, 1] with colours times alpha, of the decoder's logits."""
    alpha = logits[:, 3:].sigmoid()
    return torch.cat([logits[:, :3].sigmoid() * alpha, alpha], 1)
