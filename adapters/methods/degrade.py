"""Robust training: source pictures as a cheap camera would have taken them."""

import math

import torch
from torch import Tensor

from simgen.adapters.functional.degradation import (
    add_noise,
    blur,
    coarsen,
    compress,
    disc_kernels,
    expose,
    line_kernels,
)
from simgen.adapters.methods.base import Setup
from simgen.adapters.methods.changed import Changed
from simgen.adapters.target import Target

_BLUR = 0.02
_COARSEST = 3.0


class Degrade(Changed):
    """Source-only on degraded pictures, in the order that a camera degrades them.

    Each with probability p, on top of the run's own augmentation: exposure, white balance and tone curve; defocus or
    motion blur of up to 2 % of the picture's side; photon and read noise; a resolution up to 3 times lower; JPEG of
    quality 10 to 80. Low resolution is drawn once a batch, everything else for each picture. This is the second order
    of degradations that super-resolution trains on (BSRGAN, Zhang et al. 2021, arXiv:2103.14006, section 3), once
    through. It needs no target, for it makes a model robust, not adapted.

    Args:
        setup: what it is made for.
        p: probability of each step, for each picture.
        severity: scales every range; 0 leaves pictures nearly as they are.
    """

    def __init__(self, setup: Setup, *, p: float = 0.5, severity: float = 1.0) -> None:
        super().__init__(setup)
        if not (0 <= p <= 1 and severity >= 0):
            raise ValueError(f"expected p in [0, 1] and severity >= 0, got p={p} and severity={severity}")
        self.p, self.severity = p, severity

    def change(self, pictures: Tensor, target: Target) -> Tensor:
        for step in (self._exposed, self._blurred, self._noisy, self._coarse, self._compressed):
            chosen = torch.rand(len(pictures), 1, 1, 1, device=pictures.device) < self.p
            pictures = torch.where(chosen, step(pictures), pictures)
        return pictures

    def _exposed(self, pictures: Tensor) -> Tensor:
        gain = 2 ** (self.severity * _between(-1.0, 1.0, pictures, 1))
        balance = 2 ** (self.severity * _between(-0.25, 0.25, pictures, pictures.shape[1]))
        return expose(pictures, gain * balance, 2 ** (self.severity * _between(-0.7, 0.7, pictures, 1)))

    def _blurred(self, pictures: Tensor) -> Tensor:
        most = self.severity * _BLUR * min(pictures.shape[-2:])
        size = 2 * math.ceil(most + 0.5) + 1
        radius, turn, kind = (_between(0.0, 1.0, pictures, 1).flatten() for _ in range(3))
        discs = disc_kernels(most * radius, size)
        lines = line_kernels(2 * most * radius, math.pi * turn, size)
        return blur(pictures, torch.where((kind < 0.5)[:, None, None], discs, lines))

    def _noisy(self, pictures: Tensor) -> Tensor:
        strength = self.severity * _between(0.1, 1.0, pictures, 1)
        return add_noise(pictures, 100 / strength.clamp(min=1e-6) ** 2, 0.04 * strength)

    def _coarse(self, pictures: Tensor) -> Tensor:
        return coarsen(pictures, 1 + self.severity * (_COARSEST - 1) * float(torch.rand(())))

    def _compressed(self, pictures: Tensor) -> Tensor:
        quality = 100 - self.severity * _between(20.0, 90.0, pictures, 1).flatten()
        return compress(pictures, quality.clamp(1, 100))


def _between(low: float, high: float, like: Tensor, channels: int) -> Tensor:
    """Draw (B, channels, 1, 1) numbers between two."""
    return low + (high - low) * torch.rand(len(like), channels, 1, 1, device=like.device)
