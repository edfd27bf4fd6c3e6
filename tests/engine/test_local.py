import os

from simgen.engine import LocalEngine
from simgen.engine.local import SHARDS_PER_PROCESS, Shard


def process(job: str, shard: Shard) -> tuple[str, int]:
    return job, os.getpid()


def test_a_few_shards_run_here():
    results = list(LocalEngine(1).run(process, "job", [(0, 1), (2,)]))
    assert results == [((0, 1), ("job", os.getpid())), ((2,), ("job", os.getpid()))]


def test_many_shards_run_in_processes_that_are_replaced():
    shards = [(i,) for i in range(2 * SHARDS_PER_PROCESS + 1)]
    results = dict(LocalEngine(1).run(process, "job", shards))
    assert sorted(results) == shards
    processes = [pid for _, pid in results.values()]
    assert os.getpid() not in processes
    assert len(set(processes)) == 3
    assert max(processes.count(pid) for pid in processes) <= SHARDS_PER_PROCESS
