"""Reverse validation of the candidates of a run: does their labelling of the target lead back to the source's labels?

All candidates are judged in one space, the features of the model that the run started from, at the places where that
model sees objects. Of the target there are pictures alone; the labels are the candidate's own.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simgen.adapters.methods.base import Once
from simgen.adapters.predict import inference
from simgen.adapters.target import Batch
from simgen.adapters.validators import reverse_validation
from simgen.errors import DataError

if TYPE_CHECKING:
    from simgen.adapters.tasks import Task
    from simgen.formats.imageset import ImageSet

_BATCH = 64


class ReverseValidation:
    """Called with a candidate, returns its score; see simgen.adapters.validators.reverse_validation.

    Args:
        task: cuts pictures as evaluation sees them; see simgen.adapters.settings.as_seen.
        start: the model that the run started from.
        once: goes once through the target's pictures.
        held_out: the labelled source images that nothing was learnt from.

    Raises:
        DataError: no objects in the held-out images.
    """

    def __init__(self, task: "Task", start: Any, once: Once, held_out: "ImageSet") -> None:
        self._task, self._start, self._once = task, start.eval(), once
        self._source, self._labels = self._of_source(held_out)

    def __call__(self, candidate: Any) -> float:
        """Return the accuracy, in [0, 1]."""
        vectors, said = [], []
        with inference(candidate):
            for target in self._once():
                inputs, features, output = self._started(target.weak)
                vectors.append(_array(self._task.vectors(features, output)[0]))
                seen = candidate.features(inputs)
                logits = self._task.vectors(seen, candidate.predict(seen), output)[1]
                said.append(_array(logits).argmax(axis=1))
        return reverse_validation(np.concatenate(vectors), np.concatenate(said), self._source, self._labels)

    def _of_source(self, held_out: "ImageSet") -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        vectors, scores = [], []
        with inference(self._start) as device:
            for batch in _batches(self._task, held_out):
                _, features, _ = self._started(batch)
                truth = self._task.truth({name: part.to(device) for name, part in batch.items()})
                found = self._task.vectors(features, truth, truth)
                vectors.append(_array(found[0]))
                scores.append(_array(found[1]))
        rows, said = np.concatenate(vectors), np.concatenate(scores)
        objects = said.max(axis=1) > 0.5
        if not objects.any():
            raise DataError(f'"{held_out.root}": expected objects in the held-out images, but there are none')
        return rows[objects], said[objects].argmax(axis=1)

    def _started(self, batch: Batch) -> tuple[Tensor, Tensor, Any]:
        """Return the inputs of a batch, and what the start model makes of them: features and output."""
        inputs = self._task.inputs(batch).to(next(self._start.parameters()).device)
        features = self._start.features(inputs)
        return inputs, features, self._start.predict(features)


def _batches(task: "Task", held_out: "ImageSet") -> Iterator[Batch]:
    items: Any = task.items(held_out, 2**31)
    for first in range(0, items.rounds, _BATCH):
        yield task.collate([items[k] for k in range(first, min(first + _BATCH, items.rounds))])


def _array(values: Tensor) -> NDArray[np.float64]:
    return np.asarray(values.double().cpu().numpy(), np.float64)
