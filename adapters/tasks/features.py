"""The task "features": which class a precomputed vector is of, whatever it was computed from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.predict_vectors import predict_vectors
from simgen.adapters.settings import target_config
from simgen.adapters.target import Unlabelled, without_labels
from simgen.adapters.tasks.classify import Classify
from simgen.adapters.tasks.scores import Validation
from simgen.adapters.vectors import VectorItems, rows_of
from simgen.errors import DataError

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet

DEFAULT_MODEL: dict[str, Any] = {"kind": "vector_classifier"}


class Features(Classify):
    """See simgen.adapters.tasks.Task: classification of vectors in the place of crops."""

    def architecture(self, source: "ImageSet") -> dict[str, Any]:
        length = rows_of(source.records, source.root).shape[1]
        return {"in_features": length, **(self._config.model or DEFAULT_MODEL)}

    def preprocess(self) -> dict[str, Any]:
        return {"input": "vectors as they are; the model normalises them"}

    def items(self, dataset: "ImageSet", length: int) -> Dataset[tuple[Tensor, int]]:
        return VectorItems(dataset, self._config, length)

    def unlabelled(self, dataset: "ImageSet") -> Unlabelled:
        if len(dataset) < 2:
            raise DataError(f'vectors "{dataset.root}": expected at least 2 rows to adapt to, got {len(dataset)}')
        unknown = sorted(set(dataset.classes) - set(self._classes))
        if unknown:
            raise DataError(
                f'vectors "{dataset.root}": labelled with [{", ".join(unknown)}], but the source knows the classes '
                f"[{', '.join(self._classes)}] only"
            )
        return Unlabelled(VectorItems(without_labels(dataset, boxes=False), target_config(self._config), 0), "vector")

    def collate(self, items: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
        """Return vector (B, F) float32 and label (B,) long."""
        vectors, labels = zip(*items, strict=True)
        return {"vector": torch.stack(vectors), "label": torch.tensor(labels)}

    def inputs(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["vector"]

    def pictures(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the vectors: no method that changes pictures is defined for them."""
        return batch["vector"]

    def seen(self, pictures: Tensor) -> Tensor:
        return pictures

    def validate(self, module: nn.Module, records: "Sequence[ImageRecord]") -> Validation:
        """Return the accuracy."""
        found = predict_vectors(module, records)
        said = [self._classes[int(result.classes[0])] for result in found]
        right = [name == record.annotations[0].class_name for name, record in zip(said, records, strict=True)]
        return Validation({"accuracy": float(np.mean(right)) if right else 0.0})
