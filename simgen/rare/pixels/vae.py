"""The loss of the conditional VAE of crops (Kingma and Welling 2014, arXiv:1312.6114; Sohn et al. 2015)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from simgen.rare.pixels.nets import CropVae, premultiplied
from simgen.rare.pixels.settings import VaeLoss

TensorFeatures = Callable[[Tensor], Tensor]
"""A differentiable feature function: premultiplied crops (N, 4, S, S) in [0, 1] to (N, D)."""
_RIM = 0.05


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops of one step.

    Attributes:
        straight: (N, 4, S, S) float32 in [0, 1], straight colours.
        labels: (N,) int64.
        attributes: (N, A) float32, standardised.
    """

    straight: Tensor
    labels: Tensor
    attributes: Tensor

    @property
    def premultiplied(self) -> Tensor:
        """(N, 4, S, S) with colours times alpha."""
        return torch.cat([self.straight[:, :3] * self.straight[:, 3:], self.straight[:, 3:]], 1)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A batch through the autoencoder: logits (N, 4, S, S) and the posterior's mean and log variance (N, Z)."""

    logits: Tensor
    mean: Tensor
    log_var: Tensor


def autoencode(model: CropVae, batch: Batch, noise: Generator) -> Decoded:
    """Return the batch decoded from a draw of its posterior."""
    mean, log_var = model.encode(batch.premultiplied, batch.labels, batch.attributes)
    draw = torch.randn(mean.shape, generator=noise)
    latents = mean + draw * (0.5 * log_var).exp()
    return Decoded(model.decode(latents, batch.labels, batch.attributes), mean, log_var)


def reconstruction(decoded: Decoded, batch: Batch, loss: VaeLoss) -> Tensor:
    """Return the mean over crops of the weighted errors of colours and alpha.

    Colours count by the true alpha (little outside the mask, where they are bled); alpha is a Bernoulli variable.
    """
    weights = batch.straight[:, 3:].clamp(min=_RIM)
    color = (weights * (decoded.logits[:, :3].sigmoid() - batch.straight[:, :3]).square()).sum()
    alpha = functional.binary_cross_entropy_with_logits(decoded.logits[:, 3:], batch.straight[:, 3:], reduction="sum")
    return (loss.color * color + loss.alpha * alpha) / len(batch.labels)


def divergence(mean: Tensor, log_var: Tensor, free_bits: float) -> Tensor:
    """Return sum_j max(free_bits, mean over the batch of KL(q(z_j | x) || N(0, 1))), in nats.

    Source: Kingma et al. 2016, "Improving Variational Inference with Inverse Autoregressive Flow", arXiv:1606.04934,
    equation 15, with one dimension a group.
    """
    per_dimension = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).mean(0)
    return per_dimension.clamp(min=free_bits).sum()


def vae_loss(decoded: Decoded, batch: Batch, loss: VaeLoss, warmth: float, features: TensorFeatures | None) -> Tensor:
    """Return the loss of a step.

    Args:
        decoded: the batch through the autoencoder.
        batch: what it was.
        loss: the weights.
        warmth: 0 to 1, how far the divergence's weight has grown.
        features: of the perceptual term (Johnson et al. 2016, arXiv:1603.08155), or None for none.
    """
    total = reconstruction(decoded, batch, loss)
    total = total + warmth * loss.kl * divergence(decoded.mean, decoded.log_var, loss.free_bits)
    if features is not None and loss.perceptual:
        total = total + loss.perceptual * perceptual(premultiplied(decoded.logits), batch.premultiplied, features)
    return total


def perceptual(made: Tensor, real: Tensor, features: TensorFeatures) -> Tensor:
    """Return the mean squared distance of the features of two batches of premultiplied crops."""
    with torch.no_grad():
        goal = features(real)
    return functional.mse_loss(features(made), goal)
