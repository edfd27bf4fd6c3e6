"""Where shards of a dataset are made."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from simgen.engine.local import LocalEngine, Shard

J = TypeVar("J")
R = TypeVar("R")


class Engine(Protocol):
    """Runs shards somewhere."""

    def run(self, work: Callable[[J, Shard], R], job: J, shards: Iterable[Shard]) -> Iterator[tuple[Shard, R]]:
        """Yield each shard with the result of `work(job, shard)`, in any order."""
        ...


__all__ = ["Engine", "LocalEngine", "Shard"]
