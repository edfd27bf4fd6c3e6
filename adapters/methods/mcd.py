"""Maximum classifier discrepancy: Saito et al. 2018 (arXiv:1712.02560)."""

from typing import Any

import torch
from torch import Tensor, nn

from simgen.adapters.functional.discrepancy import classifier_discrepancy
from simgen.adapters.functional.gradients import reverse_gradient
from simgen.adapters.methods.base import SEVERAL_CLASSES, Method, Setup, require_amounts, rows, with_heads
from simgen.adapters.target import Batch, Target

_TOGETHER, _ALL, _HEADS, _ENCODER = "together", "all", "heads", "encoder"


class Mcd(Method):
    """Two heads fit the source and disagree on the target as much as they can; the encoder makes them agree there.

    In one step: minimises L_task(heads 1) + L_task(heads 2) - weight * d(p_1, p_2), d the mean |p_1 - p_2| of the
    heads' softmax on the target (eq. 2), whose gradient the features receive multiplied by -strength.

    In three (`alternate`), as in sec. 3.3, one after the other over steps of the optimizer, each on a batch of its own:
    A, everything learns L_task(heads 1) + L_task(heads 2); B, the heads alone learn that - weight * d (eq. 3); C,
    `repeats` times, the encoder alone learns weight * d (eq. 5).

    The finished model keeps its own heads. A batch has three target pictures to four of the source: with as many, a
    detector's second heads make a step 2.35 times as dear as without adaptation.

    Args:
        setup: what it is made for.
        weight: of the discrepancy.
        strength: of the encoder's gradient from it in one step, the place of the repetitions of step C.
        alternate: whether the three steps are taken in turn, so that a run has steps / (2 + repeats) rounds.
        repeats: of step C, the paper's n.
    """

    target_share = 0.75
    undefined = SEVERAL_CLASSES
    turn: Tensor

    def __init__(
        self,
        setup: Setup,
        *,
        weight: float = 1.0,
        strength: float = 1.0,
        alternate: bool = False,
        repeats: int = 4,
    ) -> None:
        super().__init__(setup)
        require_amounts(weight=weight, strength=strength)
        self.weight, self.strength = weight, strength
        self._turns = (_ALL, _HEADS, *[_ENCODER] * repeats) if alternate else (_TOGETHER,)
        self.register_buffer("turn", torch.zeros((), dtype=torch.long))
        fresh = setup.fresh()
        self.heads = nn.ModuleDict({name: getattr(fresh, name) for name in fresh.heads})

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        turn = self._turns[int(self.turn)]
        for head in (*(model.get_submodule(name) for name in model.heads), self.heads):
            head.requires_grad_(turn != _ENCODER)
        inputs = [self.task.inputs(source), self.task.inputs(target.strong)]
        with torch.set_grad_enabled(turn != _HEADS):
            features = model.features(torch.cat(inputs))
        task, gap = self._said(model, features, source, self.strength if turn == _TOGETHER else 1.0)
        # What does not learn in this turn is told all the same.
        told = {name: loss.detach() for name, loss in task.items()} if turn == _ENCODER else task
        return {**told, "discrepancy": gap.detach() if turn == _ALL else gap}

    def after_step(self, model: Any, progress: float) -> None:
        self.turn = (self.turn + 1) % len(self._turns)

    def _said(self, model: Any, features: Tensor, source: Batch, strength: float) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses of both heads on the source, and minus the weighted discrepancy on the target.

        The features receive the discrepancy's gradient multiplied by -strength: they make it smaller.
        """
        n = len(self.task.inputs(source))
        seen = torch.cat([features[:n], reverse_gradient(features[n:], strength)])
        first, second = model.predict(seen), with_heads(model, self.heads).predict(seen)
        theirs = [rows(output, slice(n, None)) for output in (first, second)]
        logits = [self.task.vectors(seen[n:], output, theirs[0])[1] for output in theirs]
        task = self.task.losses(rows(first, slice(n)), source)
        further = self.task.losses(rows(second, slice(n)), source)
        gap = -self.weight * classifier_discrepancy(logits[0], logits[1])
        return {**task, **{f"{name}_second": loss for name, loss in further.items()}}, gap
