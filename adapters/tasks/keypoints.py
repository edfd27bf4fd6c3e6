"""The task "keypoints": the points of a flat object, and so its pose, by a map of the object's own coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.functional.pseudo import Guesses
from simgen.adapters.models.keypoint_net import PlaneOutput
from simgen.adapters.models.segmenter import likeliest_cells
from simgen.adapters.planes.crops import PlaneCrops, PlaneItem, PlaneViews, mean_portrait, object_of
from simgen.adapters.planes.predict import PlaneView, predict_planes
from simgen.adapters.planes.scores import has_truth, pose_errors, summary
from simgen.adapters.settings import TrainConfig, target_config
from simgen.adapters.target import Unlabelled, without_labels
from simgen.adapters.tasks.dense import at_cells
from simgen.adapters.tasks.scores import Validation
from simgen.errors import ConfigError

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DEFAULT_MODEL: dict[str, Any] = {
    "kind": "plane_net",
    "neck": 48,
    "backbone": {"kind": "residual", "stem": 16, "widths": [32, 64, 96, 128], "depths": [1, 2, 2, 2]},
}
PLACES = 16
_WINDOW_CELLS = 4
_SOFT = 0.02
_COORDINATES_WEIGHT = 5.0


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskGuesses(Guesses):
    """Guesses of one class, for each cell of the maps.

    Attributes:
        there: (n,) float, 1 where the cell is said to show the object.
    """

    there: Tensor


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
        """Return squares of the pictures: close-ups are cut around the object, and where it is is not known."""
        return Unlabelled(PlaneViews(without_labels(dataset, boxes=False), target_config(self._config)), "image")

    def vectors(
        self, features: Tensor, output: PlaneOutput, places: PlaneOutput | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of cells that look like the object: of each 16 x 16 pixels the likeliest, `PLACES` a crop.

        The logits (n, 1) are those of the mask.
        """
        mask = (output if places is None else places).mask
        cells = likeliest_cells(torch.cat([mask, torch.zeros_like(mask)], dim=1), _WINDOW_CELLS, PLACES)
        return at_cells(features, cells), at_cells(output.mask, cells)

    def truth(self, batch: dict[str, Tensor]) -> PlaneOutput:
        return PlaneOutput(batch["mask"], batch["coordinates"])

    def guesses(self, output: PlaneOutput) -> Guesses:
        """Return of each cell how sure it is whether it shows the object, and what it says of that."""
        probability = output.mask.float().sigmoid().flatten()
        there = (probability > 0.5).float()
        single = torch.zeros_like(there, dtype=torch.long)
        return MaskGuesses(torch.maximum(probability, 1 - probability), single, there=there)

    def taught(self, output: PlaneOutput, guesses: Guesses, kept: Tensor) -> dict[str, Tensor]:
        """Return the cross-entropy of the mask with the kept guesses, over all cells.

        Coordinates are not taught: which way up the object is, by which they are told, is not known of a target's crop.
        """
        assert isinstance(guesses, MaskGuesses)
        each = F.binary_cross_entropy_with_logits(output.mask.float().flatten(), guesses.there, reduction="none")
        return {"mask": (each * kept).mean()}

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
