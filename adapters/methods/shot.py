"""Source hypothesis transfer: Liang et al. 2020, "Do we really need to access the source data?" (arXiv:2002.08546)."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.functional.information import information_loss
from simgen.adapters.functional.pseudo import centroid_labels, remembered
from simgen.adapters.methods.base import SEVERAL_CLASSES, Method, Passed, Setup, parameter_groups, require_amounts
from simgen.adapters.target import Batch, Target


class Shot(Method):
    """A trained model adapts to target pictures alone: its heads stay, its features move under them.

    Minimises mean H(p) - H(mean p) (eq. 2-3) + weight * CE(p, label of the nearest class centroid) (eq. 4-7) on
    augmented target pictures; centroids and labels are those of the pictures as they are. The source model should
    have been trained with smoothed labels (eq. 1), as the classification task does. Where the classes are not equally
    frequent in the target, give their shares as `prior`: otherwise the second term makes them equal.

    Differences from the paper: centroids come from a memory of the latest vectors, which costs nothing, not from a
    pass over the target every epoch; in detection p is the softmax over classes at the cells that look most like an
    object, so that it sharpens which class an object is, not where objects are.

    Args:
        setup: what it is made for.
        weight: of the pseudo-labels: the paper's 0.1 for digits, 0.3 for objects.
        lr_factor: of the run's learning rate, for the model is trained already.
        prior: expected share of each class, in their order; equal without.
        memory: how many recent vectors centroids are taken from.
    """

    uses_source = False
    starts_trained = True
    undefined = SEVERAL_CLASSES
    vectors: Tensor
    probabilities: Tensor

    def __init__(
        self,
        setup: Setup,
        *,
        weight: float = 0.3,
        lr_factor: float = 0.1,
        prior: Sequence[float] | None = None,
        memory: int = 2048,
    ) -> None:
        super().__init__(setup)
        require_amounts(weight=weight, lr_factor=lr_factor)
        self.weight, self.lr_factor = weight, lr_factor
        self.prior = None if prior is None else _shares(prior, setup.n_classes)
        self.register_buffer("vectors", torch.zeros(memory, setup.n_features))
        self.register_buffer("probabilities", torch.zeros(memory, setup.n_classes))

    def groups(self, model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
        frozen: Any = model
        for name in frozen.heads:
            model.get_submodule(name).requires_grad_(False)
        return [{**group, "lr_factor": self.lr_factor} for group in parameter_groups(model, weight_decay)]

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        with torch.no_grad():
            weak = self.run(model, target.weak)
            labels = self._labels(weak)
        features = model.features(self.task.inputs(target.strong))
        _, logits = self.task.vectors(features, model.predict(features), weak.output)
        pseudo = F.cross_entropy(logits.float(), labels)
        return {"information": information_loss(logits, self.prior), "pseudo": self.weight * pseudo}

    def _labels(self, seen: Passed) -> Tensor:
        """Remember vectors; return the class (n,) of the centroid that each is nearest to."""
        vectors = seen.vectors.float()
        self.vectors = remembered(self.vectors, vectors)
        self.probabilities = remembered(self.probabilities, seen.logits.float().softmax(dim=1))
        return centroid_labels(vectors, self.vectors, self.probabilities)


def _shares(prior: Sequence[float], n_classes: int) -> Tensor:
    shares = torch.as_tensor(prior, dtype=torch.float32)
    if shares.shape != (n_classes,) or not bool((shares > 0).all()):
        raise ValueError(f"prior: expected {n_classes} shares > 0, one for each class, got {list(prior)}")
    return shares / shares.sum()
