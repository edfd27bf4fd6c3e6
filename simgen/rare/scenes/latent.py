"""Moves in the latent space of scenes: from a scene to others like it, and how likely such a move was.

All that a trained net calls random is standard normal noise: of the scene's latent, of the items' latents given it, and
of the decoded numbers around their means. A scene of the data *is* some noise, exactly, and

    noise' = sqrt(1 - boldness^2) noise + boldness new,  new ~ N(0, 1)

is a scene like it: the preconditioned Crank-Nicolson move (Cotter et al. 2013), which keeps the net's own distribution
of scenes. Boldness 0 gives the scene back, 1 forgets it. To move from rare examples, keep what is rare, and move from
these again, is subset simulation (Au and Beck 2001).
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from simgen.rare.scenes.batch import SceneBatch
from simgen.rare.scenes.likelihood import log_softmax
from simgen.rare.scenes.model import SceneModel
from simgen.rare.scenes.vae import Gaussian

_ROWS = 256


@dataclass(frozen=True, eq=False)
class Aggregate:
    """The posteriors of all scenes of a model: their even mixture is the aggregate one (Tomczak and Welling 2018).

    Attributes:
        scenes: the posterior of each scene, (B, latent).
        mean: of the mixture, (latent,).
        std: of the mixture, (latent,).
    """

    scenes: Gaussian
    mean: Tensor
    std: Tensor

    @staticmethod
    @torch.no_grad()
    def of(model: SceneModel) -> "Aggregate":
        """Return the aggregate posterior of a model's scenes; its moments are those of the drawn ones."""
        rows = torch.split(torch.arange(len(model.scenes.scene)), _ROWS)
        parts = [model.vae.encode(model.scenes.rows(part))[0] for part in rows]
        scenes = Gaussian(torch.cat([p.mean for p in parts]), torch.cat([p.log_std for p in parts]))
        mean, std = scenes.mean[model.drawn], scenes.log_std[model.drawn].exp()
        center = mean.mean(0)
        return Aggregate(scenes, center, ((mean - center) ** 2 + std**2).mean(0).sqrt())

    def log_density(self, z: Tensor, among: Tensor, boldness: float) -> Tensor:
        """Return (n,) the log density of latents (n, latent) after a move from the scenes `among`, one drawn evenly."""
        keep = math.sqrt(1 - boldness**2)
        mean = self.mean + keep * (self.scenes.mean[among] - self.mean)
        variance = keep**2 * (2 * self.scenes.log_std[among]).exp() + (boldness * self.std) ** 2
        away = (z[:, None] - mean) ** 2 / variance + variance.log()
        return torch.logsumexp(-0.5 * away.sum(2), 1) - math.log(len(mean)) - 0.5 * z.shape[1] * math.log(2 * math.pi)


@torch.no_grad()
def moved(
    model: SceneModel, aggregate: Aggregate, start: int, condition: Tensor, boldness: float, generator: torch.Generator
) -> tuple[Tensor, SceneBatch]:
    """Return a latent near that of a scene of the model, (latent,), and the scene that it decodes to.

    Args:
        model: net and scenes.
        aggregate: of the model.
        start: number of the scene to move from.
        condition: (C,) what the new scene shall be.
        boldness: 0 to 1.
        generator: draws the noise.
    """
    here, wanted = model.scenes.rows(torch.tensor([start])), condition[None]
    keep = math.sqrt(1 - boldness**2)
    posterior, features = model.vae.encode(here)
    z = posterior.at(_noise(posterior.mean, generator))
    items = model.vae.encode_items(features, z, here.condition)
    z_items = items.at(_noise(items.mean, generator))
    scene, rows = model.vae.decode(z, z_items, here.condition, here.types)
    noise = model.vae.prior_items(z, here.condition, here.types).noise(z_items)

    away = aggregate.mean + keep * (z - aggregate.mean) + boldness * aggregate.std * _noise(z, generator)
    noise = keep * noise + boldness * _noise(noise, generator)
    z_items = model.vae.prior_items(away, wanted, here.types).at(noise)
    new_scene, new_rows = model.vae.decode(away, z_items, wanted, here.types)
    step = _Step(model, keep, boldness, generator)
    once = step.scene((here.scene, scene, new_scene), here.known)
    found = step.items((here.items, rows, new_rows), here.items_known, here.types)
    return away[0], replace(here, scene=once, items=found, condition=wanted)


