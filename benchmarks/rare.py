"""Rare faces of dice: every way to have more of them, against the best baseline, on real photographs.

    python benchmarks/rare.py [--out runs/bench-rare] [--arms ...] [--left 5 20] [--seeds 0 1 2 3 4]
                              [--crop-seeds 5] [--scored check photographs] [--plot FILE] [--steps 100]
                              [--images 200] [--filled 150] [--workers N] [--data FOLDER]

A generated set of dice loses all twos and sixes but 5 (or 20) of each. A classifier of 48-pixel crops learns from what
is left, by one of these arms. All start from one classifier that has learned the common faces alone, and go on for the
same number of steps; all but `none` show as many twos and sixes as dice of another face, so they differ only in where
these come from:

- none: as it is. balanced: the rare dice repeated. augmented: the same, with stronger augmentation.
- copy_paste: the rare dice pasted into the set's pictures.
- simulate, scene: pictures that `simgen rare fill` makes, --how simulate and --how scene. To simulate takes no example,
  so its pictures of a seed serve any number of dice that are left. scene moves the pictures of these dice and takes
  what comes of them alone; scene_all also the other twos and sixes that lie there, which the set does not know.
- vae, gan: crops drawn by a generator that learned from what is left, placed into the set's pictures, all of them;
  vae_gated, gan_gated: only those that the gate lets in, of up to twenty times as many. Their perceptual term is on the
  features of the common start, which never saw the rare faces.
- real: the first 150 photographs with their labels, for scale; what is left does not matter to it.

Scored with true boxes on `check`, other generated pictures, on which settings may be chosen, and on the last 50
photographs, on which nothing is: F1 and recall of the rare faces (tail), F1 of the others (head). Differences to the
best baseline are paired: the same resampled images and seeds on both sides. The gate's classifier learned from other
generated pictures; how far a further one, of yet others, agrees with the labels of what was filled is told as well. A
run that was stopped goes on; seeds are run one after the other, and figures.json and the plots are written after each.
"""

import argparse
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rare_arms as arms
from figures import machine
from generated import generated
from rare_scores import Counts, by_face, compared, counted, forest
from rare_tail import HELD_OUT, TAILS, LongTail, long_tailed, of_places, shown, with_only

from simgen.adapters.checkpoint import load_model
from simgen.adapters.parts import part_of
from simgen.adapters.rgba import RgbaClassifier
from simgen.adapters.train import train_with
from simgen.config import load
from simgen.formats.imageset import ImageSet
from simgen.rare.pixels.crops import CropView
from simgen.rare.pixels.gate import Gate
from simgen.rare.pixels.settings import GanLoss, PixelTraining
from simgen.realdata import read_real_set
from simgen.rng import stream

BASELINES = ("none", "balanced", "augmented", "copy_paste")
ARMS = (*BASELINES, "simulate", "scene", "scene_all", "vae", "vae_gated", "gan", "gan_gated", "real")
STRONGER = ["augment.brightness=0.4", "augment.contrast=0.5", "augment.hue=0.5", "augment.p_shuffle=0.3"]
STRONGER += ["augment.p_blur=0.4", "augment.p_noise=0.5", "augment.noise=0.08", "augment.p_shadow=0.4"]
SETS = ("check", "photographs")
VIEW = CropView(size=32, min_side_px=24, upright=True)
EPOCHS = 10


