"""Frozen feature extraction: the cheapest transfer, and the measure of what the simulated features are worth."""

from typing import Any

from torch import Tensor

from simgen.adapters.methods.source_only import SourceOnly
from simgen.adapters.models.layers import let_learn
from simgen.adapters.target import Batch, Target


class LinearProbe(SourceOnly):
    """A trained model's encoder stays as it is, its batch statistics included; the heads alone learn from the labels.

    Of a classifier the head is one linear layer: the linear evaluation of Alain and Bengio 2016 (arXiv:1610.01644). The
    labelled set is one of photographs.
    """

    starts_trained = True
    real_labels = True

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        let_learn(model, 0)
        return super().losses(model, source, target, progress)
