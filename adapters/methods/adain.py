"""Style exchange on early maps by adaptive instance normalisation: Huang and Belongie 2017 (arXiv:1703.06868)."""

from typing import Any

import torch
from torch import Tensor

from simgen.adapters.functional.styles import changed_outputs, channel_statistics, restyled, shallow_modules
from simgen.adapters.methods.base import PICTURES_ONLY, Setup, require_within
from simgen.adapters.methods.source_only import SourceOnly
from simgen.adapters.target import Batch, Target


class AdaIn(SourceOnly):
    """Source-only, with the style of target pictures on the source's first maps.

    What the model's first submodule (the stem) returns of a source picture gets, with probability p, the mean and
    deviation of each channel (eq. 8) that it returns of a random target picture of the batch. This is the paper's
    exchange of statistics in the model being trained; there is no pretrained encoder and no decoder, and so no
    translated picture to look at. Target pictures pass the stem alone, and their statistics carry no gradient.

    Args:
        setup: what it is made for.
        p: probability of each source picture to be restyled.
    """

    uses_target = True
    target_share = 0.25
    undefined = PICTURES_ONLY

    def __init__(self, setup: Setup, *, p: float = 0.5) -> None:
        super().__init__(setup)
        require_within(0, 1, p=p)
        shallow_modules(setup.fresh())
        self.p = p

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        own, other = self.task.inputs(source), self.task.inputs(target.weak)
        with changed_outputs(shallow_modules(model)[:1], lambda maps: self._exchanged(maps, len(own))):
            output = model(torch.cat([own, other]))
        return self.task.losses(output, source)

    def _exchanged(self, maps: Tensor, n_source: int) -> Tensor:
        """Return the source's maps, some of them restyled; the target's end here."""
        own, other = maps[:n_source], maps[n_source:]
        style = other[torch.randint(len(other), (n_source,), device=maps.device)]
        chosen = torch.rand(n_source, 1, 1, 1, device=maps.device) < self.p
        return torch.where(chosen, restyled(own, channel_statistics(style)), own)
