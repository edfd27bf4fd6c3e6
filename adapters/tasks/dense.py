"""What the tasks on maps of whole images share: how pictures become inputs, and how target pictures are cut."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from simgen.adapters.places import DetailedCrops
from simgen.adapters.settings import TrainConfig, target_config
from simgen.adapters.target import Unlabelled, without_labels

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageSet


class Dense:
    """Batches hold image (B, 3, S, S) uint8; see simgen.adapters.tasks.Task.

    Attributes:
        default_model: the architecture where the settings name none.
    """

    default_model: ClassVar[dict[str, Any]] = {}

    def __init__(self, classes: Sequence[str], config: TrainConfig) -> None:
        self._classes, self._config = list(classes), config

    def architecture(self, source: "ImageSet") -> dict[str, Any]:
        return dict(self._config.model) or dict(self.default_model)

    def preprocess(self) -> dict[str, Any]:
        low, high = self._config.crop.scale
        return {
            "input": "whole image, RGB in [0, 1], padded to a multiple of the largest stride",
            "box": asdict(self._config.box),
            "train_scale": [float(low), float(high)],
        }

    def unlabelled(self, dataset: "ImageSet") -> Unlabelled:
        config = target_config(self._config)
        return Unlabelled(DetailedCrops(without_labels(dataset, boxes=False), config, 0), "image")

    def inputs(self, batch: dict[str, Tensor]) -> Tensor:
        return self.seen(self.pictures(batch))

    def pictures(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["image"].float() / 255

    def seen(self, pictures: Tensor) -> Tensor:
        return pictures


def at_cells(maps: Tensor, cells: Tensor) -> Tensor:
    """Return what maps (B, C, h, w) hold at chosen cells (B, n) of each picture, (B * n, C) float32."""
    return maps.float().flatten(2).take_along_dim(cells[:, None], 2).transpose(1, 2).flatten(0, 1)
