"""What a method is: how a model learns from labelled source and unlabelled target pictures.

A method is a module: what it learns itself (a discriminator, a second head, a teacher) is trained, moved and kept in
the run's checkpoint with the model, and left out of the model file. Its keyword arguments are its configuration.

    class Brightness(Method):
        def losses(self, model, source, target, progress):
            own, other = self.both(model, source, target.strong)
            gap = own.vectors.mean() - other.vectors.mean()
            return {**self.task.losses(own.output, source), "gap": gap.square()}

    METHODS["brightness"] = Brightness
    main(["train", "runs/dice", "--method", "brightness", "--target", "photos", "-o", "runs/mine"])

where `main` is the command's, of `simgen.cli.app`: what the program registers, its commands know.

Batch normalisation: `both` is one pass over source and target together, so that training normalises both domains by the
same statistics, as the finished model does.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from simgen.adapters.target import Batch, Target

if TYPE_CHECKING:
    from simgen.adapters.tasks import Task

PICTURES_ONLY: Mapping[str, str] = MappingProxyType({"features": "it changes pictures, and vectors are none"})
"""Why methods that change pictures, or the maps that a model makes of them, are undefined for vectors."""

SEVERAL_CLASSES: Mapping[str, str] = MappingProxyType(
    {"keypoints": "it looks at the probabilities of classes, and the task has a single class"}
)
"""Why methods that look at class probabilities are undefined for keypoints."""

Once = Callable[[], Iterable[Target]]
"""Called, it goes once through the whole target set."""


@dataclass(frozen=True)
class Setup:
    """What a method is made for.

    Attributes:
        task: gives inputs, losses and vectors.
        n_features: length of the task's vectors.
        n_classes: of the task's class logits.
        n_target: how many target pictures go once through the set; 0 without a target.
        fresh: makes another model of the same architecture, newly initialised.
    """

    task: "Task"
    n_features: int
    n_classes: int
    n_target: int = 0
    fresh: Callable[[], Any] = nn.Module


@dataclass(frozen=True, eq=False)
class Passed:
    """What a model said of one domain's pictures.

    Attributes:
        features: of `Model.features`.
        output: of `Model.predict`.
        vectors: (n, n_features), what is compared across domains.
        logits: (n, n_classes), for a softmax over classes.
    """

    features: Tensor
    output: Any
    vectors: Tensor
    logits: Tensor


class Method(nn.Module, ABC):
    """The base of all methods; alone it cannot train.

    Attributes:
        uses_source: whether it learns from the labelled source; without, it starts from a trained model.
        uses_target: whether it needs target pictures.
        starts_trained: whether it goes on from a trained model (`--init`).
        target_share: target pictures for each source picture of a batch.
        real_labels: whether its labelled set is one of photographs that people labelled: `config.target` then says how
            they are cut, and no habit is added to their boxes.
        mixed_share: share of each labelled batch that is of a second labelled set, of simulated pictures, which are cut
            as such.
        uses_maps: whether it learns from the source's depth and instance images, too; see `MAPPED` of the tasks.
        undefined: tasks that it cannot serve, each with the reason.
    """

    uses_source = True
    uses_target = True
    starts_trained = False
    target_share = 1.0
    real_labels = False
    mixed_share: float = 0.0
    uses_maps = False
    undefined: Mapping[str, str] = MappingProxyType({})

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.task, self.setup = setup.task, setup

    @property
    def source_free(self) -> bool:
        """Whether it never sees the source, and so may forget it."""
        return not self.uses_source

    @abstractmethod
    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        """Return the named, weighted scalars whose sum is minimised.

        Args:
            model: the module that is trained; see simgen.adapters.models.Model.
            source: labelled; empty where the method uses none.
            target: pictures alone; two empty batches where the method uses none.
            progress: share of the steps that are done, in [0, 1).
        """

    def steps(self, planned: int, batch_size: int) -> int:
        """Return how many of the planned steps, of `batch_size` target pictures each, it takes."""
        return planned

    def begin(self, model: Any, once: Once) -> None:
        """Before the first step of a fresh run; `once` goes through the whole target set."""

    def after_step(self, model: Any, progress: float) -> None:
        """After each step of the optimizer."""

    def finish(self, model: Any, once: Once) -> None:
        """After the last step: change the finished (averaged) model in place."""

    def groups(self, model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
        """Return the optimizer's parameter groups; "lr_factor" scales the learning rate of a group."""
        return [*parameter_groups(model, weight_decay), *parameter_groups(self, weight_decay)]

    def run(self, model: Any, batch: Batch) -> Passed:
        """Return what the model says of one domain's pictures."""
        return self.passed(model, model.features(self.task.inputs(batch)))

    def passed(self, model: Any, features: Tensor) -> Passed:
        """Return what the model's heads say of features."""
        output = model.predict(features)
        return Passed(features, output, *self.task.vectors(features, output))

    def both(self, model: Any, source: Batch, target: Batch) -> tuple[Passed, Passed]:
        """Return what the model says of source and of target, from one pass over both."""
        return self.both_inputs(model, self.task.inputs(source), self.task.inputs(target))

    def both_inputs(self, model: Any, source: Tensor, target: Tensor) -> tuple[Passed, Passed]:
        """As `both`, of inputs (B, ...) that a method has changed."""
        features = model.features(torch.cat([source, target]))
        output, n = model.predict(features), len(source)
        first, second = (
            Passed(f, o, *self.task.vectors(f, o))
            for f, o in ((features[:n], rows(output, slice(n))), (features[n:], rows(output, slice(n, None))))
        )
        return first, second


def require_within(low: float, high: float, **values: float) -> None:
    """Raise `ValueError` for a method's argument outside [low, high], by its name."""
    for name, value in values.items():
        if not low <= value <= high:
            bounds = f">= {low:g}" if high == math.inf else f"in [{low:g}, {high:g}]"
            raise ValueError(f"{name}: expected a number {bounds}, got {value:g}")


def require_amounts(**values: float) -> None:
    """Raise `ValueError` for a method's argument below 0, by its name."""
    require_within(0, math.inf, **values)


def rows(output: Any, chosen: slice) -> Any:
    """Return rows of an output: of a tensor, or of each tensor of a named tuple."""
    return output[chosen] if isinstance(output, Tensor) else type(output)(*(part[chosen] for part in output))


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups of what is trained: matrices and kernels with weight decay, biases and scales without."""
    return decayed([p for p in module.parameters() if p.requires_grad], weight_decay)


def decayed(trained: Sequence[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """As `parameter_groups`, of parameters."""
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def with_heads(model: Any, heads: nn.ModuleDict) -> Any:
    """Return a view of a model whose `heads` are others; everything else is the model's own."""
    twin = copy(model)
    twin._modules = {**model._modules, **heads}
    return twin
