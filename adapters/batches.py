"""The batches of a run: labelled source items and, where a method wants them, target pictures."""

from typing import TYPE_CHECKING

from torch.utils.data import Dataset

from simgen.adapters.target import Batch, Target, Unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simgen.adapters.settings import TrainConfig
    from simgen.adapters.tasks import Task
    from simgen.formats.imageset import ImageSet

NOTHING = Target({}, {})


class Batches(Dataset[tuple[Batch, Target]]):
    """Batch j depends on (config.seed, j) alone: a run goes on where it stopped, in any number of processes.

    Args:
        task: cuts and collates.
        config: its sizes are used.
        source: the labelled set, or None where the method uses none.
        target: the target's pictures, or None.
        n_target: target pictures a batch.
    """

    def __init__(
        self,
        task: "Task",
        config: "TrainConfig",
        source: "ImageSet | None",
        target: Unlabelled | None,
        n_target: int,
    ) -> None:
        self._task, self._size, self._target, self._n_target = task, config.batch_size, target, n_target
        self._items = None if source is None else task.items(source, config.steps * config.batch_size)

    def __getitem__(self, j: int) -> tuple[Batch, Target]:
        return self._source(j), self._pictures(j)

    def once(self) -> "Iterator[Target]":
        """Go once through the target, in batches."""
        return iter(()) if self._target is None else self._target.once(max(self._size, 32))

    def _source(self, j: int) -> Batch:
        if self._items is None:
            return {}
        return self._task.collate([self._items[k] for k in range(j * self._size, (j + 1) * self._size)])

    def _pictures(self, j: int) -> Target:
        if self._target is None or not self._n_target:
            return NOTHING
        return self._target.batch(j * self._n_target, self._n_target)
