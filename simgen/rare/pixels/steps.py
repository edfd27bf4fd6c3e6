"""One optimiser step of the VAE or the VAE-GAN, and everything that a run must keep to go on after it."""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn import functional

from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.gan import (
    Discriminator,
    augmented,
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
)
from simgen.rare.pixels.generator import Conditions
from simgen.rare.pixels.law import LatentLaw
from simgen.rare.pixels.nets import CropVae, premultiplied
from simgen.rare.pixels.settings import PixelTraining
from simgen.rare.pixels.vae import Batch, TensorFeatures, autoencode, divergence, perceptual, reconstruction, vae_loss
from simgen.rng import stream


class Trainer:
    """The nets of a run with their optimisers.

    Args:
        config: of the run.
        crops: what it learns from.
        features: of the perceptual term, or None.
    """

    def __init__(self, config: PixelTraining, crops: Crops, features: TensorFeatures | None) -> None:
        self.config, self.features = config, features
        self._augment = config.gan.augment_of(len(crops))
        self.conditions = Conditions.of(crops)
        self._rgba = torch.from_numpy(np.ascontiguousarray(crops.rgba.transpose(0, 3, 1, 2)))
        self._labels = torch.from_numpy(crops.labels)
        self._attributes = torch.from_numpy(self.conditions.standardised(crops.attributes))
        sizes = (config.network, crops.rgba.shape[1], len(crops.classes), len(crops.names))
        with torch.random.fork_rng():
            torch.manual_seed(int(stream(config.seed, 0, "crops.weights").integers(2**62)))
            self.model = CropVae(*sizes)
            self.judge = Discriminator(*sizes) if config.kind == "gan" else None
        self.average = deepcopy(self.model)
        self.law: LatentLaw | None = None
        betas = (0.5, 0.99) if self.judge else (0.9, 0.999)
        self._optimizer = torch.optim.Adam(self.model.parameters(), config.rate, betas)
        self._judges: torch.optim.Optimizer | None = None
        if self.judge is not None:
            self._judges = torch.optim.Adam(self.judge.parameters(), config.gan.rate, (0.0, 0.99))

    def batch(self, rows: NDArray[np.int64], noise: Generator) -> Batch:
        """Return the crops of rows, mirrored and turned at random where that is allowed."""
        chosen = torch.from_numpy(rows)
        straight = self._rgba[chosen].float() / 255
        flips = torch.rand(2, len(rows), generator=noise)
        turns = torch.randint(0, 4, (len(rows),), generator=noise)
        if self.config.mirror:
            straight = torch.where((flips[0] < 0.5)[:, None, None, None], straight.flip(3), straight)
        if self.config.quarter_turns:
            for turn in range(1, 4):
                straight[turns == turn] = straight[turns == turn].rot90(turn, (2, 3))
        straight = straight.contiguous(memory_format=torch.channels_last)
        return Batch(straight, self._labels[chosen], self._attributes[chosen])

    def step(self, batch: Batch, noise: Generator, step: int, epoch: float) -> dict[str, float]:
        """Take one step; return its losses. The averaged weights follow.

        Args:
            batch: crops.
            noise: everything random of the step.
            step: its number in the run.
            epoch: how many epochs are done, with the part of this one.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bf16):
            return self._step(batch, noise, step, epoch)

    def _step(self, batch: Batch, noise: Generator, step: int, epoch: float) -> dict[str, float]:
        config = self.config
        warmth = min(1.0, epoch / config.vae.warmup_epochs) if config.vae.warmup_epochs else 1.0
        if self.judge is None or epoch < config.gan.start_epoch:
            loss = vae_loss(autoencode(self.model, batch, noise), batch, config.vae, warmth, self.features)
            losses = {"vae": float(loss.detach())}
        else:
            imagined = self._imagined(batch, noise)
            judged = self._judge_step(batch, imagined.detach(), noise, step)
            loss, losses = self._generator_loss(batch, imagined, noise, warmth)
            losses = {**losses, **judged}
        if all(np.isfinite(value) for value in losses.values()):
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1000.0)
            self._optimizer.step()
            self._follow(step)
        return losses

    def _judge_step(self, batch: Batch, made: Tensor, noise: Generator, step: int) -> dict[str, float]:
        gan, judge = self.config.gan, self._the_judge
        real = batch.premultiplied
        real, made = (augmented(crops, self._augment, noise) for crops in (real, made))
        both = judge(torch.cat([real, made]), batch.labels.repeat(2), batch.attributes.repeat(2, 1))[0]
        loss = hinge_discriminator(*both.chunk(2))
        losses = {"judge": float(loss.detach())}
        if gan.r1 and step % gan.r1_every == 0:
            crops = real.detach().requires_grad_()
            penalty = gradient_penalty(judge(crops, batch.labels, batch.attributes)[0], crops)
            loss = loss + gan.r1 * gan.r1_every * penalty
            losses["r1"] = float(penalty.detach())
        if self._judges is not None and all(np.isfinite(value) for value in losses.values()):
            self._judges.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._judges.step()
        return losses

    def _generator_loss(
        self, batch: Batch, imagined: Tensor, noise: Generator, warmth: float
    ) -> tuple[Tensor, dict[str, float]]:
        vae, gan, judge = self.config.vae, self.config.gan, self._the_judge
        decoded = autoencode(self.model, batch, noise)
        rebuilt, real = premultiplied(decoded.logits), batch.premultiplied
        judge.requires_grad_(False)
        shown = augmented(imagined, self._augment, noise)
        scores = judge(shown, batch.labels, batch.attributes)[0]
        ours = judge(rebuilt, batch.labels, batch.attributes)[1]
        with torch.no_grad():
            goal = judge(real, batch.labels, batch.attributes)[1]
        judge.requires_grad_(True)
        parts = {
            "reconstruction": gan.reconstruction * reconstruction(decoded, batch, vae),
            "kl": warmth * vae.kl * divergence(decoded.mean, decoded.log_var, vae.free_bits),
            "features": gan.features * functional.mse_loss(ours, goal, reduction="sum") / len(goal),
            "adversarial": gan.adversarial * hinge_generator(scores),
        }
        if self.features is not None and vae.perceptual:
            parts["perceptual"] = vae.perceptual * perceptual(rebuilt, real, self.features)
        return torch.stack(list(parts.values())).sum(), {key: float(value.detach()) for key, value in parts.items()}

    @property
    def _the_judge(self) -> Discriminator:
        assert self.judge is not None
        return self.judge

    def _imagined(self, batch: Batch, noise: Generator) -> Tensor:
        chances = torch.rand(len(batch.labels), generator=noise)
        draws = torch.randn((2, len(batch.labels), self.config.network.latent), generator=noise)
        latents = draws[0] if self.law is None else self.law.draw(batch.labels, chances, draws)
        return premultiplied(self.model.decode(latents, batch.labels, batch.attributes))

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Move the averaged weights; a short average first, so that the start is forgotten."""
        decay = min(self.config.average, (1 + step) / (10 + step))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    @torch.no_grad()
    def fit_latents(self, rows: NDArray[np.int64]) -> LatentLaw:
        """Draw new crops from now on by the law of some crops' posteriors, not from the prior; return it.

        What the encoder never uses of the prior is not drawn: neither for samples, nor to show the discriminator.
        """
        batch = self.batch(rows, Generator().manual_seed(0))
        mean, log_var = self.average.encode(batch.premultiplied, batch.labels, batch.attributes)
        self.law = LatentLaw.fit(mean, log_var, batch.labels, len(self.conditions.classes))
        return self.law

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        parts: dict[str, Any] = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        if self.law is not None:
            parts["law"] = self.law.state()
        if self.judge is not None and self._judges is not None:
            parts |= {"judge": self.judge.state_dict(), "judges": self._judges.state_dict()}
        return parts

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.law = LatentLaw(**state["law"]) if "law" in state else None
        if self.judge is not None and self._judges is not None:
            self.judge.load_state_dict(state["judge"])
            self._judges.load_state_dict(state["judges"])
