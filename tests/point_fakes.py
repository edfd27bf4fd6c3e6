"""A task and a model of points in the plane: methods of adaptation without pictures or Lightning."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.target import Batch, Target


class PointTask:
    """What methods use of simgen.adapters.tasks.Task."""

    def inputs(self, batch: Batch) -> Tensor:
        return batch["x"]

    def losses(self, output: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"class": F.cross_entropy(output, batch["y"])}

    def vectors(self, features: Tensor, output: Tensor, places: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return features, output


class PointModel(nn.Module):
    """Two hidden layers, and a head that is linear or has a hidden layer; see simgen.adapters.models.Model."""

    heads = ("head",)

    def __init__(self, width: int = 8, hidden: int = 0) -> None:
        super().__init__()
        self.n_features = width
        self.body = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        deep = (nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 2)) if hidden else (nn.Linear(width, 2),)
        self.head = nn.Sequential(*deep)

    def forward(self, x: Tensor) -> Tensor:
        return self.predict(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x)
        return features

    def predict(self, features: Tensor) -> Tensor:
        logits: Tensor = self.head(features)
        return logits


def points(n: int, seed: int) -> Batch:
    """Return n labelled points, normally distributed."""
    x = torch.randn((n, 2), generator=torch.Generator().manual_seed(seed))
    return {"x": x, "y": (x[:, 0] > 0).long()}


def seen(batch: Batch) -> Target:
    """Return points without labels, in two views that are alike."""
    return Target({"x": batch["x"]}, {"x": batch["x"]})
