"""Steps a second of the environments, beside panda-gym's where it is installed; or the time and memory of resets.

    python benchmarks/envs.py --quick
    python benchmarks/envs.py --only Reach Push --peer PYTHON    # of an environment that has panda-gym: two minutes
    python benchmarks/envs.py --resets 10000 --only Reach

Random actions, resets included, one process and one thread. Rounds of the peer and of these alternate, so that both
meet the same load of the machine; the median of the rounds is reported. Resets are those of "high" with a picture of
84x84; each environment's are made in a process of their own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from figures import machine, publish

REACH, PEER_REACH = "simgen/Reach-v0", "panda-gym PandaReach-v3"
KINDS: dict[str, dict[str, Any]] = {
    f"{seen}{level and ', '}{level}": {"obs": obs} | ({"randomization": level} if level else {})
    for level in ("", "medium", "high")
    for seen, obs in (("state", "state"), ("84x84", "rgb"))
}
WARM = 200
"""Resets after which memory is counted."""
PEER = """
import sys, time, gymnasium, panda_gym
size, seconds = int(sys.argv[1]), float(sys.argv[2])
sizes = dict(render_mode="rgb_array", render_width=size, render_height=size) if size else {}
env = gymnasium.make("PandaReach-v3", **sizes)
env.action_space.seed(0)
env.reset(seed=0)
steps, start, cpu = 0, time.perf_counter(), time.process_time()
while time.perf_counter() - start < seconds:
    *_, terminated, truncated, _ = env.step(env.action_space.sample())
    if size:
        env.render()
    if terminated or truncated:
        env.reset()
    steps += 1
print("RATE", steps / (time.perf_counter() - start), steps / (time.process_time() - cpu))
"""


def rate(env: Any, seconds: float, seed: int) -> tuple[float, float]:
    """Return steps a second of the clock, and of the processor."""
    env.action_space.seed(seed)
    env.reset(seed=seed)
    steps, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
        steps += 1
    return steps / (time.perf_counter() - start), steps / (time.process_time() - cpu)


def peer_rate(python: str, size: int, seconds: float) -> tuple[float, float]:
    """Return the same of panda-gym's Reach, in the Python that has it."""
    run = subprocess.run([python, "-c", PEER, str(size), str(seconds)], capture_output=True, text=True, check=True)
    wall, cpu = run.stdout.rpartition("RATE")[2].split()
    return float(wall), float(cpu)


def resets(name: str, count: int) -> dict[str, float]:
    """Return how long resets take, ms of the processor, and what those after the first `WARM` keep of memory, MB."""
    import gymnasium

    with gymnasium.make(f"simgen.envs:{name}", obs="rgb", randomization="high") as env:
        env.reset(seed=0)
        times, memory = [], []
        for number in range(count):
            before = time.process_time()
            env.reset()
            times.append(1e3 * (time.process_time() - before))
            if number >= WARM and number % 50 == 0:
                memory.append(resident_mb())
    tenths = statistics.quantiles(times, n=10)
    grown = {"growth_mb": memory[-1] - memory[0], "growth_of_second_half_mb": memory[-1] - memory[len(memory) // 2]}
    times_ms = {"median_ms": tenths[4], "p10_ms": tenths[0], "p90_ms": tenths[8]}
    return {"count": count, **{key: round(value, 2) for key, value in (times_ms | grown).items()}}


def resident_mb() -> float:
    """Return this process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def rates(names: list[str], peer: str | None, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Return the medians of some rounds, by what was measured."""
    import gymnasium

    found: dict[str, list[tuple[float, float]]] = {}
    # Each round has other episodes: in half of those of "high" shadows cost time.
    for number in range(rounds):
        for seen, size in (("state", 0), ("84x84", 84)) if peer else ():
            found.setdefault(f"{PEER_REACH}, {seen}", []).append(peer_rate(peer or "", size, seconds))
        for name in names:
            for kind, settings in KINDS.items():
                with gymnasium.make(f"simgen.envs:{name}", **settings) as env:
                    found.setdefault(f"{name}, {kind}", []).append(rate(env, seconds, number))
    medians = {name: [statistics.median(column) for column in zip(*each, strict=True)] for name, each in found.items()}
    return {name: {"steps_s": round(wall, 1), "steps_cpu_s": round(cpu, 1)} for name, (wall, cpu) in medians.items()}


def ratios(found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return how many times as fast as panda-gym's Reach this one is."""
    times = {}
    for kind in KINDS:
        ours, peer = found[f"{REACH}, {kind}"], found[f"{PEER_REACH}, {kind.partition(',')[0]}"]
        times[kind] = {unit: round(ours[unit] / peer[unit], 2) for unit in ours}
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--peer", help="a Python that has panda-gym")
    parser.add_argument("--only", nargs="+", help="names, e.g. Reach Push")
    parser.add_argument("--resets", type=int, help="how many; nothing else is measured then")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from simgen.envs import ENVS

    names = [f"simgen/{name}-v0" for name in options.only] if options.only else list(ENVS)
    report: dict[str, Any] = {"machine": machine()}
    if options.resets:
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
            report["resets"] = {name: pool.submit(resets, name, options.resets).result() for name in names}
    else:
        rounds, seconds = (1, 1.0) if options.quick else (3, 2.0)
        report["rates"] = rates(names, options.peer, rounds, seconds)
        if options.peer and REACH in names:
            report["times_panda_gym"] = ratios(report["rates"])
    publish(report, options.json)


if __name__ == "__main__":
    sys.exit(main())
