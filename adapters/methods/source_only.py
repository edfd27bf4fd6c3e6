"""No adaptation: what every method is compared with. Trained on labelled real photographs, it is the oracle."""

from typing import Any

from torch import Tensor

from simgen.adapters.methods.base import Method
from simgen.adapters.target import Batch, Target


class SourceOnly(Method):
    """The task's own losses on the labelled set."""

    uses_target = False

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        return self.task.losses(model(self.task.inputs(source)), source)