@torch.no_grad()
def imagined(
    model: SceneModel, aggregate: Aggregate, start: int, condition: Tensor, generator: torch.Generator
) -> tuple[Tensor, SceneBatch]:
    """Return a latent of a scene's posterior, (latent,), and a scene that the net draws there under a condition.

    The items, their number, and all noise are new: nothing but the latent comes from the scene.
    """
    wanted = condition[None]
    posterior = Gaussian(aggregate.scenes.mean[start][None], aggregate.scenes.log_std[start][None])
    z = posterior.at(_noise(posterior.mean, generator))
    counts = [int(torch.multinomial(c.softmax(1), 1, generator=generator)) for c in model.vae.counts(z, wanted)]
    types = torch.tensor([[kind for kind, count in enumerate(counts) for _ in range(count)]], dtype=torch.int64)
    prior = model.vae.prior_items(z, wanted, types)
    scene, rows = model.vae.decode(z, prior.at(_noise(prior.mean, generator)), wanted, types)
    none, nowhere = torch.zeros_like(scene, dtype=torch.bool), torch.zeros_like(rows, dtype=torch.bool)
    step = _Step(model, 0.0, 1.0, generator)
    once, found = step.scene((scene,) * 3, none), step.items((rows,) * 3, nowhere, types)
    return z[0], SceneBatch(once, ~none, types, found, ~nowhere, wanted)


@dataclass(frozen=True, eq=False)
class _Step:
    """A move of decoded numbers around what the net makes of the old and of the new latent."""

    model: SceneModel
    keep: float
    boldness: float
    generator: torch.Generator

    def scene(self, values: tuple[Tensor, Tensor, Tensor], known: Tensor) -> Tensor:
        """Return (B, S) the scene's numbers, moved; see `_numbers`."""
        columns = self.model.vae.columns
        return self._numbers(values, known, columns.scene_std(), columns.scene_segments)

    def items(self, values: tuple[Tensor, Tensor, Tensor], known: Tensor, types: Tensor) -> Tensor:
        """Return (B, N, D) the items' numbers, moved."""
        columns = self.model.vae.columns
        found, std = torch.zeros_like(values[0]), columns.item_std(types)
        for kind, segments in enumerate(columns.item_segments):
            chosen = types == kind
            if chosen.any():
                there, old, new = (value[chosen] for value in values)
                found[chosen] = self._numbers((there, old, new), known[chosen], std[chosen], segments)
        return found

    def _numbers(self, values: tuple[Tensor, Tensor, Tensor], known: Tensor, std: Tensor, segments: Tensor) -> Tensor:
        """Return (n, W) what was there, less what the net made of it, and more what it makes of the new latent.

        A category stays with the probability `keep`, and is drawn from the net's shares otherwise. What was not there
        has nothing to keep: it is drawn from the net.
        """
        there, old, new = values
        noise = _noise(new, self.generator) * std
        real = torch.where(known, new + self.keep * (there - old) + self.boldness * noise, new + noise)
        chance = torch.rand(new.shape, generator=self.generator).clamp(1e-9, 1 - 1e-7)
        draw = log_softmax(new, segments) - torch.log(-torch.log(chance))
        slots = (segments + 1).clamp(min=0)
        lots = torch.rand(len(new), int(slots.max()) + 1 if len(slots) else 1, generator=self.generator)
        stays = known & (lots[:, slots] < self.keep)
        return torch.where(segments < 0, real, torch.where(stays, there, draw))


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)
