"""Adaptive batch normalisation: Li et al. 2016 (arXiv:1603.04779)."""

from typing import Any

import torch
from torch import nn

from simgen.adapters.methods.base import Once
from simgen.adapters.methods.source_only import SourceOnly

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class AdaBn(SourceOnly):
    """Trained on the source alone; then every batch normalisation takes its mean and variance from the target.

    The statistics are those of one pass over the whole target set (algorithm 1): reset, and averaged with equal weight
    over its batches, each layer on what the layers before it, with the batch's own statistics, hand it.
    """

    uses_target = True
    target_share = 0.0

    def finish(self, model: Any, once: Once) -> None:
        device = next(model.parameters()).device
        norms = [m for m in model.modules() if isinstance(m, _NORMS)]
        before = [(norm.momentum, norm.training) for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.no_grad():
            for target in once():
                if len(next(iter(target.weak.values()))) > 1:
                    model(self.task.inputs(target.weak).to(device))
        for norm, (momentum, training) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.train(training)
