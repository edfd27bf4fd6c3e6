"""The base of methods that train on changed source pictures and leave everything else as source-only does it."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from simgen.adapters.methods.base import PICTURES_ONLY
from simgen.adapters.methods.source_only import SourceOnly
from simgen.adapters.target import Batch, Target


class Changed(SourceOnly):
    """Source-only on pictures that `change` returns; evaluation sees pictures as they are."""

    undefined = PICTURES_ONLY

    @abstractmethod
    def change(self, pictures: Tensor, target: Target) -> Tensor:
        """Return source pictures (B, channels, H, W) in [0, 1], changed; their labels stay true."""

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        with torch.no_grad():
            inputs = self.task.seen(self.change(self.task.pictures(source), target))
        return self.task.losses(model(inputs), source)


class Translated(Changed):
    """Every source picture takes the style of a random target picture of the batch.

    Target pictures serve as styles only: the model never sees one. Fewer of them than source pictures do.
    """

    uses_target = True
    target_share = 0.25

    def change(self, pictures: Tensor, target: Target) -> Tensor:
        styles = self.task.pictures(target.weak)
        return self.translate(pictures, styles[torch.randint(len(styles), (len(pictures),), device=pictures.device)])

    @abstractmethod
    def translate(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return pictures in the style of styles of the same shape."""