class Bench:
    """The sets, and the road from an arm to its counts.

    Args:
        arguments: of the command line.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.given, self.out = arguments, Path(arguments.out)
        self.photographs = read_real_set("d6-dice", arguments.data)
        self.config = load("dice", ["render.kind=tiny", "output.depth=true", "output.instances=true"])
        self.data = self._generated("pool", 1, arguments.images)
        check = self._generated("check", 4, 3 * arguments.images // 10)
        self.sets = {"check": check, "photographs": part_of(self.photographs, "last:50")}
        self._models: dict[str, Path] = {}

    def _generated(self, name: str, seed: int, count: int) -> ImageSet:
        return generated(self.config, self.out / name, count, self.given.workers, seed)

    def model(self, name: str) -> Path:
        """Return a classifier that is trained once: "start" knows the common faces, "judge" and "witness" all.

        The gate's judge goes on from the start; the witness has nothing in common with either.
        """
        if name not in self._models:
            if name == "start":
                learnt = with_only(self.data, self.tail(self.given.left[0], 0).heads)
            else:
                seed = {"judge": 2, "witness": 3}[name]
                learnt = self._generated(f"{name}-pictures", seed, self._pictures(name))
            steps = {"start": 1000, "judge": 500, "witness": 1200}[name] // (20 if self.given.quick else 1)
            init = self.model("start") if name == "judge" else None
            self._models[name] = train_with(learnt, self.out / name, "dice-crops", overrides_of(0, steps), init=init)
        return self._models[name]

    def _pictures(self, name: str) -> int:
        return self.given.images * (2 if name == "witness" else 1)

    def tail(self, left: int, seed: int) -> LongTail:
        """Return the set with the dice that are left of the rare faces."""
        return long_tailed(self.data, left, np.random.Generator(np.random.PCG64([seed, left])))

    def seeds(self, arm: str, seeds: list[int]) -> list[int]:
        """Return the seeds of an arm: the arms that train a crop generator have the first of all alone."""
        first = self.given.seeds[: self.given.crop_seeds if arm.startswith(("vae", "gan")) else None]
        return [seed for seed in seeds if seed in first]

    def filled(self, arm: str, left: int, seed: int) -> arms.Fill | None:
        """Return what an arm made, None of a baseline that makes nothing."""
        tail, count, out = self.tail(left, seed), self.given.filled, self.out / f"{arm}-{left}-{seed}" / "set"
        if arm == "simulate":
            return arms.simulate(tail, self.config, count, self.out / f"{arm}-any-{seed}" / "set", seed)
        if arm in ("scene", "scene_all"):
            out = self.out / f"scene-{left}-{seed}" / "set"
            return arms.scene(tail, self.config, count, out, seed, self.given.net_steps, strict=arm == "scene")
        if arm == "copy_paste":
            return arms.copy_paste(tail, count, out, seed)
        if arm in BASELINES:
            return None
        kind, _, gated = arm.partition("_")
        start, judge = (RgbaClassifier(load_model(self.model(name)), VIEW.margin) for name in ("start", "judge"))
        folder = self.out / f"{kind}-{left}-{seed}-generator"
        generator, crops = arms.generator_of(tail, self.crops(kind, seed), self.given.heads, start.perceptual, folder)
        gate = Gate(crops, judge.probabilities, judge.features) if gated else None
        return arms.drawn(tail, generator, gate, count, out, seed, stream(seed, left, f"bench.{arm}"))

    def crops(self, kind: str, seed: int) -> PixelTraining:
        """Return the settings of a crop generator: a die looks the same in a mirror, and crops are turned upright.

        Both kinds take about as long: a step of the VAE-GAN is nearly three of the VAE.
        """
        steps = self.given.crop_steps // (1 if kind == "vae" else 2)
        return PixelTraining(
            kind="vae" if kind == "vae" else "gan",
            epochs=EPOCHS,
            least_steps=max(1, steps // EPOCHS),
            rate=1e-3 if kind == "vae" else 5e-4,
            batch_size=32,
            seed=seed,
            mirror=True,
            balance=1.0,
            threads=1,
            view=VIEW,
            gan=GanLoss(augment=("color", "shift", "hole")),
        )

    def trained(self, arm: str, left: int, seed: int) -> tuple[Path, dict[str, Any]]:
        """Return an arm's model file, and what is to be said of how it came about."""
        folder = self.out / (f"real-any-{seed}" if arm == "real" else f"{arm}-{left}-{seed}")
        note, run = folder / "said.json", folder / "run"
        if note.is_file() and (run / "model.pt").is_file():
            return run / "model.pt", json.loads(note.read_text("utf-8"))
        start, said = self.model("start"), {}
        overrides = overrides_of(seed, self.given.steps)
        cpu = time.process_time()
        if arm == "real":
            learnt = part_of(self.photographs, "first:150")
            overrides.append("method.kind=oracle")
        else:
            tail = self.tail(left, seed)
            fill = self.filled(arm, left, seed)
            rare = {name: [*tail.rare[name], *(fill.places[name] if fill else ())] for name in TAILS}
            said = {**(fill.said if fill else {}), "dice": {name: len(rare[name]) for name in TAILS}}
            if fill and any(fill.places.values()):
                said["agreement"] = self._agreement(of_places(tail, fill.places))
            learnt = shown(tail, rare, None if arm == "none" else tail.exposures)
            overrides += STRONGER if arm == "augmented" else []
        said["fill_cpu_s"] = round(time.process_time() - cpu, 1)
        cpu = time.process_time()
        model = train_with(learnt, run, "dice-crops", overrides, init=start)
        said["train_cpu_s"] = round(time.process_time() - cpu, 1)
        note.write_text(json.dumps(said, sort_keys=True) + "\n", "utf-8")
        return model, said

    def _agreement(self, made: ImageSet) -> list[int]:
        """Return of how many dice the witness says what their label says, and how many there are."""
        counts = counted(self.model("witness"), made, synthetic=True).sum(0)
        return [int(np.trace(counts)), int(counts.sum())]

    def counts(self, arm: str, left: int, seed: int, name: str) -> tuple[Counts, dict[str, Any]]:
        """Return how often each face was taken for each in every image of a set, and what is to be said."""
        model, said = self.trained(arm, left, seed)
        file = model.with_name(f"{name}.npy")
        if not file.is_file():
            np.save(file, counted(model, self.sets[name], synthetic=name == "check"))
        return np.load(file), said


