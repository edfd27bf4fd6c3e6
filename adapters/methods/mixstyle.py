"""MixStyle: Zhou et al. 2021, "Domain generalization with MixStyle" (arXiv:2104.02008)."""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Beta

from simgen.adapters.functional.styles import (
    changed_outputs,
    channel_statistics,
    mixed_statistics,
    restyled,
    shallow_modules,
)
from simgen.adapters.methods.base import PICTURES_ONLY, Setup, require_within
from simgen.adapters.methods.source_only import SourceOnly
from simgen.adapters.target import Batch, Target


class MixStyle(SourceOnly):
    """Source-only, with the styles of the batch's pictures mixed on the model's first maps.

    After each of the first submodules, with probability p for the whole batch, picture i takes the channel statistics
    lambda s_i + (1 - lambda) s_j of itself and of a random other, lambda ~ Beta(alpha, alpha) (eq. 3-6); no gradient
    goes through statistics. While training only; it needs no target, for it makes a model robust, not adapted.

    Args:
        setup: what it is made for.
        p: probability that a batch is mixed at a module.
        alpha: of the beta distribution; small: either style nearly whole.
    """

    undefined = PICTURES_ONLY

    def __init__(self, setup: Setup, *, p: float = 0.5, alpha: float = 0.1) -> None:
        super().__init__(setup)
        require_within(0, 1, p=p)
        if not alpha > 0:
            raise ValueError(f"alpha: expected a number > 0, got {alpha}")
        shallow_modules(setup.fresh())
        self.p, self.alpha = p, alpha

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        with changed_outputs(shallow_modules(model), self.mix):
            return super().losses(model, source, target, progress)

    def mix(self, maps: Tensor) -> Tensor:
        """Return maps (B, C, h, w) with mixed styles, or as they are: outside training, and by chance."""
        if not self.training or float(torch.rand(())) >= self.p:
            return maps
        mean, std = channel_statistics(maps)
        other = torch.randperm(len(maps)).to(maps.device)
        share = Beta(self.alpha, self.alpha).sample((len(maps), 1, 1, 1)).to(maps)
        return restyled(maps, mixed_statistics((mean, std), (mean[other], std[other]), share))
