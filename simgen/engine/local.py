"""Shards in processes of this machine (PyBullet holds the GIL, so threads would not help)."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from simgen.errors import RenderError

J = TypeVar("J")
R = TypeVar("R")
Shard = tuple[int, ...]

SHARDS_PER_PROCESS = 12
"""A worker is replaced after this many shards: what PyBullet leaks goes with it (of 14 dice with surfaces 4 MB a scene,
also after disconnecting)."""


class LocalEngine:
    """Runs shards in `workers` processes; a few of them in this one if `workers` is 1."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, work: Callable[[J, Shard], R], job: J, shards: Iterable[Shard]) -> Iterator[tuple[Shard, R]]:
        """Yield each shard with its result, in the order in which they are done.

        Raises:
            RenderError: a worker process died; what it had finished is kept.
        """
        waiting = deque(shards)
        if self.workers <= 1 and len(waiting) <= SHARDS_PER_PROCESS:
            yield from ((shard, work(job, shard)) for shard in waiting)
            return
        try:
            yield from self._pooled(work, job, waiting)
        except BrokenProcessPool:
            raise RenderError(
                "a worker process died (out of memory?): finished samples are kept, run the same command to go on"
            ) from None

    def _pooled(self, work: Callable[[J, Shard], R], job: J, waiting: deque[Shard]) -> Iterator[tuple[Shard, R]]:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(
            self.workers, context, initializer=_start_worker, max_tasks_per_child=SHARDS_PER_PROCESS
        )
        running: dict[Future[R], Shard] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * self.workers:
                    shard = waiting.popleft()
                    running[pool.submit(work, job, shard)] = shard
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Prepare a worker.

    It ends when its parent is killed: else it would wait for work for ever, or write what nobody counts. Ctrl-C, which
    reaches every process of a terminal, is the parent's business: a worker that is interrupted between two messages
    leaves the pool waiting for it. And it draws with one thread: Mesa's software rasterizer takes every core, and
    processes side by side are faster with one each.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("LP_NUM_THREADS", "1")
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (connection.wait([parent.sentinel]), os._exit(1)), daemon=True).start()
