"""The task "keypoints": the points of a flat object, and so its pose, by a map of the object's own coordinates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.functional.pseudo import Guesses
from simgen.adapters.models.keypoint_net import PlaneOutput
from simgen.adapters.planes.crops import PlaneCrops, PlaneItem, mean_portrait, object_of
from simgen.adapters.planes.predict import PlaneView, predict_planes
from simgen.adapters.planes.scores import has_truth, pose_errors, summary
from simgen.adapters.settings import TrainConfig
from simgen.adapters.target import Unlabelled
from simgen.adapters.tasks.scores import Validation
from simgen.errors import ConfigError

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DEFAULT_MODEL: dict[str, Any] = {
    "kind": "plane_net",
    "neck": 48,
    "backbone": {"kind": "residual", "stem": 16, "widths": [32, 64, 96, 128], "depths": [1, 2, 2, 2]},
}
_NO_TARGET = (
    "task keypoints: no method that adapts to target pictures is defined for it, for its close-ups are cut around the "
    "object, and where that is in a picture without labels is not known"
)
_SOFT = 0.02
_COORDINATES_WEIGHT = 5.0


class Keypoints:
    """See simgen.adapters.tasks.Task. What the object is like is read from the training set, by `items`."""

    def __init__(self, classes: Sequence[str], config: TrainConfig) -> None:
        if len(classes) != 1:
            raise ConfigError(f"task keypoints: expected a set of one class, but got {len(classes)}")
        self._config = config
        self._view: PlaneView | None = None

    def architecture(self, source: "ImageSet") -> dict[str, Any]:
        return dict(self._config.model) or dict(DEFAULT_MODEL)

    def preprocess(self) -> dict[str, Any]:
        return {} if self._view is None else self._view.as_plain()

    def items(self, dataset: "ImageSet", length: int) -> Dataset[PlaneItem]:
        thing, settings = object_of(dataset), self._config.keypoints
        self._view = PlaneView(
            thing, mean_portrait(dataset, thing), settings.crop_size, settings.overview_px, settings.window
        )
        return PlaneCrops(dataset, thing, self._config, length)

    def collate(self, items: Sequence[PlaneItem]) -> dict[str, Tensor]:
        """Return image (B, 3, S, S) uint8, mask (B, 1, h, w), coordinates (B, 2, h, w), counts (B,) float."""
        return {
            "image": torch.stack([item.image for item in items]),
            "mask": torch.stack([item.mask for item in items])[:, None],
            "coordinates": torch.stack([item.coordinates for item in items]),
            "counts": torch.tensor([float(item.counts) for item in items]),
        }

    def inputs(self, batch: dict[str, Tensor]) -> Tensor:
        return self.seen(self.pictures(batch))

    def pictures(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["image"].float() / 255

    def seen(self, pictures: Tensor) -> Tensor:
        return pictures

    def unlabelled(self, dataset: "ImageSet") -> Unlabelled:
        raise ConfigError(_NO_TARGET)

    def vectors(self, features: Tensor, output: PlaneOutput, places: Any = None) -> tuple[Tensor, Tensor]:
        raise ConfigError(_NO_TARGET)

    def truth(self, batch: dict[str, Tensor]) -> PlaneOutput:
        raise ConfigError(_NO_TARGET)

    def guesses(self, output: PlaneOutput) -> Guesses:
        raise ConfigError(_NO_TARGET)

    def taught(self, output: PlaneOutput, guesses: Guesses, kept: Tensor) -> dict[str, Tensor]:
        raise ConfigError(_NO_TARGET)

    def losses(self, output: PlaneOutput, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return "mask", cross-entropy, and "coordinates", Huber's loss (1964) over the cells that show the object."""
        mask = F.binary_cross_entropy_with_logits(output.mask.float(), batch["mask"])
        off = F.smooth_l1_loss(output.coordinates.float(), batch["coordinates"], reduction="none", beta=_SOFT)
        weight = batch["mask"] * batch["counts"][:, None, None, None]
        return {"mask": mask, "coordinates": _COORDINATES_WEIGHT * (off * weight).sum() / weight.sum().clamp(min=1)}

    def validate(self, module: nn.Module, records: "Sequence[ImageRecord]") -> Validation:
        """Return the errors of points and poses on whole pictures."""
        if self._view is None:
            return Validation()
        labelled = [record for record in records if has_truth(record)]
        found = predict_planes(module, labelled, view=self._view)
        return Validation(summary(pose_errors(found, labelled, self._view.thing)))
