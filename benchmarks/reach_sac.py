"""SAC with hindsight replay learns `simgen/Reach-v0` from the state: success over steps, for several seeds.

    python benchmarks/reach_sac.py --out runs/reach_sac              # seeds 0 to 2, 5,000 steps each
    python benchmarks/reach_sac.py --out runs/reach_sac --seeds 0    # about a minute of one core

Needs the extras [rl] and [train]. Writes curve.json and curve.png. Scored are deterministic actions in episodes of a
seed that training never saw, the same ones every time. Sources: soft actor-critic of Haarnoja et al. (2018), hindsight
experience replay of Andrychowicz et al. (2017), both of Stable-Baselines3.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium

REACH = "simgen.envs:simgen/Reach-v0"
HELD_OUT_SEED = 10_000
SETTINGS: dict[str, Any] = {
    "learning_starts": 200,
    "batch_size": 256,
    "learning_rate": 1e-3,
    "ent_coef": "auto_0.1",
    "gamma": 0.95,
    "tau": 0.05,
    "policy_kwargs": {"net_arch": [128, 128]},
    "replay_buffer_kwargs": {"n_sampled_goal": 4, "goal_selection_strategy": "future"},
}


def success(model: Any, env: Any, episodes: int) -> float:
    """Return the share of episodes that end at the goal."""
    reached = 0.0
    for episode in range(episodes):
        observation, info = env.reset(seed=HELD_OUT_SEED, options={"episode": episode})
        over = bool(info["is_success"])
        while not over:
            action, _ = model.predict(observation, deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        reached += info["is_success"]
    return reached / episodes


def learn(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one agent; return its success rate after each number of steps, and the processor's seconds in training."""
    from stable_baselines3 import SAC, HerReplayBuffer

    train, held_out = (gymnasium.make(REACH, randomization=options.randomization) for _ in range(2))
    kind = {"replay_buffer_class": HerReplayBuffer, "seed": seed, "device": "cpu"}
    model = SAC("MultiInputPolicy", train, **kind, **SETTINGS)
    curve, spent = {0: success(model, held_out, options.episodes)}, 0.0
    while model.num_timesteps < options.steps:
        start = time.process_time()
        model.learn(min(options.every, options.steps - model.num_timesteps), reset_num_timesteps=False)
        spent += time.process_time() - start
        curve[model.num_timesteps] = success(model, held_out, options.episodes)
        print(f"seed {seed}: {model.num_timesteps:6} steps, {spent:6.1f} s, success {curve[model.num_timesteps]:.3f}")
        sys.stdout.flush()
    train.close()
    held_out.close()
    return {"steps": list(curve), "success": list(curve.values()), "cpu_s": round(spent, 1)}


def draw(curves: dict[int, dict[str, Any]], file: Path) -> None:
    """Write the learning curves as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.subplots()
    for seed, curve in curves.items():
        axes.plot(curve["steps"], curve["success"], marker=".", label=f"seed {seed}")
    axes.set(xlabel="steps", ylabel="success", ylim=(-0.02, 1.02), title="SAC + HER, simgen/Reach-v0, state")
    axes.axhline(0.95, color="0.6", lw=0.8, ls=":")
    axes.legend(loc="lower right")
    figure.savefig(file, dpi=110, metadata={"Software": None})


def main() -> None:
    """Train, score and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of curve.json and curve.png")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--every", type=int, default=1000, help="steps between two scores")
    parser.add_argument("--episodes", type=int, default=100, help="that are scored")
    parser.add_argument("--randomization", default="none", help="of training and scoring")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    curves = {seed: learn(seed, options) for seed in options.seeds}
    said = {name: value for name, value in vars(options).items() if name != "out"}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "curve.json").write_text(json.dumps({"options": said, "seeds": curves}, indent=1) + "\n")
    draw(curves, options.out / "curve.png")


if __name__ == "__main__":
    main()
