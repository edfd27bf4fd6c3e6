"""Averages of models over the steps of training."""

import torch
from torch import nn


def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move weights and batch-norm statistics: a <- decay * a + (1 - decay) * m; counters are copied."""
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
