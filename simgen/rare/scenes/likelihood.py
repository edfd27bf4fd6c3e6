"""How likely an encoded scene is, given what the net says: normal numbers, and categories through softmax."""

import torch
from torch import Tensor, nn

from simgen.rare.scenes.batch import SceneBatch, Shape

_LOG_STD = (-4.0, 1.0)
_SPEED = 10.0
"""Spreads are parameters that must go far: so many times as fast as weights (calibrated decoders, Rybkin 2021)."""


class Columns(nn.Module):
    """Learned spreads of the real numbers, and the places of the categories, of scenes and of each type of item."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.scene_spread = nn.Parameter(torch.zeros(len(shape.scene)))
        self.item_spread = nn.Parameter(torch.zeros(max(len(shape.types), 1), width))
        self.register_buffer("scene_segments", torch.tensor(shape.scene, dtype=torch.int64))
        padded = [[*row, *[-1] * (width - len(row))] for row in shape.types] or [[-1] * width]
        self.register_buffer("item_segments", torch.tensor(padded, dtype=torch.int64).reshape(-1, width))
        self.scene_segments: Tensor
        self.item_segments: Tensor

    def scene_std(self) -> Tensor:
        """Return (S,) the spread of each of the scene's numbers; of no meaning for categories."""
        return (_SPEED * self.scene_spread).clamp(*_LOG_STD).exp()

    def item_std(self, types: Tensor) -> Tensor:
        """Return (B, N, D) the spread of each of the items' numbers."""
        return (_SPEED * self.item_spread[types.clamp(min=0)]).clamp(*_LOG_STD).exp()

    def scene(self, guess: Tensor, truth: Tensor, known: Tensor) -> Tensor:
        """Return (B, S) the negative log likelihoods, 0 where the scene has no such number."""
        return _negative(guess, truth, self.scene_std().expand_as(guess), self.scene_segments) * known

    def items(self, guess: Tensor, batch: SceneBatch) -> Tensor:
        """Return (B, N, D) the negative log likelihoods, 0 where an item has no such number."""
        found = torch.zeros_like(guess)
        std = self.item_std(batch.types)
        for kind, segments in enumerate(self.item_segments):
            chosen = batch.types == kind
            if chosen.any():
                found[chosen] = _negative(guess[chosen], batch.items[chosen], std[chosen], segments)
        return found * batch.items_known


def _negative(guess: Tensor, truth: Tensor, std: Tensor, segments: Tensor) -> Tensor:
    """Return (n, W) the negative log likelihood of each column: of a category, at the column that is true."""
    real = 0.5 * ((guess - truth) / std) ** 2 + std.log()
    category = -truth * log_softmax(guess, segments)
    return torch.where(segments < 0, real, category)


def log_softmax(logits: Tensor, segments: Tensor) -> Tensor:
    """Return (n, W) the log of the softmax over the columns of the same segment; of no meaning where it is -1."""
    if not segments.numel():
        return logits
    bounded = logits.clamp(-30, 30)
    slots = (segments + 1).clamp(min=0)
    total = logits.new_zeros(len(logits), int(slots.max()) + 1).index_add(1, slots, bounded.exp())
    return bounded - total.log()[:, slots]
