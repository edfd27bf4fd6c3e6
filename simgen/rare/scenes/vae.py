"""A conditional beta-VAE of scenes with a latent for the scene and one for each of its items.

    p(x | c) = integral p(z) p(counts, scene | z, c) prod_i p(z_i | z, c, type_i) p(items | z, z_1..n, c)

Variational autoencoder: Kingma and Welling 2014; beta: Higgins et al. 2017; condition: Sohn et al. 2015; items that are
exchangeable given the scene's latent: Edwards and Storkey 2017; attention over sets and pooling by it: Lee et al. 2019;
free bits: Kingma et al. 2016.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass
from torch import Tensor, nn

from simgen.rare.scenes.batch import SceneBatch, Shape
from simgen.rare.scenes.likelihood import Columns
from simgen.scene import STRICT, Amount

Size = Annotated[int, Field(ge=1, le=1024)]


@config_dataclass(frozen=True, config=STRICT)
class VaeConfig:
    """Sizes of the net, and weights of its loss.

    Attributes:
        hidden: width of the layers; a multiple of 4, the attention's heads.
        latent: numbers of the scene's latent.
        item_latent: numbers of an item's latent.
        beta: weight of the divergences from the prior at the end of the warm-up.
        warmup: share of the steps over which the weight rises from 0.
        free_nats: what each number of the scene's latent may say for nothing.
    """

    hidden: Annotated[int, Field(ge=4, le=1024, multiple_of=4)] = 96
    latent: Size = 16
    item_latent: Size = 12
    beta: Amount = 0.5
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.3
    free_nats: Amount = 0.05


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Independent normal numbers; both tensors have one shape."""

    mean: Tensor
    log_std: Tensor

    @staticmethod
    def of(numbers: Tensor) -> "Gaussian":
        """Return the distribution whose mean is the first half of the last axis, its spread the second."""
        mean, log_std = numbers.chunk(2, -1)
        return Gaussian(mean, log_std.clamp(-6, 2))

    def at(self, noise: Tensor) -> Tensor:
        """Return the value that standard normal noise stands for."""
        return self.mean + self.log_std.exp() * noise

    def noise(self, value: Tensor) -> Tensor:
        """Return the noise that stands for a value."""
        return (value - self.mean) / self.log_std.exp()

    def divergence(self, prior: "Gaussian") -> Tensor:
        """Return the Kullback-Leibler divergence from a prior, number by number, in nats."""
        scale = 2 * (self.log_std - prior.log_std)
        away = ((self.mean - prior.mean) / prior.log_std.exp()) ** 2
        return 0.5 * (scale.exp() + away - 1 - scale)


class ByType(nn.Module):
    """A linear layer for each type of item: (B, N, inputs) and (B, N) types to (B, N, outputs), 0 for absent items."""

    def __init__(self, types: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for _ in range(types))
        self.outputs = outputs

    def forward(self, x: Tensor, types: Tensor) -> Tensor:
        found = x.new_zeros(*types.shape, self.outputs)
        for number, layer in enumerate(self.layers):
            chosen = types == number
            if chosen.any():
                found[chosen] = layer(x[chosen])
        return found


