"""Training items of sets of vectors. Item k is a pure function of (seed, k), whichever process makes it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from simgen.adapters.data import UNLABELLED, Shuffled
from simgen.adapters.settings import TrainConfig
from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.formats.vectors import VectorRecord
from simgen.rng import stream

Rows = NDArray[np.float32]


class VectorItems(Dataset[tuple[Tensor, int]]):
    """Vectors (F,) float32, augmented, with their labels; `UNLABELLED` where there is none.

    Args:
        dataset: of vectors.
        config: its `vectors` and `seed` are used.
        length: how many items.

    Raises:
        DataError: pictures, or nothing at all.
    """

    def __init__(self, dataset: ImageSet, config: TrainConfig, length: int) -> None:
        self._rows = rows_of(dataset.records, dataset.root)
        self._config, self._length = config, length
        self._mean, self._spread = self._rows.mean(axis=0), self._rows.std(axis=0)
        labels = {name: label for label, name in enumerate(dataset.classes)}
        named = [record.annotations[0].class_name if record.annotations else "" for record in dataset.records]
        self.labels = [labels.get(name, UNLABELLED) for name in named]
        self._order = Shuffled(len(self._rows), config.seed)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        if not 0 <= k < self._length:
            raise IndexError(k)
        return self._augmented(k), self.labels[self._order[k]]

    def views(self, k: int) -> tuple[Tensor, Tensor]:
        """Return item k's vector (F,) float32 as it is, and augmented."""
        return torch.from_numpy(self._rows[self._order[k]]), self._augmented(k)

    @property
    def rounds(self) -> int:
        """How many items go once through the vectors."""
        return len(self._rows)

    def _augmented(self, k: int) -> Tensor:
        """Jitter by a share of each dimension's spread over the set; dimensions that are dropped take their mean."""
        rng, settings = stream(self._config.seed, k, "vector"), self._config.vectors
        row = self._rows[self._order[k]]
        jittered = row + settings.noise * self._spread * rng.standard_normal(len(row), np.float32)
        kept = rng.random(len(row), np.float32) >= settings.drop
        return torch.from_numpy(np.where(kept, jittered, self._mean).astype(np.float32))


def rows_of(records: Sequence[ImageRecord], root: Path, length: int | None = None) -> Rows:
    """Return the (n, F) float32 vectors of records.

    Args:
        records: of one set.
        root: what the set is called.
        length: that F must have; by default that of the first.

    Raises:
        DataError: there are none, or pictures, or vectors of another length.
    """
    vectors = [record.vector for record in records if isinstance(record, VectorRecord)]
    if len(vectors) < len(records):
        raise DataError(f'"{root}": expected vectors (an .npz or .parquet file) for the task features, got pictures')
    if not vectors:
        raise DataError(f'vectors "{root}": expected at least 1 row, got 0')
    expected = len(vectors[0]) if length is None else length
    other = [len(vector) for vector in vectors if len(vector) != expected]
    if other:
        raise DataError(f'vectors "{root}": expected vectors of {expected} numbers, as the model takes, got {other[0]}')
    return np.stack(vectors)


def require_pictures(data: ImageSet) -> None:
    """Raise `DataError` where some records are vectors."""
    for record in data.records:
        if isinstance(record, VectorRecord):
            record.rgb()


def by_class(data: ImageSet) -> ImageSet:
    """Return a set to learn from with its vectors sorted by class, so that an even spread has a share of every class.

    Files of vectors are often sorted, or go through the classes in turn; sets of pictures are returned as they are.

    Raises:
        DataError: vectors without labels, or a class with a single one.
    """
    if not any(isinstance(record, VectorRecord) for record in data.records):
        return data
    names = [record.annotations[0].class_name if record.annotations else "" for record in data.records]
    if "" in names:
        raise DataError(f'vectors "{data.root}": expected labels y to learn from, found none')
    single = [name for name, count in sorted(Counter(names).items()) if count < 2]
    if single:
        raise DataError(
            f'vectors "{data.root}": class "{single[0]}": expected at least 2 rows, one to train on and one to '
            "validate, got 1"
        )
    return data.subset(sorted(range(len(data)), key=lambda row: names[row]))
