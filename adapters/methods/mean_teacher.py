"""Mean teacher: Tarvainen and Valpola 2017 (arXiv:1703.01780), for domains French et al. 2018 (arXiv:1706.05208)."""

from typing import Any, Self

import torch
from torch import Tensor

from simgen.adapters.averages import update_average
from simgen.adapters.functional.pseudo import EMPTY, Guesses, class_thresholds, ramp, remembered
from simgen.adapters.methods.base import Method, Once, Setup, require_amounts, require_within
from simgen.adapters.target import Batch, Target


class MeanTeacher(Method):
    """A teacher, the average of the student over past steps, labels weak views; the student learns them on strong ones.

    Minimises L_task(source) + weight * r(p) * L_task(strong target, teacher's guesses on the weak view). After each
    step theta' <- decay theta' + (1 - decay) theta (eq. 1), of weights and batch-norm statistics alike; the teacher
    runs in evaluation mode. r(p) is 0 while p < burn_in, then exp(-5 (1 - (p - burn_in) / ramp_up)^2) over the progress
    p (section 3). A teacher that knows nothing yet must not teach: from the first step on, students come to give all
    target pictures one class and the source its own (the burn-in of Liu et al. 2021, arXiv:2102.09480, section 3.1).
    A run that starts from a trained model (`--init`) needs none.

    Guesses count from a threshold of their class on (see `class_thresholds`): the best `share` of its recent guesses,
    and all above `sure`. Classification: the cross-entropy with hard labels (arXiv:2001.07685, eq. 4). Detection: the
    teacher's peaks that count are objects for the task's own losses, and no heat-map loss falls inside the others'
    boxes. Views share their frame, so that they correspond cell by cell.

    Args:
        setup: what it is made for.
        weight: of the target's loss.
        decay: of the teacher.
        burn_in: share of the run before the target counts.
        ramp_up: share of the run over which the target's weight rises after that.
        share: least share of each class's guesses that counts (0.5: where the class-balanced paper's portion ends).
        sure: score from which on any guess counts.
        memory: how many recent guesses the thresholds are taken from.
    """

    target_share = 0.75
    scores: Tensor
    classes: Tensor

    def __init__(
        self,
        setup: Setup,
        *,
        weight: float = 1.0,
        decay: float = 0.99,
        burn_in: float = 0.4,
        ramp_up: float = 0.2,
        share: float = 0.5,
        sure: float = 0.9,
        memory: int = 1024,
    ) -> None:
        super().__init__(setup)
        require_amounts(weight=weight)
        require_within(0, 1, burn_in=burn_in, ramp_up=ramp_up, sure=sure)
        if not 0 < share <= 1:
            raise ValueError(f"share: expected a number in (0, 1], got {share}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay: expected a number in [0, 1), got {decay}")
        self.weight, self.decay, self.share, self.sure = weight, decay, share, sure
        self.burn_in, self.ramp_up = burn_in, ramp_up
        self.teacher = setup.fresh().requires_grad_(False).eval()
        self.register_buffer("scores", torch.zeros(memory))
        self.register_buffer("classes", torch.full((memory,), EMPTY))

    def begin(self, model: Any, once: Once) -> None:
        self.teacher.load_state_dict(model.state_dict())

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.teacher.eval()
        return self

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        with torch.no_grad():
            guesses = self.task.guesses(self.teacher(self.task.inputs(target.weak)))
        kept = self._kept(guesses)
        own, other = self.both(model, source, target.strong)
        factor = self.weight * ramp(progress - self.burn_in, self.ramp_up)
        taught = self.task.taught(other.output, guesses, kept)
        return {**self.task.losses(own.output, source), **{f"taught_{k}": factor * v for k, v in taught.items()}}

    def _kept(self, guesses: Guesses) -> Tensor:
        """Remember guesses; return which of them count."""
        self.scores = remembered(self.scores, guesses.scores)
        self.classes = remembered(self.classes, guesses.classes)
        limits = class_thresholds(self.scores, self.classes, self.setup.n_classes, self.share, self.sure)
        return guesses.scores >= limits[guesses.classes]

    def after_step(self, model: Any, progress: float) -> None:
        update_average(self.teacher, model, self.decay)
