"""Where is the goal? A network learns it from pictures, and its estimate leads the tool of simgen/Reach-v0 there.

    python benchmarks/pose_servo.py [--seeds 0] [--labels 6000] [--steps 800] [--out FILE.json]

No expert acts: the arm wanders while pictures are taken, and the network of behaviour_cloning.py learns how far the
goal is from the tool. In the closed loop each picture moves the estimate a little, and the hand goes a share of the way
to it (position-based visual servoing, Chaumette and Hutchinson 2006). Two networks get as many labels and optimiser
steps: one of the nominal scene, one of randomized ones. Scored on the suites of behaviour_cloning.py; `error_m` is the
mean distance of an episode's first estimate from the goal.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from behaviour_cloning import (
    ACTION_M,
    GAIN,
    HELD_OUT,
    RATE,
    SETTINGS,
    SUITES,
    TOOL,
    TRAINED,
    Array,
    Labels,
    Policy,
    fit,
)
from figures import machine, publish

from simgen.rng import stream

MOMENTS = 6
"""Pictures that are taken while the arm moves one way."""
TRUST = 0.3
"""Share by which a new picture moves the estimate."""


def wander(env: Any, count: int, seed: int) -> Labels:
    """Return pictures with the arm in many places, and the actions that would lead to the goal."""
    labels = Labels()
    while len(labels.actions) < count:
        episode = len(labels.actions) // MOMENTS
        observation, _ = env.reset(seed=seed, options={"episode": episode})
        way = stream(seed, episode, "way").uniform(-1, 1, 3)
        for _ in range(MOMENTS):
            labels.add(observation, towards(observation["desired_goal"], observation))
            observation, *_ = env.step(way)
    return labels


def towards(place_m: Array, observation: dict[str, Array]) -> Array:
    """Return the action that goes a share of the way to a place, before it is brought into its limits."""
    return (GAIN * (place_m - observation["proprio"][TOOL]) / ACTION_M).astype(np.float32)


def estimate(network: Policy, observation: dict[str, Array]) -> Array:
    """Return the place (3,) in metres where the network sees the goal."""
    return observation["proprio"][TOOL] + network.way(observation) * ACTION_M / GAIN


def drive(network: Policy, randomization: Any, episodes: int) -> dict[str, float]:
    """Return the share of held-out episodes that end at the goal, and the error of their first estimates."""
    env = gymnasium.make("simgen/Reach-v0", randomization=randomization, **SETTINGS)
    reached, errors = 0.0, []
    for episode in range(episodes):
        observation, info = env.reset(seed=HELD_OUT, options={"episode": episode})
        over, place = bool(info["is_success"]), estimate(network, observation)
        errors.append(np.linalg.norm(place - observation["desired_goal"]))
        while not over:
            place = place + TRUST * (estimate(network, observation) - place)
            action = np.clip(towards(place, observation), -1, 1)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        reached += info["is_success"]
    env.close()
    return {"success": reached / episodes, "error_m": round(float(np.mean(errors)), 4)}


def run(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a seed."""
    figures: dict[str, Any] = {}
    for arm in options.arms:
        start = time.process_time()
        torch.manual_seed(seed)
        env = gymnasium.make("simgen/Reach-v0", randomization=TRAINED[arm], terminate=False, **SETTINGS)
        labels, network = wander(env, options.labels, 2000 + seed), Policy()
        env.close()
        fit(network, labels, torch.optim.AdamW(network.parameters(), RATE), options.steps)
        spent = round(time.process_time() - start)
        scored = {name: drive(network, suite, options.episodes) for name, suite in SUITES.items()}
        figures[arm] = {**scored, "cpu_s": spent}
        print(f"seed {seed}, {arm}: {figures[arm]}", flush=True)
    return figures


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", choices=TRAINED, default=list(TRAINED))
    parser.add_argument("--labels", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    said = machine()
    publish({"machine": said, "seeds": {str(s): run(s, options) for s in options.seeds}}, options.out)


if __name__ == "__main__":
    main()
