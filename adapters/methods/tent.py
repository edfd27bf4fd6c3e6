"""Test-time entropy minimisation: Wang et al. 2021, "Tent" (arXiv:2006.10726)."""

import math
from typing import Any

from torch import Tensor, nn

from simgen.adapters.functional.information import mean_entropy
from simgen.adapters.methods.adabn import AdaBn
from simgen.adapters.methods.base import SEVERAL_CLASSES, Setup
from simgen.adapters.target import Batch, Target

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Tent(AdaBn):
    """A trained model's batch-normalisation scales and shifts move until it is surer of the target pictures.

    Minimises the mean entropy of predictions (eq. 1) by the scales and shifts alone (section 3.2.1), with the batch's
    own statistics while it learns, one update a batch, in one pass over the target: a run takes that many steps,
    however many are planned. More passes are allowed, and a risk: entropy has trivial minima, where all pictures are
    of one class, and nothing in the loss stops repeated updates on the way there.

    Differences from the paper: predictions are made by the finished model, not while it adapts, and so its statistics
    are set at the end to those of the target, as AdaBN does.

    Args:
        setup: what it is made for.
        passes: over the target.
        lr_factor: of the run's learning rate: with the shipped 0.002, the paper's 0.001.
    """

    uses_source = False
    starts_trained = True
    target_share = 1.0
    undefined = SEVERAL_CLASSES

    def __init__(self, setup: Setup, *, passes: int = 1, lr_factor: float = 0.5) -> None:
        super().__init__(setup)
        if not _norms(setup.fresh()):
            raise ValueError("expected a model with batch normalisation, but this one has none")
        self.passes, self.lr_factor = passes, lr_factor

    def steps(self, planned: int, batch_size: int) -> int:
        return min(planned, self.passes * math.ceil(self.setup.n_target / batch_size))

    def groups(self, model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
        model.requires_grad_(False)
        moved = [p.requires_grad_() for norm in _norms(model) for p in norm.parameters()]
        return [{"params": moved, "weight_decay": 0.0, "lr_factor": self.lr_factor}]

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        return {"entropy": mean_entropy(self.run(model, target.weak).logits)}


def _norms(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, _NORMS)]
