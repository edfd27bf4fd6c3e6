"""The task "classify": which class the object in a given box is."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.data import ClassifyCrops, drawn
from simgen.adapters.functional.pseudo import Guesses
from simgen.adapters.predict import predict_classes
from simgen.adapters.settings import BoxHabit, TrainConfig, target_config
from simgen.adapters.target import Unlabelled, without_labels
from simgen.adapters.tasks.scores import Validation

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DEFAULT_MODEL: dict[str, Any] = {"kind": "crop_classifier", "widths": [32, 64, 96]}


class Classify:
    """See simgen.adapters.tasks.Task."""

    def __init__(self, classes: Sequence[str], config: TrainConfig) -> None:
        self._classes, self._config = list(classes), config

    def architecture(self, source: "ImageSet") -> dict[str, Any]:
        chosen = dict(self._config.model) or dict(DEFAULT_MODEL)
        return {"in_channels": self._config.view.channels, **chosen}

    def preprocess(self) -> dict[str, Any]:
        return {"view": asdict(self._config.view), "box": asdict(self._config.box)}

    def items(self, dataset: "ImageSet", length: int) -> Dataset[tuple[Tensor, int]]:
        return ClassifyCrops(dataset, self._config, length)

    def unlabelled(self, dataset: "ImageSet") -> Unlabelled:
        config = target_config(self._config)
        return Unlabelled(ClassifyCrops(without_labels(dataset, boxes=True), config, 0), "crop")

    def vectors(self, features: Tensor, output: Tensor, places: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return features, output

    def truth(self, batch: dict[str, Tensor]) -> Tensor:
        return F.one_hot(batch["label"], len(self._classes)).float()

    def collate(self, items: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
        """Return crop (B, S, S, channels) uint8 and label (B,) long."""
        crops, labels = zip(*items, strict=True)
        return {"crop": torch.stack(crops), "label": torch.tensor(labels)}

    def inputs(self, batch: dict[str, Tensor]) -> Tensor:
        return self._config.view.to_input(batch["crop"])

    def pictures(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["crop"].permute(0, 3, 1, 2).float() / 255

    def seen(self, pictures: Tensor) -> Tensor:
        return self._config.view.seen(pictures)

    def losses(self, output: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"class": F.cross_entropy(output.float(), batch["label"], label_smoothing=0.05)}

    def guesses(self, output: Tensor) -> Guesses:
        scores, classes = output.float().softmax(dim=1).max(dim=1)
        return Guesses(scores, classes)

    def taught(self, output: Tensor, guesses: Guesses, kept: Tensor) -> dict[str, Tensor]:
        """Return the cross-entropy with the kept guesses, over all of them (arXiv:2001.07685, eq. 4)."""
        each = F.cross_entropy(output.float(), guesses.classes, reduction="none")
        return {"class": (each * kept).mean()}

    def validate(self, module: nn.Module, records: "Sequence[ImageRecord]") -> Validation:
        """Return the accuracy over all annotations, cropped with the training's box habit."""
        labels = {name: label for label, name in enumerate(self._classes)}
        judged = [judged_boxes(record, self._config.box) for record in records]
        found = predict_classes(module, judged, view=self._config.view)
        right = [
            guess == labels[annotation.class_name]
            for record, result in zip(judged, found, strict=True)
            for annotation, guess in zip(record.annotations, result.classes, strict=True)
        ]
        return Validation({"accuracy": float(np.mean(right)) if right else 0.0})


def judged_boxes(record: "ImageRecord", habit: BoxHabit) -> "ImageRecord":
    """Return a record with its boxes as people would have drawn them, without objects that they would leave out."""
    seen = drawn(record, habit)
    return replace(seen, annotations=tuple(a for a in seen.annotations if not a.ignore))
