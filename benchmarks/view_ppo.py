"""PPO learns to choose views in `simgen/ActiveView-v0` from the state; beside it the policies of envs_view.py.

    python benchmarks/view_ppo.py --out runs/view_ppo [--seeds 0] [--steps 100000]

Needs the extras [rl] and [train]. Writes curve.json and curve.png. Scored are deterministic actions in episodes of a
seed that training never saw, the same ones every time: return, moves, success, and the share revealed after six moves.
Settings are Stable-Baselines3's but for the lengths. Source: proximal policy optimization, Schulman et al. (2017).
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from envs_view import EARLY, POLICIES
from figures import machine
from stable_baselines3 import PPO

VIEW = "simgen/ActiveView-v0"
HELD_OUT_SEED = 10_000
SETTINGS: dict[str, Any] = {"n_steps": 1000, "batch_size": 125, "gamma": 0.95}
NAMES = ("return", "moves", "success", "revealed_early")


def scores(env: Any, act: Any, episodes: int) -> dict[str, list[float]]:
    """Return mean and standard error of each figure; `act` gives the action of an observation."""
    found = []
    for episode in range(episodes):
        seen, _ = env.reset(seed=HELD_OUT_SEED, options={"episode": episode})
        env.action_space.seed(episode)
        total, shares, over = 0.0, [], False
        while not over:
            seen, reward, ended, late, info = env.step(act(env, seen))
            total, over = total + reward, ended or late
            shares.append(info["revealed"])
        found.append((total, len(shares), info["is_success"], shares[:EARLY][-1]))
    mean, error = np.mean(found, 0), np.std(found, 0) / len(found) ** 0.5
    return {name: [round(float(v), 3) for v in pair] for name, *pair in zip(NAMES, mean, error, strict=True)}


def learn(seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train one agent. Returns what it scored after each number of steps."""
    train, held_out = (gymnasium.make(VIEW, obs="state", randomization=options.randomization) for _ in range(2))
    model = PPO("MlpPolicy", train, seed=seed, device="cpu", **SETTINGS)
    curve: list[dict[str, Any]] = []
    spent = 0.0
    while model.num_timesteps < options.steps:
        start = time.process_time()
        model.learn(min(options.every, options.steps - model.num_timesteps), reset_num_timesteps=False)
        spent += time.process_time() - start
        last = model.num_timesteps >= options.steps
        scored = scores(held_out, lambda _, seen: model.predict(seen, deterministic=True)[0], 100 if last else 25)
        curve.append({"steps": model.num_timesteps, "cpu_s": round(spent, 1), **scored})
        print(f"seed {seed}: {curve[-1]}", flush=True)
    train.close()
    held_out.close()
    return curve


def draw(curves: dict[str, list[dict[str, Any]]], others: dict[str, dict[str, list[float]]], file: Path) -> None:
    """Write the learning curves as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 3.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("return", "moves"), strict=True):
        for seed, curve in curves.items():
            axes.plot([p["steps"] for p in curve], [p[name][0] for p in curve], marker=".", label=f"PPO, seed {seed}")
        for style, (policy, scored) in zip(("-", "--", ":"), others.items(), strict=True):
            axes.axhline(scored[name][0], color="0.5", lw=0.9, ls=style, label=policy)
        axes.set(xlabel="steps", ylabel=name)
    axes.legend(loc="best")
    figure.savefig(file, dpi=110, metadata={"Software": None})


def main() -> None:
    """Train, score and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of curve.json and curve.png")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--every", type=int, default=10_000, help="steps between two scores")
    parser.add_argument("--randomization", default="high", help="of training and scoring")
    options = parser.parse_args()
    torch.set_num_threads(1)
    said = machine()
    env = gymnasium.make(VIEW, obs="state", randomization=options.randomization)
    others = {name: scores(env, lambda at, _, act=act: act(at), 100) for name, act in POLICIES.items()}
    print(others, flush=True)
    curves = {str(seed): learn(seed, options) for seed in options.seeds}
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = {name: value for name, value in vars(options).items() if name != "out"}
    report = {"machine": said, "options": chosen, "policies": others, "seeds": curves}
    (options.out / "curve.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(curves, others, options.out / "curve.png")


if __name__ == "__main__":
    main()
