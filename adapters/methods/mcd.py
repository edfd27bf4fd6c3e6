"""Maximum classifier discrepancy: Saito et al. 2018 (arXiv:1712.02560)."""

from typing import Any

import torch
from torch import Tensor, nn

from simgen.adapters.functional.discrepancy import classifier_discrepancy
from simgen.adapters.functional.gradients import reverse_gradient
from simgen.adapters.methods.base import Method, Setup, rows, with_heads
from simgen.adapters.target import Batch, Target


class Mcd(Method):
    """Two heads fit the source and disagree on the target as much as they can; the encoder makes them agree there.

    Minimises L_task(heads 1) + L_task(heads 2) - weight * d(p_1, p_2), d the mean |p_1 - p_2| of the heads' softmax on
    the target (eq. 2), whose gradient the features receive multiplied by -strength. So one step does what steps A, B
    and C of sec. 3.3 do in turn, in one pass. The finished model keeps its own heads. A batch has three target pictures
    to four of the source: with as many, a detector's second heads make a step 2.35 times as dear as without adaptation.

    Args:
        setup: what it is made for.
        weight: of the discrepancy.
        strength: of the encoder's gradient from it, the place of the repetitions of step C.
    """

    target_share = 0.75

    def __init__(self, setup: Setup, *, weight: float = 1.0, strength: float = 1.0) -> None:
        super().__init__(setup)
        self.weight, self.strength = weight, strength
        fresh = setup.fresh()
        self.heads = nn.ModuleDict({name: getattr(fresh, name) for name in fresh.heads})

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        inputs = [self.task.inputs(source), self.task.inputs(target.strong)]
        features, n = model.features(torch.cat(inputs)), len(inputs[0])
        seen = torch.cat([features[:n], reverse_gradient(features[n:], self.strength)])
        first, second = model.predict(seen), with_heads(model, self.heads).predict(seen)
        theirs = [rows(output, slice(n, None)) for output in (first, second)]
        logits = [self.task.vectors(seen[n:], output, theirs[0])[1] for output in theirs]
        return {
            **self.task.losses(rows(first, slice(n)), source),
            **{f"{k}_second": v for k, v in self.task.losses(rows(second, slice(n)), source).items()},
            "discrepancy": -self.weight * classifier_discrepancy(logits[0], logits[1]),
        }