def overrides_of(seed: int, steps: int) -> list[str]:
    """Return the settings of a classifier's training. One view a crop: eight would do for all arms what data should."""
    warmup = f"optimizer.warmup_steps={min(60, steps // 4)}"
    return [
        f"steps={steps}",
        warmup,
        "view.turned=false",
        f"seed={seed}",
        "runtime.threads=1",
        f"validation.fraction={1 / HELD_OUT}",
    ]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-rare"))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--left", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--crop-seeds", type=int, default=5, help="so many of the seeds train crop generators")
    parser.add_argument("--scored", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--steps", type=int, default=100, help="of each arm's classifier, from the common start")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--filled", type=int, default=150, help="dice of each rare face that an arm makes")
    parser.add_argument("--crop-steps", type=int, default=2500, help="of a VAE of crops; a VAE-GAN has half as many")
    parser.add_argument("--heads", type=int, default=600, help="common dice that the crop generators learn from")
    parser.add_argument("--net-steps", type=int, default=200, help="of the net of scenes")
    parser.add_argument("--quick", action="store_true", help="classifiers that hardly learn: whether it runs at all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--plot", type=Path, help="a second place for forest.png")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.steps, arguments.crop_steps, arguments.filled, arguments.images = 8, 10, 12, 60
        arguments.heads, arguments.net_steps, arguments.seeds, arguments.left = 60, 10, [0], [5]
    bench = Bench(arguments)
    report: dict[str, Any] = {"machine": machine(), "settings": {k: str(v) for k, v in vars(arguments).items()}}
    for name in SETS:
        report[name] = {}
    for seed in arguments.seeds:
        for left in arguments.left:
            for arm in (arm for arm in arguments.arms if bench.seeds(arm, [seed])):
                said = {name: bench.counts(arm, left, seed, name) for name in arguments.scored}
                print(f"seed {seed}, {left} left, {arm}: {next(iter(said.values()))[1]}", flush=True)
        write(bench, arguments, arguments.seeds[: arguments.seeds.index(seed) + 1], report)


def write(bench: Bench, arguments: argparse.Namespace, seeds: list[int], report: dict[str, Any]) -> None:
    """Write figures.json and the plot of the seeds that are done."""
    for name in arguments.scored:
        for left in arguments.left:
            arms_here = [arm for arm in arguments.arms if bench.seeds(arm, seeds)]
            found = {arm: {s: bench.counts(arm, left, s, name) for s in bench.seeds(arm, seeds)} for arm in arms_here}
            counts = {arm: {seed: cell for seed, (cell, _) in cells.items()} for arm, cells in found.items()}
            report[name][left] = compared(counts, partial(by_face, classes=bench.data.classes), BASELINES, left)
            for arm, cells in found.items():
                report[name][left]["arms"][arm]["said"] = [said for _, said in cells.values()]
    report["seeds"] = seeds
    (bench.out / "figures.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", "utf-8")
    for name in arguments.scored:
        forest(report[name], bench.out / f"forest-{name}.png")
    if arguments.plot and "photographs" in arguments.scored:
        forest(report["photographs"], arguments.plot)


if __name__ == "__main__":
    main()
