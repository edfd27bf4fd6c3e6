"""No adaptation: what every method is compared with, and the oracle, which knows the labels of photographs."""

from typing import Any

from torch import Tensor

from simgen.adapters.methods.base import Method
from simgen.adapters.target import Batch, Target


class SourceOnly(Method):
    """The task's own losses on the labelled set."""

    uses_target = False

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        return self.task.losses(model(self.task.inputs(source)), source)


class Oracle(SourceOnly):
    """The same, from scratch on photographs that people labelled: what a method without their labels tries to reach."""

    real_labels = True
