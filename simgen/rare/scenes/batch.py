"""Encoded scenes side by side, as tensors: what the nets take and give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simgen.rare.scenes.encode import EncodedScene, SceneCodec


@dataclass(frozen=True, eq=False)
class SceneBatch:
    """B scenes of up to N items.

    Attributes:
        scene: (B, S) float32.
        known: (B, S) bool.
        types: (B, N) int64, -1 where a scene has no more items.
        items: (B, N, D) float32, 0 there.
        items_known: (B, N, D) bool.
        condition: (B, C) float32.
    """

    scene: Tensor
    known: Tensor
    types: Tensor
    items: Tensor
    items_known: Tensor
    condition: Tensor

    @property
    def present(self) -> Tensor:
        """(B, N) bool."""
        return self.types >= 0

    def rows(self, indices: Tensor) -> "SceneBatch":
        """Return some of the scenes, without columns of items that none of them has."""
        types = self.types[indices]
        width = int((types >= 0).any(0).sum()) if types.numel() else 0
        items, known = self.items[indices, :width], self.items_known[indices, :width]
        return SceneBatch(
            self.scene[indices], self.known[indices], types[:, :width], items, known, self.condition[indices]
        )

    def encoded(self, row: int) -> EncodedScene:
        """Return one scene as numbers."""
        there = self.present[row]
        items, known = self.items[row, there].numpy().astype(float), self.items_known[row, there].numpy()
        scene = self.scene[row].numpy().astype(float)
        return EncodedScene(scene, self.known[row].numpy(), self.types[row, there].numpy(), items, known)


def batch_of(scenes: Sequence[EncodedScene], condition: Tensor) -> SceneBatch:
    """Return encoded scenes of one codec as a batch; `condition` is (B, C)."""
    longest = max((len(scene.types) for scene in scenes), default=0)
    width = scenes[0].items.shape[1] if scenes else 0
    types = np.full((len(scenes), longest), -1, np.int64)
    items = np.zeros((len(scenes), longest, width), np.float32)
    known = np.zeros((len(scenes), longest, width), np.bool_)
    for row, scene in enumerate(scenes):
        count = len(scene.types)
        types[row, :count], items[row, :count], known[row, :count] = scene.types, scene.items, scene.items_known
    once = torch.from_numpy(np.stack([scene.scene for scene in scenes]).astype(np.float32))
    there = torch.from_numpy(np.stack([scene.known for scene in scenes]))
    return SceneBatch(
        once, there, torch.from_numpy(types), torch.from_numpy(items), torch.from_numpy(known), condition.float()
    )


@dataclass(frozen=True)
class Shape:
    """What the nets must know of a codec.

    Attributes:
        scene: the number of its category for each of S numbers, -1 for real ones.
        types: the same for each type of item.
        most: how many items of each type there are at most.
        condition: C.
    """

    scene: tuple[int, ...]
    types: tuple[tuple[int, ...], ...]
    most: tuple[int, ...]
    condition: int

    @staticmethod
    def of(codec: SceneCodec, condition: int) -> "Shape":
        """Return the shape of a codec's scenes with C numbers of condition each."""
        types = tuple(tuple(layout.segments.tolist()) for layout in codec.types.values())
        most = tuple(codec.most[kind] for kind in codec.types)
        return Shape(tuple(codec.scene.segments.tolist()), types, most, condition)

    @property
    def width(self) -> int:
        """D."""
        return max(map(len, self.types), default=0)
