"""Several tasks on one trunk, weighted by their uncertainty: Kendall, Gal and Cipolla 2018 (arXiv:1705.07115)."""

from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simgen.adapters.functional.losses import weighted_mean
from simgen.adapters.methods.base import Method, Setup
from simgen.adapters.models.backbone import conv_norm
from simgen.adapters.target import Batch, Target

_REGRESSIONS = ("depth", "normal")


class MultiTask(Method):
    """The encoder also learns depth, surface normals and masks, which simulation labels for free, from the same map.

    What tells an object's shape is alike in photographs; colours and textures are not. Three further heads read the
    model's features and are left out of the finished model. With L_t of task t and a learnt s_t = log(sigma_t^2), the
    sum over tasks of exp(-s_t) L_t / 2 + s_t / 2 is minimised (eq. 7), for the classifying ones of exp(-s_t) L_t +
    s_t / 2 (eq. 10): no weight needs to be tuned. The task's own losses count as one classifying task.

    Args:
        setup: what it is made for.
        hidden: channels of the heads' common layer.
    """

    uses_target = False
    uses_maps = True
    undefined = MappingProxyType(
        {
            "classify": "its features are one vector a crop, and depth, normals and masks are maps",
            "segment": "its crops come without depth and normals",
            "features": "vectors have no depth and no normals",
            "keypoints": "its crops come without depth and normals",
        }
    )

    def __init__(self, setup: Setup, *, hidden: int = 64) -> None:
        super().__init__(setup)
        self.maps = nn.Sequential(conv_norm(setup.n_features, hidden), nn.ReLU(), nn.Conv2d(hidden, 5, 1))
        self.log_variance = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(())) for name in ("task", "depth", "normal", "mask")}
        )

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        features = model.features(self.task.inputs(source))
        own = torch.stack(list(self.task.losses(model.predict(features), source).values())).sum()
        found = {"task": own, **map_losses(self.maps(features).float(), source)}
        return {
            name: uncertain(loss, self.log_variance[name], regression=name in _REGRESSIONS)
            for name, loss in found.items()
        }


def map_losses(maps: Tensor, truth: Batch) -> dict[str, Tensor]:
    """Return what is wrong with maps of depth, normals and masks, over the cells where they are known.

    Args:
        maps: (B, 5, h, w): relief, normal (3), mask logit.
        truth: relief, surface and mask (B, 1, h, w), normal (B, 3, h, w), of simgen.adapters.maps.

    Returns:
        depth: the variance over each crop of relief minus its truth, for a constant is not known (the scale-invariant
            error of Eigen et al. 2014, arXiv:1406.2283, eq. 1); normal: 1 - cosine; mask: cross-entropy.
    """
    relief, normal, mask = torch.split(maps, [1, 3, 1], dim=1)
    surface = truth["surface"]
    off = relief - truth["relief"]
    count = surface.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    middle = (off * surface).sum(dim=(1, 2, 3), keepdim=True) / count
    angle = 1 - F.cosine_similarity(normal, truth["normal"], dim=1)[:, None]
    return {
        "depth": weighted_mean((off - middle).square(), surface),
        "normal": weighted_mean(angle, surface),
        "mask": F.binary_cross_entropy_with_logits(mask, truth["mask"]),
    }


def uncertain(loss: Tensor, log_variance: Tensor, *, regression: bool) -> Tensor:
    """Return exp(-s) loss / 2 + s / 2 for a regression (eq. 7), exp(-s) loss + s / 2 for a classification (eq. 10)."""
    share = 0.5 if regression else 1.0
    return share * torch.exp(-log_variance) * loss + log_variance / 2
