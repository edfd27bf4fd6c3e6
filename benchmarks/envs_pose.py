"""Where is the die? A small network learns it from pictures, with and without randomization, and is asked elsewhere.

    python benchmarks/envs_pose.py --out runs/pose [--seeds 0 1] [--images 12000] [--epochs 5] [--test 600] [--validate]

Two networks see the same number of arrangements in simgen/PoseEstimation-v0, from three cameras (64 x 64), with as many
optimiser steps: one of the nominal scene, one of randomized ones. Both are asked on three suites that none has seen:
the nominal scene, other draws of the randomization ("in"), and "out": patterns, light, noise and compression that the
randomization never makes. Figures are the mean error in metres and the mean reward; "chance" always says the mean
place. Settings are chosen with --validate, which leaves two patterns out of the training and asks about them, in a
light of its own, instead of "out".
Writes curve.json and curve.png: the errors after each epoch. Needs the extra [train].
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import torch
from figures import machine
from numpy.typing import NDArray
from pixels import Pixels
from torch import Tensor, nn

import simgen.envs  # noqa: F401 (registers them)

Array: TypeAlias = NDArray[Any]
CAMERAS = ("front", "side", "top")
Suite: TypeAlias = tuple[Array, Array]
"""Pictures (n, cameras, 64, 64, 3) uint8, and the true places (n, 3) float32 as actions."""
RATE = 4e-3
SCENES = 2
"""Arrangements that training sees under one domain."""

TARGET = {"color": {"hue": [0.03, 0.12], "saturation": [0.6, 1], "value": [0.5, 1]}}
CAMERA = {"camera.shift_*": [-0.005, 0.005], "camera.aim_*": [-0.005, 0.005], "camera.roll_rad": [-0.02, 0.02]}
"""What a calibration leaves, for all cameras together: pictures do not tell it, so each centimetre is one of error."""
TRAINED: dict[str, Any] = {
    "scene": {
        "light": {"elevation_rad": [0.6, 1.5], "tint": [0, 0.25], "ambient": [0.3, 0.8], "diffuse": [0.1, 0.6]},
        "background": {"material": {"textures": {"plain": 1, "noise": 1}}},
        "sensor": {
            "exposure": [0.7, 1.4],
            "white_balance": [0.8, 1.2],
            "gamma": [0.7, 1.5],
            "resolution": [0.65, 1],
            "noise": [0, 6],
            "blur_px": [0, 0.6],
        },
    },
    "materials": {
        "*": {"textures": {"plain": 2, "noise": 2, "gradient": 1, "wood": 1, "speckle": 1}, "contrast": [0, 1]},
        "target": TARGET,
    },
    "terms": CAMERA,
    "pool": 600,
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
    "pool_seed": 23,
}
FEWER: dict[str, Any] = {
    **TRAINED,
    "materials": {"*": {"textures": {"plain": 2, "noise": 2, "gradient": 1}, "contrast": [0, 1]}, "target": TARGET},
}
"""What is trained with where the settings are chosen."""
VALIDATION: dict[str, Any] = {
    "scene": {
        "light": {"elevation_rad": [0.4, 0.6], "tint": [0.25, 0.4], "ambient": [0.75, 1], "diffuse": [0.05, 0.2]},
        "background": {"material": {"textures": {"wood": 1, "speckle": 1}}},
        "sensor": {"exposure": [0.4, 0.8], "noise": [6, 10], "vignette": [0.1, 0.3], "jpeg_quality": [40, 80]},
    },
    "materials": {
        "*": {"textures": {"wood": 1, "speckle": 2, "dust": 1}, "contrast": [0.2, 1], "scale": [2, 8]},
        "target": TARGET,
    },
    "terms": CAMERA,
    "pool": 400,
    "pool_seed": 7,
}


def collect(randomization: Any, count: int, seed: int, scenes: int = 1) -> Suite:
    """Return pictures and the true places that they show, `scenes` of them under one domain."""
    settings = {"obs": ("rgb", "state"), "cameras": CAMERAS, "orientation": "none", "image_size": 64, "scenes": scenes}
    env = gymnasium.make("simgen/PoseEstimation-v0", randomization=randomization, **settings)
    idle = np.zeros(3, np.float32)
    pictures, places = [], []
    for number in range(count):
        begins = number % scenes == 0
        seen = env.reset(seed=None if number else seed)[0] if begins else env.step(idle)[0]
        pictures.append(np.stack([seen[f"rgb_{camera}"] for camera in CAMERAS]))
        places.append(seen["state"])
    env.close()
    return np.stack(pictures), np.stack(places)


class Regressor(nn.Module):
    """One network looks through all cameras; what it finds says the place, straight and by a hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.eye = Pixels((16, 24, 32, 32))
        size = self.eye.size * len(CAMERAS)
        self.straight = nn.Linear(size, 3)
        self.bent = nn.Sequential(nn.Linear(size, 128), nn.ReLU(), nn.Linear(128, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return places (n, 3) of pictures (n, cameras, 64, 64, 3) uint8."""
        found = self.eye(pictures.flatten(0, 1)).view(len(pictures), -1)
        return self.straight(found) + self.bent(found)


def train(suite: Suite, epochs: int, seed: int) -> Iterator[nn.Module]:
    """Yield a network that learns from pictures, after each epoch."""
    torch.manual_seed(seed)
    pictures, places = map(torch.from_numpy, suite)
    model, batch = Regressor(), 64
    steps = epochs * -(-len(pictures) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(pictures)).split(batch):
            loss = (model(pictures[chosen]) - places[chosen]).norm(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        yield model


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


def run(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a seed."""
    start = time.process_time()
    randomized, unseen = (FEWER, VALIDATION) if options.validate else (TRAINED, UNSEEN)
    asked = {"nominal": "none", "in": {**randomized, "pool_seed": 22}, "out": unseen}
    first = 20_000 + 1000 * seed + 500 * options.validate
    suites = {name: collect(source, options.test, first + 4) for name, source in asked.items()}
    env = gymnasium.make("simgen/PoseEstimation-v0", obs="state", orientation="none").unwrapped
    figures: dict[str, Any] = {}
    for name, source in {"plain": "none", "randomized": randomized}.items():
        seen, curve = collect(source, options.images, first + 3, SCENES), []
        for model in train(seen, options.epochs, seed):
            curve.append({at: score(answers(model, suite[0]), suite, env) for at, suite in suites.items()})
            print(f"seed {seed}, {name}: {curve[-1]}", flush=True)
        figures[name] = curve
    figures["chance"] = {at: score(seen[1].mean(0), suite, env) for at, suite in suites.items()}
    env.close()
    figures["ratio_out"] = round(
        figures["randomized"][-1]["out"]["error_m"] / figures["plain"][-1]["out"]["error_m"], 3
    )
    figures["cpu_s"] = round(time.process_time() - start)
    return figures


def draw(seeds: dict[str, dict[str, Any]], file: Path) -> None:
    """Write the learning curves as a PNG: one picture a suite."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    titles = {"nominal": "nominal scene", "in": "randomized, new surfaces", "out": "out of distribution"}
    for axes, (suite, title) in zip(figure.subplots(1, 3, sharey=True), titles.items(), strict=True):
        for seed, figures in seeds.items():
            for arm, color in (("plain", "tab:gray"), ("randomized", "tab:green")):
                errors = [100 * point[suite]["error_m"] for point in figures[arm]]
                label = arm if seed == next(iter(seeds)) else None
                axes.plot(range(1, len(errors) + 1), errors, marker=".", color=color, label=label)
        axes.set(title=title, xlabel="epochs")
    figure.axes[0].set(ylabel="mean error, cm", ylim=(0, None))
    figure.axes[0].legend()
    figure.savefig(file, dpi=110, metadata={"Software": None})


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of curve.json and curve.png")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=12000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--test", type=int, default=600)
    parser.add_argument("--validate", action="store_true", help="ask on the suite that settings are chosen with")
    options = parser.parse_args()
    torch.set_num_threads(1)
    said = machine()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = {name: value for name, value in vars(options).items() if name != "out"}
    seeds: dict[str, dict[str, Any]] = {}
    for seed in options.seeds:
        seeds[str(seed)] = run(seed, options)
        report = {"machine": said, "options": chosen, "seeds": seeds}
        (options.out / "curve.json").write_text(json.dumps(report, indent=1) + "\n")
        draw(seeds, options.out / "curve.png")


if __name__ == "__main__":
    main()
