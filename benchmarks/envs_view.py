"""What choosing views is worth in simgen/ActiveView-v0: three policies over the same seeds.

    python benchmarks/envs_view.py [--seeds 50] [--randomization high] [--out FILE.json]

"greedy" knows what each place would add, "orbit" goes around at the height that it finds itself at, "random" draws its
actions. Figures are means over the seeds, with standard errors. Under a minute on one core; nothing is rendered.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from figures import machine, publish

import simgen.envs  # noqa: F401 (registers them)

EARLY = 6
"""Moves after which what was revealed is compared."""
POLICIES: dict[str, Callable[[Any], Any]] = {
    "greedy": lambda env: env.unwrapped.greedy(),
    "orbit": lambda env: np.array([1, 0, 0], np.float32),
    "random": lambda env: env.action_space.sample(),
}


def walk(env: Any, policy: Callable[[Any], Any], seed: int) -> tuple[float, float, float, float]:
    """Return an episode's return, number of moves, success, and share that was revealed after a few moves."""
    env.reset(seed=seed)
    env.action_space.seed(seed)
    total, shares, over = 0.0, [], False
    while not over:
        _, reward, ended, late, info = env.step(policy(env))
        total, over = total + reward, ended or late
        shares.append(info["revealed"])
    return total, len(shares), info["is_success"], shares[:EARLY][-1]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--randomization", default="high")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    env = gymnasium.make("simgen/ActiveView-v0", obs="camera", randomization=arguments.randomization)
    report: dict[str, Any] = {"machine": machine()}
    for name, policy in POLICIES.items():
        found = np.array([walk(env, policy, seed) for seed in range(arguments.seeds)])
        error = found.std(0) / len(found) ** 0.5
        pairs = found.mean(0), error
        names = ("return", "moves", "success", "revealed_early")
        report[name] = {key: [round(float(v), 3) for v in pair] for key, *pair in zip(names, *pairs, strict=True)}
    env.close()
    publish(report, arguments.out)


if __name__ == "__main__":
    main()
