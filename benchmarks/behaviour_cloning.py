"""A network imitates a scripted expert from pixels in simgen/Reach-v0, with and without randomization.

    python benchmarks/behaviour_cloning.py --out runs/cloning [--seeds 0 1] [--rounds 2]

A policy sees two pictures (64 x 64, front and side) and what the encoders say of the tool, never where the goal is; the
expert knows both places. The first demonstrations are the expert's with noise on what it does (Laskey et al. 2017,
DART); in every round after it the policy acts and the expert says what it would have done (Ross et al. 2011, DAgger).
Two policies get as many episodes and optimiser steps: one in the nominal scene, one in randomized scenes. Scored are
episodes of seeds that training never saw, in three suites: the nominal scene; "in", the randomization of training with
other surfaces; "out", patterns, light, noise and compression that it never makes, with the same dynamics. Writes
curve.json and curve.png: success in the suites over the number of labels. Needs the extra [train].
"""

import argparse
import json
import time
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import torch
import yaml
from figures import machine
from numpy.random import Generator
from numpy.typing import NDArray
from pixels import Pixels
from torch import Tensor, nn

import simgen.envs  # noqa: F401 (registers them)
from simgen.rng import stream

Array: TypeAlias = NDArray[Any]
CAMERAS = {
    "front": {"eye_m": (1.05, 0.0, 0.4), "target_m": (0.5, 0.0, 0.23), "fov_rad": 1.1},
    "side": {"eye_m": (0.5, -0.75, 0.4), "target_m": (0.5, 0.0, 0.23), "fov_rad": 0.8},
}
"""Near enough for the goal, a ball of 4 cm, to be some pixels wide: with the environment's own it is two."""
PICTURES = tuple(f"rgb_{camera}" for camera in CAMERAS)
SETTINGS: dict[str, Any] = {"obs": ("rgb", "proprio"), "cameras": CAMERAS, "image_size": 64}
TOOL = slice(14, 17)
"""Where the observation "proprio" has the tool's place."""
GAIN = 0.5
"""Share of the way that the expert goes in a step: with all of it, late actions would swing about the goal."""
ACTION_M = 0.05
SHARP = 4.0
"""How sharply the soft arg-max of the network picks a place at the beginning."""
MIDDLE_M = (0.5, 0.0, 0.25)
NOISE = 0.4
"""Of the actions in the first demonstrations, standard deviation."""
HELD_OUT = 95_000
FIRST, MORE, STEPS = 1200, 800, 1200
"""Episodes of the first round and of the others, and optimiser steps in each round."""
BATCH, RATE = 32, 4e-3

MEDIUM: dict[str, Any] = yaml.safe_load((files("simgen.assets") / "randomization" / "medium.yaml").read_text("utf-8"))
UNSEEN: dict[str, Any] = {
    **MEDIUM,
    "scene": {
        "light": {"elevation_rad": [0.3, 0.5], "tint": [0.15, 0.3], "ambient": [0.3, 0.5], "diffuse": [0.4, 0.7]},
        "background": {"material": {"textures": {"stripes": 1, "checker": 1}}},
        "sensor": {"exposure": [0.6, 0.8], "noise": [5, 10], "vignette": [0.2, 0.4], "jpeg_quality": [30, 70]},
    },
    "materials": {"table": {"textures": {"stripes": 1, "checker": 1, "gradient": 1}, "contrast": [0.2, 1]}},
    "pool_seed": 32,
}
TRAINED: dict[str, Any] = {"plain": "none", "randomized": {**MEDIUM, "pool": 600}}
SUITES: dict[str, Any] = {"nominal": "none", "in": {**MEDIUM, "pool_seed": 31}, "out": UNSEEN}


class Policy(nn.Module):
    """A network for each camera that says where to go, less where the tool is."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes = nn.ModuleList(Pixels((16, 16, 24, 24)) for _ in CAMERAS)
        for eye in self.eyes:
            nn.init.constant_(eye.features[-1].weight, SHARP)
        seen = sum(eye.size for eye in self.eyes) + len(MIDDLE_M)
        self.straight = nn.Linear(seen, 3)
        self.bent = nn.Sequential(nn.Linear(seen, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, pictures: Tensor, tools: Tensor) -> Tensor:
        """Return actions (n, 3) of pictures (n, cameras, 64, 64, 3) uint8 and tools' places (n, 3) in metres."""
        here = GAIN / ACTION_M * (tools - torch.tensor(MIDDLE_M))
        # Where the tool is and where it is seen tell how the cameras have moved.
        seen = torch.cat([*(eye(pictures[:, number]) for number, eye in enumerate(self.eyes)), here], 1)
        return self.straight(seen) + self.bent(seen) - here

    @torch.no_grad()
    def way(self, observation: dict[str, Array]) -> Array:
        """Return the action (3,) of an observation before it is brought into its limits."""
        pictures, tool = seen_in(observation)
        return self(torch.from_numpy(pictures)[None], torch.from_numpy(tool)[None])[0].numpy()

    def act(self, observation: dict[str, Array]) -> Array:
        """Return the action of an observation."""
        return np.clip(self.way(observation), -1, 1)


@dataclass
class Labels:
    """What was seen, and what the expert would have done."""

    pictures: list[Array] = field(default_factory=list)
    tools: list[Array] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)

    def add(self, observation: dict[str, Array], action: Array) -> None:
        """Add one."""
        pictures, tool = seen_in(observation)
        self.pictures.append(pictures)
        self.tools.append(tool)
        self.actions.append(action)


