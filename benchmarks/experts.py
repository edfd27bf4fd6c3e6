"""How often the scripted experts of Grasp and BinPick succeed, over seeds, robots and randomizations.

python benchmarks/experts.py [--seeds 50] [--robots kuka panda] [--json OUT]
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium

import simgen.envs
from simgen.envs.bin_pick import FAILURES
from simgen.envs.experts import BinPickExpert, GraspExpert


def grasp(env: Any, seed: int) -> tuple[int, str]:
    """Play an episode of Grasp. Returns its steps, and what came of it."""
    observation, _ = env.reset(seed=seed)
    expert, steps = GraspExpert(), 0
    while True:
        observation, _, terminated, truncated, info = env.step(expert(observation))
        steps += 1
        if terminated or truncated:
            return steps, "lifted" if info["is_success"] else "late"


def bin_pick(env: Any, seed: int) -> tuple[int, str]:
    """Play the one step of BinPick. Returns 1, and what came of it."""
    env.reset(seed=seed)
    *_, info = env.step(BinPickExpert(env.unwrapped)())
    return 1, "lifted" if info["is_success"] else FAILURES[int(info["failure"])]


def measured(name: str, play: Any, seeds: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the success, what came of all episodes, and steps a second of CPU time, resets and expert included."""
    with gymnasium.make(name, obs="state", **settings) as env:
        start = time.process_time()
        steps, words = zip(*(play(env, seed) for seed in range(seeds)), strict=True)
        took = time.process_time() - start
    outcomes = dict(sorted(Counter(words).items()))
    return {
        "success": outcomes.get("lifted", 0) / seeds,
        "outcomes": outcomes,
        "steps": round(sum(steps) / seeds, 1),
        "steps_cpu_s": round(sum(steps) / took, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--robots", nargs="+", default=["kuka", "panda"])
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    simgen.envs.register_all()
    figures: dict[str, Any] = {}
    for name, play in {"simgen/Grasp-v0": grasp, "simgen/BinPick-v0": bin_pick}.items():
        for robot in options.robots:
            for level in ("none", "low", "medium", "high"):
                settings = {"robot": robot, "randomization": level}
                found = figures[f"{name}, {robot}, {level}"] = measured(name, play, options.seeds, settings)
                print(f"{name:18} {robot:5} {level:6}", found, flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
