"""The task "detect" with maps in its batches: depth, normals and masks, for methods that learn from them, too."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import Dataset

from simgen.adapters.data import DetectItem
from simgen.adapters.maps import MappedCrops, MappedItem
from simgen.adapters.tasks.detect import Detect

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageSet


class MappedDetect(Detect):
    """See MAPPED in simgen.adapters.tasks."""

    def items(self, dataset: "ImageSet", length: int) -> Dataset[DetectItem]:
        return MappedCrops(dataset, self._config, length)

    def collate(self, items: Sequence[DetectItem]) -> dict[str, Tensor]:
        """Return the batch of Detect, and relief, surface and mask (B, 1, h, w), normal (B, 3, h, w)."""
        maps = torch.stack([item.maps for item in items if isinstance(item, MappedItem)])
        relief, normal, surface, mask = torch.split(maps, [1, 3, 1, 1], dim=1)
        return {**super().collate(items), "relief": relief, "normal": normal, "surface": surface, "mask": mask}
