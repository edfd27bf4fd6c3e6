"""The batches of a run: labelled source items and, where a method wants them, target pictures."""

from typing import TYPE_CHECKING, Any, Protocol

from torch.utils.data import Dataset

from simgen.adapters.target import Batch, Target, Unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simgen.adapters.tasks import Task

NOTHING = Target({}, {})


class Items(Protocol):
    """Training items of one task: what its `collate` takes."""

    def __getitem__(self, k: int, /) -> Any: ...


class Mixed:
    """Items of two labelled sets: of each batch the first `size - share` are of the one, the others of the other.

    Args:
        first: items of one set.
        second: items of the other.
        size: of a batch.
        share: how many of a batch are of the second.
    """

    def __init__(self, first: Items, second: Items, size: int, share: int) -> None:
        self._first, self._second, self._size, self._share = first, second, size, share

    def __getitem__(self, k: int) -> Any:
        batch, place = divmod(k, self._size)
        own = self._size - self._share
        if place < own:
            return self._first[batch * own + place]
        return self._second[batch * self._share + place - own]


class Batches(Dataset[tuple[Batch, Target]]):
    """Batch j depends on (config.seed, j) alone: a run goes on where it stopped, in any number of processes.

    Args:
        task: collates.
        size: labelled items a batch.
        items: at least `size` for each batch, or None where the method uses none; see `Mixed` for two sets.
        target: the target's pictures, or None.
        n_target: target pictures a batch.
    """

    def __init__(
        self, task: "Task", size: int, items: "Items | None", target: Unlabelled | None = None, n_target: int = 0
    ) -> None:
        self._task, self._size, self._items = task, size, items
        self._target, self._n_target = target, n_target

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
