"""Where is the die? A small network learns it from pictures, with and without randomization, and is asked elsewhere.

    python benchmarks/envs_pose.py [--seeds 0] [--images 8000] [--epochs 5] [--test 400] [--out FILE.json]

Two networks see the same number of pictures (64 x 64) of simgen/PoseEstimation-v0 with as many optimiser steps: one of
the nominal scene, one of randomized ones. Both are asked on three suites that none has seen: the nominal scene, other
draws of the randomization ("in"), and "out": patterns, light, noise and compression that the randomization never makes.
Figures are the mean error in metres and the mean reward; "chance" always says the mean place. About three minutes
on one core.
"""

import argparse
import time
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import torch
from figures import machine, publish
from numpy.typing import NDArray
from pixels import Pixels
from torch import nn

import simgen.envs  # noqa: F401 (registers them)

Array: TypeAlias = NDArray[Any]
Suite: TypeAlias = tuple[Array, Array]
"""Pictures (n, 64, 64, 3) uint8, and the true places (n, 3) float32 as actions."""

TARGET = {"color": {"hue": [0.03, 0.12], "saturation": [0.6, 1], "value": [0.5, 1]}}
CAMERA = {"camera.shift_*": [-0.02, 0.02], "camera.aim_*": [-0.01, 0.01], "camera.roll_rad": [-0.05, 0.05]}
"""Little: pictures do not tell by how much the camera moved, so each centimetre of it is one of error."""
TRAINED: dict[str, Any] = {
    "scene": {
        "light": {"elevation_rad": [0.6, 1.5], "tint": [0, 0.25], "ambient": [0.35, 0.8], "diffuse": [0.2, 0.6]},
        "background": {"material": {"textures": {"plain": 1, "noise": 1}}},
        "sensor": {"exposure": [0.7, 1.4], "white_balance": [0.8, 1.2], "noise": [0, 6], "blur_px": [0, 0.6]},
    },
    "materials": {
        "*": {"textures": {"plain": 2, "noise": 1, "gradient": 1, "wood": 1, "speckle": 1}, "contrast": [0, 1]},
        "target": TARGET,
    },
    "terms": CAMERA,
    "pool": 400,
}
UNSEEN: dict[str, Any] = {
    "scene": {
        "light": {"elevation_rad": [0.3, 0.6], "tint": [0.2, 0.35], "ambient": [0.3, 0.6], "diffuse": [0.4, 0.7]},
        "background": {"material": {"textures": {"stripes": 1, "checker": 1}}},
        "sensor": {"exposure": [0.55, 0.8], "noise": [5, 10], "vignette": [0.2, 0.4], "jpeg_quality": [30, 70]},
    },
    "materials": {
        "*": {"textures": {"stripes": 1, "checker": 1, "marble": 1}, "contrast": [0.2, 1], "scale": [2, 8]},
        "target": TARGET,
    },
    "terms": CAMERA,
    "pool": 400,
    "pool_seed": 2,
}
SUITES: dict[str, Any] = {"nominal": "none", "in": {**TRAINED, "pool_seed": 1}, "out": UNSEEN}


def collect(randomization: Any, count: int, seed: int) -> Suite:
    """Return pictures and the true places that they show."""
    settings = {"obs": ("rgb", "state"), "orientation": "none", "image_size": 64}
    env = gymnasium.make("simgen/PoseEstimation-v0", randomization=randomization, **settings)
    seen = [env.reset(seed=None if episode else seed)[0] for episode in range(count)]
    env.close()
    return np.stack([one["rgb"] for one in seen]), np.stack([one["state"] for one in seen])


def regressor() -> nn.Sequential:
    """Return a network from (n, 64, 64, 3) uint8 pictures to places (n, 3)."""
    pixels = Pixels()
    return nn.Sequential(pixels, nn.Linear(pixels.size, 96), nn.ReLU(), nn.Linear(96, 3))


def train(suite: Suite, epochs: int, seed: int) -> nn.Module:
    """Return a network that has learned from pictures."""
    torch.manual_seed(seed)
    pictures, places = map(torch.from_numpy, suite)
    model, batch = regressor(), 64
    steps = epochs * -(-len(pictures) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(pictures)).split(batch):
            loss = nn.functional.smooth_l1_loss(model(pictures[chosen]), places[chosen], beta=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def answers(model: nn.Module, pictures: Array) -> Array:
    """Return the network's places (n, 3), within the action space."""
    parts = [model(part) for part in torch.from_numpy(pictures).split(256)]
    return np.clip(torch.cat(parts).numpy(), -1, 1)


def score(places: Array, suite: Suite, env: Any) -> dict[str, float]:
    """Return the mean error in metres and the mean reward that the environment gives for it."""
    half = (env.high_m - env.low_m) / 2
    errors = np.linalg.norm((places - suite[1]) * half, axis=1)
    reward = np.exp(-errors / env.settings.scale_m)
    return {"error_m": round(float(errors.mean()), 4), "reward": round(float(reward.mean()), 3)}


def run(seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a seed."""
    start = time.process_time()
    sources = {"plain": "none", "randomized": TRAINED}
    seen = {name: collect(source, arguments.images, 1000 * seed + 1) for name, source in sources.items()}
    suites = {name: collect(source, arguments.test, 1000 * seed + 2) for name, source in SUITES.items()}
    rendered = time.process_time()
    env = gymnasium.make("simgen/PoseEstimation-v0", obs="state", orientation="none").unwrapped
    models = {name: train(suite, arguments.epochs, seed) for name, suite in seen.items()}
    mean = np.mean([places.mean(0) for _, places in seen.values()], 0)
    figures: dict[str, Any] = {"chance": {name: score(mean, suite, env) for name, suite in suites.items()}}
    for name, model in models.items():
        figures[name] = {at: score(answers(model, suite[0]), suite, env) for at, suite in suites.items()}
    env.close()
    figures["ratio_out"] = round(figures["randomized"]["out"]["error_m"] / figures["plain"]["out"]["error_m"], 3)
    figures["cpu_s"] = {"render": round(rendered - start), "train": round(time.process_time() - rendered)}
    return figures


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--test", type=int, default=400)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    said = machine()
    publish({"machine": said, "seeds": {str(s): run(s, arguments) for s in arguments.seeds}}, arguments.out)


if __name__ == "__main__":
    main()
