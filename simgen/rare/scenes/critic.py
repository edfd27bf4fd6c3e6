"""A critic of encoded scenes, for a net that shall draw scenes from its prior and not only bring them back.

The hinge loss (Lim and Ye 2017) on a net over sets (Zaheer et al. 2017) with spectral normalisation (Miyato et al.
2018); the VAE's decoder is its generator, as in VAE-GAN (Larsen et al. 2016).
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from simgen.rare.scenes.batch import SceneBatch, Shape
from simgen.rare.scenes.likelihood import log_softmax
from simgen.rare.scenes.vae import SceneVae


class Critic(nn.Module):
    """Says of encoded scenes how much they look like those of the data: (B,), larger is more."""

    def __init__(self, shape: Shape, hidden: int) -> None:
        super().__init__()

        def layer(inputs: int, outputs: int) -> nn.Module:
            made: nn.Module = spectral_norm(nn.Linear(inputs, outputs))
            return made

        types = max(len(shape.types), 1)
        self.scene_in = layer(len(shape.scene) + shape.condition, hidden)
        self.item_in = nn.Sequential(layer(shape.width + types, hidden), nn.LeakyReLU(0.2), layer(hidden, hidden))
        self.out = nn.Sequential(layer(2 * hidden, hidden), nn.LeakyReLU(0.2), layer(hidden, 1))
        self.types = types

    def forward(self, batch: SceneBatch) -> Tensor:
        once = self.scene_in(torch.cat([batch.scene * batch.known, batch.condition], 1))
        kinds = nn.functional.one_hot(batch.types.clamp(min=0), self.types).float()
        items = self.item_in(torch.cat([batch.items * batch.items_known, kinds], 2)) * batch.present[:, :, None]
        pooled = items.sum(1) / batch.present.sum(1, keepdim=True).clamp(min=1)
        return torch.as_tensor(self.out(nn.functional.leaky_relu(torch.cat([once, pooled], 1), 0.2))[:, 0])


def drawn(vae: SceneVae, batch: SceneBatch, generator: torch.Generator) -> SceneBatch:
    """Return scenes from the prior, with the types of items that the batch's scenes have, and its masks."""
    z = torch.randn(len(batch.scene), vae.config.latent, generator=generator)
    prior = vae.prior_items(z, batch.condition, batch.types)
    z_items = prior.at(torch.randn(prior.mean.shape, generator=generator))
    scene, items = vae.decode(z, z_items, batch.condition, batch.types)
    scene = _soft(scene, vae.columns.scene_segments)
    rows = torch.zeros_like(items)
    for kind, segments in enumerate(vae.columns.item_segments):
        chosen = batch.types == kind
        if chosen.any():
            rows[chosen] = _soft(items[chosen], segments)
    return replace(batch, scene=scene, items=rows)


def critic_loss(critic: Critic, real: SceneBatch, fake: SceneBatch) -> Tensor:
    """Return the critic's hinge loss; `fake` must not carry gradients."""
    return torch.relu(1 - critic(real)).mean() + torch.relu(1 + critic(fake)).mean()


def _soft(numbers: Tensor, segments: Tensor) -> Tensor:
    """Return the numbers with the logits of categories as shares."""
    return torch.where(segments < 0, numbers, log_softmax(numbers, segments).exp())
