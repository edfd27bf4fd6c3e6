"""Pseudo-labels: what a model believes of pictures that nobody labelled, and how much of it to believe. Pure functions.

Memories are plain tensors of fixed length, the newest last; rows that were never written are marked as empty.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

EMPTY = -1
"""The class of a row that a memory has not been given yet."""


@dataclass(frozen=True, eq=False)
class Guesses:
    """What a model says is in a batch of pictures.

    Attributes:
        scores: (n,) in [0, 1].
        classes: (n,) long.
        boxes: (n, 4) xyxy in pixel edges, where finding the objects is the task.
        picture: (n,) long, the number of each box's picture.
    """

    scores: Tensor
    classes: Tensor
    boxes: Tensor = field(default_factory=lambda: torch.zeros(0, 4))
    picture: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))


def remembered(memory: Tensor, rows: Tensor) -> Tensor:
    """Return a memory (m, ...) with rows (n, ...) added at its end; the oldest rows go."""
    return torch.cat([memory, rows.to(memory.dtype)])[-len(memory) :]


def class_thresholds(scores: Tensor, classes: Tensor, n_classes: int, share: float, sure: float) -> Tensor:
    """Return, for each class, the score from which on a guess counts, (n_classes,).

    At least the best `share` of each class's own guesses count, as in class-balanced self-training (CBST, Zou et al.
    2018, arXiv:1810.07911, algorithm 2), so that a class of low scores is not left out; and whatever scores `sure`
    (FixMatch, Sohn et al. 2020, arXiv:2001.07685, section 2.2). A class without guesses asks for `sure`.

    Args:
        scores: (m,) of recent guesses, in [0, 1].
        classes: (m,) of the same guesses; EMPTY rows do not count.
        n_classes: how many classes.
        share: in (0, 1].
        sure: in [0, 1].
    """
    limits = [sure] * n_classes
    for label in sorted(set(classes[classes != EMPTY].tolist())):
        ranked = scores[classes == label].sort(descending=True).values
        limits[label] = min(sure, float(ranked[max(1, math.ceil(share * len(ranked))) - 1]))
    return torch.tensor(limits, device=scores.device)


def ramp(progress: float, length: float) -> float:
    """Return exp(-5 (1 - t)^2), t = progress / length up to 1: Laine and Aila 2017 (arXiv:1610.02242, section 2.1).

    Before the start, at a negative progress, it is 0.
    """
    if progress < 0:
        return 0.0
    t = 1.0 if length <= 0 else min(1.0, progress / length)
    return math.exp(-5 * (1 - t) ** 2)


def centroid_labels(vectors: Tensor, memory: Tensor, probabilities: Tensor) -> Tensor:
    """Return the class (n,) of the nearest centroid: SHOT, Liang et al. 2020 (arXiv:2002.08546, eq. 4-6).

    Centroids are the means of the remembered vectors, weighted first by their probabilities, then by the labels that
    these centroids give them; distance is one minus the cosine between vectors with a one appended. A class that no
    vector is nearest to keeps its first centroid.

    Args:
        vectors: (n, F) to be labelled.
        memory: (m, F) recent vectors.
        probabilities: (m, C) of the recent vectors; all zero in rows that are empty.
    """
    queries, rows = _directions(vectors), _directions(memory)
    filled = probabilities.sum(dim=1, keepdim=True) > 0
    centroids = F.normalize(probabilities.T @ rows, dim=1)
    members = F.one_hot((rows @ centroids.T).argmax(dim=1), centroids.shape[0]) * filled
    again = F.normalize(members.to(rows.dtype).T @ rows, dim=1)
    centroids = torch.where((members.sum(dim=0) > 0)[:, None], again, centroids)
    return (queries @ centroids.T).argmax(dim=1)


def _directions(vectors: Tensor) -> Tensor:
    return F.normalize(torch.cat([vectors, torch.ones_like(vectors[:, :1])], dim=1), dim=1)
