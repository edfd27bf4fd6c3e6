"""Steps a second of the environments, with panda-gym beside them where it is installed; resets and their memory.

    python benchmarks/envs.py --quick
    python benchmarks/envs.py --peer PYTHON --json OUT    # PYTHON: of an environment that has panda-gym

Random actions, resets included, one process and one thread. Rounds of the peer and of these alternate, so that both
meet the same load of the machine; the median of the rounds is reported.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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


def rate(env: Any, seconds: float) -> tuple[float, float]:
    """Return steps a second of the clock, and of the processor."""
    env.action_space.seed(0)
    env.reset(seed=0)
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


def resets(env: Any, count: int) -> dict[str, float]:
    """Return the median time of a reset, ms, and what the resets after the first quarter keep of memory, MB."""
    times, start_kb = [], 0
    for number in range(count):
        if number == count // 4:
            start_kb = resident_kb()
        before = time.perf_counter(), time.process_time()
        env.reset()
        times.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    wall, cpu = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    return {"count": count, "ms": wall, "cpu_ms": cpu, "growth_mb": (resident_kb() - start_kb) / 1024}


def resident_kb() -> int:
    """Return this process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--peer", help="a Python that has panda-gym")
    parser.add_argument("--resets", type=int, help="how many")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import gymnasium

    import simgen.envs

    rounds, seconds = (1, 1.0) if options.quick else (3, 4.0)
    kinds: dict[str, dict[str, Any]] = {"state": {}, "rgb 84x84": {"obs": "rgb"}}
    kinds |= {
        f"{kind} {level}": {**kinds[kind], "randomization": level} for kind in kinds for level in ("medium", "high")
    }
    figures: dict[str, Any] = {"load": os.getloadavg()}
    rates: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for size in (0, 84) if options.peer else ():
            name = f"panda-gym Reach, {f'{size}x{size}' if size else 'state'}"
            rates.setdefault(name, []).append(peer_rate(options.peer, size, seconds))
        for entry in simgen.envs.ENVS:
            for kind, settings in kinds.items():
                with gymnasium.make(entry, **settings) as env:
                    rates.setdefault(f"{entry}, {kind}", []).append(rate(env, seconds))
    for name, found in rates.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        figures[name] = {"steps_s": round(wall, 1), "steps_cpu_s": round(cpu, 1)}
        print(f"{name:40} {wall:8.1f} steps/s   {cpu:8.1f} steps a second of CPU", flush=True)
    with gymnasium.make("simgen/Push-v0", obs="rgb", randomization="high") as env:
        figures["resets"] = resets(env, options.resets or (300 if options.quick else 10_000))
    print("resets, Push, rgb 84x84, high:", {k: round(v, 2) for k, v in figures["resets"].items()})
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
