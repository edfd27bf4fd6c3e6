"""Conditional domain-adversarial training: Long et al. 2018 (arXiv:1705.10667)."""

from typing import Any

import torch
from torch import Tensor

from simgen.adapters.functional.conditioning import entropy_weights, multilinear_map, randomized_map
from simgen.adapters.functional.gradients import reversal_strength, reverse_gradient
from simgen.adapters.methods.base import SEVERAL_CLASSES, Method, Setup, require_amounts
from simgen.adapters.methods.dann import discriminator, domain_loss
from simgen.adapters.target import Batch, Target

LARGEST_MAP = 4096
"""Beyond this the map is randomized (sec. 3.2)."""


class Cdan(Method):
    """As DANN, with a discriminator that sees which class each vector is taken for.

    Minimises L_task(source) + weight * BCE(D(T(R(f), g)), domain) (eq. 3 and 8), g = softmax(logits) a constant, T the
    outer product f (x) g, or its randomized form where that is longer than 4,096. R reverses the gradient by
    lambda(p) = 2 / (1 + exp(-10 p)) - 1 over the run's progress p, as in DANN.

    Args:
        setup: what it is made for.
        weight: of the domain loss.
        hidden: width of the discriminator's two hidden layers.
        entropy: whether rows count by 1 + exp(-H(g)), in shares of their domain's sum (CDAN+E, eq. 8).
        map_size: length of the randomized map.
    """

    undefined = SEVERAL_CLASSES
    random_vectors: Tensor
    random_classes: Tensor

    def __init__(
        self, setup: Setup, *, weight: float = 1.0, hidden: int = 128, entropy: bool = True, map_size: int = 1024
    ) -> None:
        super().__init__(setup)
        require_amounts(weight=weight)
        self.weight, self.entropy = weight, entropy
        exact = setup.n_features * setup.n_classes
        self.randomized = exact > LARGEST_MAP
        self.discriminator = discriminator(map_size if self.randomized else exact, hidden)
        if self.randomized:
            self.register_buffer("random_vectors", torch.randn(setup.n_features, map_size))
            self.register_buffer("random_classes", torch.randn(setup.n_classes, map_size))

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        own, other = self.both(model, source, target.strong)
        logits = torch.cat([own.logits, other.logits])
        vectors = reverse_gradient(torch.cat([own.vectors, other.vectors]), reversal_strength(progress))
        seen = self.map(vectors, logits.detach().float().softmax(dim=1))
        weights = entropy_weights(logits) if self.entropy else None
        domain = domain_loss(self.discriminator(seen), len(own.vectors), weights)
        return {**self.task.losses(own.output, source), "domain": self.weight * domain}

    def map(self, vectors: Tensor, probabilities: Tensor) -> Tensor:
        """Return what the discriminator sees of (n, n_features) vectors and (n, n_classes) probabilities."""
        if self.randomized:
            return randomized_map(vectors, probabilities, (self.random_vectors, self.random_classes))
        return multilinear_map(vectors, probabilities)