class Attend(nn.Module):
    """Items look at each other once, then a layer for each; absent items are not seen."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(hidden, 4, batch_first=True)
        self.norms = nn.ModuleList([nn.LayerNorm(hidden), nn.LayerNorm(hidden)])
        self.layer = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, queries: Tensor, items: Tensor, present: Tensor) -> Tensor:
        # Where a scene has no items at all, the softmax needs one thing to look at.
        absent = ~present & present.any(1, keepdim=True)
        seen, _ = self.attention(queries, items, items, key_padding_mask=absent, need_weights=False)
        x = self.norms[0](queries + seen)
        return torch.as_tensor(self.norms[1](x + self.layer(x)))


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return a net of one hidden layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


class SceneVae(nn.Module):
    """The net. Latents are given to its parts as values; see `Latent` for the noise that stands for them."""

    def __init__(self, shape: Shape, config: VaeConfig) -> None:
        super().__init__()
        self.shape, self.config = shape, config
        width, hidden, types = shape.width, config.hidden, len(shape.types)
        around = config.latent + shape.condition
        self.scene_in = mlp(len(shape.scene) + shape.condition, hidden, hidden)
        self.items_in = ByType(types, width, hidden)
        self.mix_in, self.pool = Attend(hidden), Attend(hidden)
        self.seed = nn.Parameter(torch.zeros(1, 1, hidden))
        self.posterior = mlp(2 * hidden, hidden, 2 * config.latent)
        self.item_posterior = mlp(hidden + around, hidden, 2 * config.item_latent)
        self.kind = nn.Embedding(max(types, 1), hidden)
        self.item_prior = mlp(hidden + around, hidden, 2 * config.item_latent)
        self.scene_out = mlp(around, hidden, len(shape.scene))
        self.counts_out = mlp(around, hidden, sum(most + 1 for most in shape.most))
        self.item_up = mlp(config.item_latent + around + hidden, hidden, hidden)
        self.mix_out = Attend(hidden)
        self.items_out = ByType(types, hidden, width)
        self.columns = Columns(shape)

    def encode(self, batch: SceneBatch) -> tuple[Gaussian, Tensor]:
        """Return the posterior of the scene's latent, (B, latent), and features of the items, (B, N, hidden)."""
        once = self.scene_in(torch.cat([batch.scene, batch.condition], 1))
        items = nn.functional.silu(self.items_in(batch.items, batch.types) + once[:, None])
        if not items.shape[1]:
            return Gaussian.of(self.posterior(torch.cat([once, once * 0], 1))), items
        items = self.mix_in(items, items, batch.present)
        pooled = self.pool(self.seed.expand(len(once), -1, -1), items, batch.present)[:, 0]
        return Gaussian.of(self.posterior(torch.cat([once, pooled], 1))), items

    def encode_items(self, features: Tensor, z: Tensor, condition: Tensor) -> Gaussian:
        """Return the posterior of the items' latents, (B, N, item_latent)."""
        return Gaussian.of(self.item_posterior(_beside(features, z, condition)))

    def prior_items(self, z: Tensor, condition: Tensor, types: Tensor) -> Gaussian:
        """Return what the items' latents are given the scene's alone."""
        return Gaussian.of(self.item_prior(_beside(self.kind(types.clamp(min=0)), z, condition)))

    def decode(self, z: Tensor, z_items: Tensor, condition: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and logits of the scene's numbers, (B, S), and of the items', (B, N, D)."""
        scene = self.scene_out(torch.cat([z, condition], 1))
        if not types.shape[1]:
            return scene, z.new_zeros(len(z), 0, self.shape.width)
        kinds = self.kind(types.clamp(min=0))
        items = nn.functional.silu(self.item_up(_beside(torch.cat([z_items, kinds], 2), z, condition)))
        return scene, self.items_out(self.mix_out(items, items, types >= 0), types)

    def counts(self, z: Tensor, condition: Tensor) -> list[Tensor]:
        """Return for each type the logits of there being 0, 1, ... items of it, (B, most + 1)."""
        logits = self.counts_out(torch.cat([z, condition], 1))
        return list(logits.split([most + 1 for most in self.shape.most], 1))

    def loss(self, batch: SceneBatch, beta: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the negative evidence bound a scene, in nats: "loss" and its parts."""
        posterior, features = self.encode(batch)
        z = posterior.at(_normal(posterior.mean, generator))
        items = self.encode_items(features, z, batch.condition)
        z_items = items.at(_normal(items.mean, generator))
        scene, rows = self.decode(z, z_items, batch.condition, batch.types)
        wrong = self.columns.scene(scene, batch.scene, batch.known).sum(1)
        wrong = wrong + self.columns.items(rows, batch).sum((1, 2))
        counted = sum(
            (
                nn.functional.cross_entropy(logits, (batch.types == kind).sum(1).clamp(max=logits.shape[1] - 1))
                for kind, logits in enumerate(self.counts(z, batch.condition))
            ),
            z.new_zeros(()),
        )
        far = posterior.divergence(Gaussian(torch.zeros_like(z), torch.zeros_like(z))).mean(0)
        far_items = items.divergence(self.prior_items(z, batch.condition, batch.types))
        kl = far.clamp(min=self.config.free_nats).sum()
        kl_items = (far_items.sum(2) * batch.present).sum(1).mean()
        loss = wrong.mean() + counted + beta * (kl + kl_items)
        return {"loss": loss, "wrong": wrong.mean(), "counts": counted, "kl": far.sum(), "kl_items": kl_items}


def _beside(items: Tensor, z: Tensor, condition: Tensor) -> Tensor:
    """Return (B, N, ...) with the scene's latent and the condition at every item."""
    around = torch.cat([z, condition], 1)[:, None]
    return torch.cat([items, around.expand(-1, items.shape[1], -1)], 2)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)
