"""The law that new crops' latents are drawn from: moves away from training crops' own latents, class by class.

One Gaussian for all would be wrong by far: latents of a class lie about a centre of their own, and not even in a class
are they normal, so that most of its draws are nobody's.
"""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

BOLDNESS = 0.5
MOST = 500
"""Examples that are kept of a class."""
_RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class LatentLaw:
    """Posteriors of training crops, and the normal law of each class that all of them together come nearest to.

    Attributes:
        means: (N, Z) of the examples' posteriors.
        spreads: (N, Z) their standard deviations.
        labels: (N,) int64 class numbers.
        centres: (C, Z) of the classes.
        roots: (C, Z, Z) Cholesky factors of the classes' covariances.
    """

    means: Tensor
    spreads: Tensor
    labels: Tensor
    centres: Tensor
    roots: Tensor

    @classmethod
    def fit(cls, means: Tensor, log_vars: Tensor, labels: Tensor, classes: int) -> Self:
        """Return the law of some posteriors, (N, Z) means and log variances with (N,) labels of `classes` classes.

        A class's covariance is that of its aggregate posterior, drawn to the covariance within all classes as if that
        had been seen on Z further crops: of a rare class's few one learns no covariance.
        """
        means, variances = means.double(), log_vars.double().exp()
        size, counts = means.shape[1], torch.bincount(labels, minlength=classes)
        sums = torch.zeros((classes, size), dtype=torch.float64).index_add_(0, labels, means)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), means.mean(0))
        rests = means - centres[labels]
        pooled = rests.T @ rests / max(len(means) - int((counts > 0).sum()), 1) + torch.diag(variances.mean(0))
        roots = []
        for k in range(classes):
            mine, free = labels == k, max(int(counts[k]) - 1, 0)
            own = rests[mine].T @ rests[mine] + torch.diag(free * variances[mine].mean(0).nan_to_num())
            covariance = (own + size * pooled) / (free + size)
            roots.append(torch.linalg.cholesky(covariance + _RIDGE * torch.eye(size, dtype=torch.float64)))
        parts = (means, variances.sqrt(), centres, torch.stack(roots))
        means, spreads, centres, stacked = (part.float() for part in parts)
        return cls(means, spreads, labels.clone(), centres, stacked)

    def draw(self, labels: Tensor, chances: Tensor, noise: Tensor, boldness: float = BOLDNESS) -> Tensor:
        """Return (n, Z) latents: an example's of the class, moved by sqrt(1 - b^2) rest + b normal about the centre.

        A move keeps the class's normal law (preconditioned Crank-Nicolson: Cotter et al. 2013, arXiv:1202.0709,
        equation 4.5); boldness 0 repeats the examples, 1 leaves the normal law alone.

        Args:
            labels: (n,) class numbers; a class without examples takes those of all.
            chances: (n,) in [0, 1), which example.
            noise: (2, n, Z) standard normal.
            boldness: 0 to 1.
        """
        rows = torch.empty(len(labels), dtype=torch.int64)
        for k in range(len(self.centres)):
            mine, known = labels == k, (self.labels == k).nonzero()[:, 0]
            known = known if len(known) else torch.arange(len(self.labels))
            rows[mine] = known[(chances[mine] * len(known)).long().clamp(max=len(known) - 1)]
        rest = self.means[rows] + self.spreads[rows] * noise[0] - self.centres[labels]
        news = (self.roots[labels] @ noise[1][:, :, None])[:, :, 0]
        moved: Tensor = self.centres[labels] + (1 - boldness**2) ** 0.5 * rest + boldness * news
        return moved

    def state(self) -> dict[str, Tensor]:
        """Return its parts by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
