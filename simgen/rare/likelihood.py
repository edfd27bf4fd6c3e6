"""A small variational autoencoder of embedding rows: a lower bound on how likely each row is."""

import math

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]
_HIDDEN, _LATENT = 64, 8
_BATCH, _RATE = 128, 3e-3
_EPOCHS, _LEAST_STEPS, _MOST_STEPS = 30, 100, 600
_DRAWS = 32
_LEAST_ROWS = 20


class _Vae(nn.Module):
    """Gaussian encoder and decoder with one hidden layer each, and one noise a dimension."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(width, _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, 2 * _LATENT))
        self.decode = nn.Sequential(nn.Linear(_LATENT, _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, width))
        self.log_noise = nn.Parameter(torch.zeros(width))

    def log_weights(self, rows: Tensor, noise: Tensor) -> Tensor:
        """Return log p(x, z) - log q(z | x), (k, n), for draws `noise` (k, n, latent)."""
        mean, log_scale = self.encode(rows).chunk(2, dim=-1)
        log_scale = log_scale.clamp(-6, 2)
        latent = mean + log_scale.exp() * noise
        seen = _log_normal(rows, self.decode(latent), self.log_noise.clamp(-5, 3))
        prior = _log_normal(latent, torch.zeros_like(latent), torch.zeros_like(mean))
        return seen + prior - _log_normal(latent, mean, log_scale)


def _log_normal(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    return (-0.5 * ((x - mean) / log_scale.exp()) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def likelihood_bound(points: Array, rng: Generator) -> Array | None:
    """Return (n,) lower bounds on the log density of each of n points (n, d), None for fewer than 20 points.

    The points are split in two, and each half is scored by the autoencoder (Kingma and Welling 2014) that learned the
    other: none is likely because it was learned by heart. The score is the importance-weighted bound with 32 draws
    (Burda, Grosse and Salakhutdinov 2016, equation 8); up to a constant, for the points are standardised first.
    """
    if len(points) < _LEAST_ROWS:
        return None
    scaled = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-6)
    rows = torch.as_tensor(scaled, dtype=torch.float32)
    order = rng.permutation(len(points))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    bounds = np.empty(len(points))
    for learned, scored in (halves, halves[::-1]):
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        bounds[scored] = _bound(
            _fitted(rows[torch.as_tensor(learned)], generator), rows[torch.as_tensor(scored)], generator
        )
    return bounds


def _fitted(rows: Tensor, generator: torch.Generator) -> _Vae:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        model = _Vae(rows.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=1e-3)
    steps = min(max(_EPOCHS * -(-len(rows) // _BATCH), _LEAST_STEPS), _MOST_STEPS)
    for _ in range(steps):
        batch = rows[torch.randint(len(rows), (min(_BATCH, len(rows)),), generator=generator)]
        noise = torch.randn(1, len(batch), _LATENT, generator=generator)
        loss = -model.log_weights(batch, noise).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model


@torch.no_grad()
def _bound(model: _Vae, rows: Tensor, generator: torch.Generator) -> Array:
    noise = torch.randn(_DRAWS, len(rows), _LATENT, generator=generator)
    weights = model.log_weights(rows, noise)
    return np.asarray((torch.logsumexp(weights, dim=0) - math.log(_DRAWS)).double().numpy(), np.float64)