def seen_in(observation: dict[str, Array]) -> tuple[Array, Array]:
    """Return the pictures (cameras, 64, 64, 3) and the tool's place (3,) of an observation."""
    return np.stack([observation[name] for name in PICTURES]), observation["proprio"][TOOL]


def expert(observation: dict[str, Array]) -> Array:
    """Return the action towards the goal, before it is brought into its limits; it knows the tool and the goal."""
    return (GAIN * (observation["desired_goal"] - observation["achieved_goal"]) / ACTION_M).astype(np.float32)


def gather(env: Any, labels: Labels, policy: Policy | None, episodes: range, seed: int) -> None:
    """Add the labels of episodes in which the policy acts, or the expert with noise."""
    for episode in episodes:
        observation, _ = env.reset(seed=seed, options={"episode": episode})
        rng, over = stream(seed, episode, "exploration"), False
        while not over:
            wanted = expert(observation)
            labels.add(observation, wanted)
            action = noisy(wanted, rng) if policy is None else policy.act(observation)
            observation, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated


def noisy(action: Array, rng: Generator) -> Array:
    """Return an action with noise."""
    return np.clip(np.clip(action, -1, 1) + NOISE * rng.standard_normal(3), -1, 1).astype(np.float32)


def fit(policy: Policy, labels: Labels, optimizer: torch.optim.Optimizer, steps: int) -> None:
    """Train on all labels; the rate falls to nothing over the round."""
    pictures, tools, actions = (torch.from_numpy(np.stack(part)) for part in vars(labels).values())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    policy.train()
    for _ in range(steps):
        chosen = torch.randint(len(actions), (BATCH,))
        loss = nn.functional.smooth_l1_loss(policy(pictures[chosen], tools[chosen]), actions[chosen], beta=0.2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    policy.eval()


def success(policy: Policy, randomization: Any, episodes: int) -> float:
    """Return the share of held-out episodes that end at the goal."""
    env, reached = gymnasium.make("simgen/Reach-v0", randomization=randomization, **SETTINGS), 0.0
    for episode in range(episodes):
        observation, info = env.reset(seed=HELD_OUT, options={"episode": episode})
        over = bool(info["is_success"])
        while not over:
            observation, _, terminated, truncated, info = env.step(policy.act(observation))
            over = terminated or truncated
        reached += info["is_success"]
    env.close()
    return reached / episodes


def learn(arm: str, seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train one policy. Returns what it scored after each round."""
    torch.manual_seed(seed)
    env = gymnasium.make("simgen/Reach-v0", randomization=TRAINED[arm], **SETTINGS)
    policy, labels, curve = Policy(), Labels(), []
    for number in range(options.rounds + 1):
        start = time.process_time()
        begun = FIRST + MORE * (number - 1) if number else 0
        episodes = range(begun, FIRST + MORE * number)
        gather(env, labels, policy if number else None, episodes, 1000 + seed)
        # A new optimiser in each round: the rate rises again.
        fit(policy, labels, torch.optim.AdamW(policy.parameters(), RATE), options.steps)
        spent = time.process_time() - start
        last = number == options.rounds
        scored = {
            name: success(policy, suite, options.episodes if last else options.quick) for name, suite in SUITES.items()
        }
        curve.append({"labels": len(labels.actions), "cpu_s": round(spent, 1), **scored})
        print(f"seed {seed}, {arm}, round {number}: {curve[-1]}", flush=True)
    env.close()
    return curve


def draw(curves: dict[str, dict[str, list[dict[str, Any]]]], file: Path) -> None:
    """Write the learning curves as a PNG: one picture a suite."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    colors = {"plain": "tab:gray", "randomized": "tab:green"}
    titles = {"nominal": "nominal scene", "in": "randomized, new surfaces", "out": "out of distribution"}
    for axes, suite in zip(figure.subplots(1, len(SUITES), sharey=True), SUITES, strict=True):
        for arms in curves.values():
            for arm, curve in arms.items():
                points = [(point["labels"], point[suite]) for point in curve]
                axes.plot(*zip(*points, strict=True), marker=".", color=colors[arm], label=arm)
        axes.set(title=titles[suite], xlabel="labels", ylim=(-0.02, 1.02))
        axes.axhline(0.9, color="0.6", lw=0.8, ls=":")
        axes.locator_params("x", nbins=4)
    axes = figure.axes[0]
    axes.set_ylabel("success")
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), loc="lower right")
    figure.savefig(file, dpi=110, metadata={"Software": None})


def main() -> None:
    """Train, score and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of curve.json and curve.png")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", choices=TRAINED, default=list(TRAINED))
    parser.add_argument("--rounds", type=int, default=2, help="of DAgger, after the demonstrations")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the optimiser in a round")
    parser.add_argument("--episodes", type=int, default=150, help="that are scored at the end")
    parser.add_argument("--quick", type=int, default=40, help="that are scored after every other round")
    options = parser.parse_args()
    torch.set_num_threads(1)
    said = machine()
    curves = {str(seed): {arm: learn(arm, seed, options) for arm in options.arms} for seed in options.seeds}
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = {name: value for name, value in vars(options).items() if name != "out"}
    report = {"machine": said, "options": chosen, "seeds": curves}
    (options.out / "curve.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(curves, options.out / "curve.png")


if __name__ == "__main__":
    main()
