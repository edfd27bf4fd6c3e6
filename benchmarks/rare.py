"""Rare faces of dice: every way to have more of them, against the best baseline, on real photographs.

    python benchmarks/rare.py [--out runs/bench-rare] [--arms ...] [--left 5 20] [--seeds 0 1 2 3 4] [--steps 800]
                              [--images 300] [--filled 150] [--epochs 20] [--workers N] [--data FOLDER]

A generated set of dice loses all twos and sixes but 5 (or 20) of each. A classifier of 48-pixel crops learns from what
is left, by one of these arms, always for the same number of steps; all but `none` show it as many twos and sixes as
dice of another face, so they differ only in where these come from:

- none: as it is. balanced: the rare dice repeated. augmented: the same, with stronger augmentation.
- copy_paste: the rare dice pasted into the set's pictures. simulate: `simgen rare fill --how simulate`.
- vae, gan: crops drawn by a generator that learned from what is left, placed into the set's pictures, all of them;
  vae_gated, gan_gated: only those that the gate lets in.
- real: the first 150 photographs with their labels, for scale.

Scored on the last 50 photographs with their true boxes: F1 of the rare faces (tail) and of the others (head). Every
difference to the best baseline is paired: the same resampled photographs and seeds on both sides. The gate's classifier
learned from other generated pictures. A run that was stopped goes on.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import rare_arms as arms
from figures import machine
from numpy.typing import NDArray

from simgen.adapters.checkpoint import load_model
from simgen.adapters.evaluate import evaluate
from simgen.adapters.metrics.bootstrap import resamples
from simgen.adapters.metrics.paired import Sampled, difference
from simgen.adapters.parts import part_of
from simgen.adapters.rgba import RgbaClassifier
from simgen.adapters.train import train_with
from simgen.config import load
from simgen.engine import LocalEngine
from simgen.formats import read_images
from simgen.formats.imageset import ImageSet
from simgen.generate import Job, generate
from simgen.rare.pixels.crops import CropView
from simgen.rare.pixels.gate import Gate
from simgen.rare.pixels.settings import PixelTraining
from simgen.realdata import read_real_set
from simgen.rng import stream

BASELINES = ("none", "balanced", "augmented", "copy_paste")
ARMS = (*BASELINES, "simulate", "vae", "vae_gated", "gan", "gan_gated", "real")
STRONGER = ["augment.brightness=0.4", "augment.contrast=0.5", "augment.hue=0.5", "augment.p_shuffle=0.3"]
STRONGER += ["augment.p_blur=0.4", "augment.p_noise=0.5", "augment.noise=0.08", "augment.p_shadow=0.4"]
REPEATS = 1000


class Bench:
    """The sets, and the road from an arm to its figures."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.given, self.out = arguments, Path(arguments.out)
        self.photographs = read_real_set("d6-dice", arguments.data)
        self.report_set = part_of(self.photographs, "last:50")
        self.config = load("dice", ["render.kind=tiny", "output.depth=true", "output.instances=true"])
        self.data = self._generated("pool", 1, arguments.images)
        self.picked = resamples(len(self.report_set), REPEATS, stream(0, 0, "bench.resample"))
        self._judge: RgbaClassifier | None = None

    def _generated(self, name: str, seed: int, count: int) -> ImageSet:
        job = Job(self.config.source, self.config.root, seed, self.out / name)
        generate(job, count, LocalEngine(max(1, self.given.workers)))
        return read_images(self.out / name)

    def judge(self) -> RgbaClassifier:
        """Return the gate's classifier: other pictures, all faces."""
        if self._judge is None:
            others = self._generated("others", 2, self.given.images // 2)
            model = train_with(others, self.out / "judge", "dice-crops", self._overrides(0))
            self._judge = RgbaClassifier(load_model(model), CropView().margin)
        return self._judge

    def _overrides(self, seed: int) -> list[str]:
        steps = [f"steps={self.given.steps}", f"optimizer.warmup_steps={min(60, self.given.steps // 4)}"]
        return [*steps, f"seed={seed}", f"validation.fraction={1 / arms.HELD_OUT}", "runtime.threads=1"]

    def training_set(self, arm: str, left: int, seed: int) -> tuple[ImageSet, dict[str, float]]:
        """Return what an arm learns from, and what is to be said of how it was made."""
        tail = arms.long_tailed(self.data, left, arms.random_generator(seed, left))
        folder, count = self.out / f"{arm}-{left}-{seed}", self.given.filled
        if arm == "none":
            return arms.shown(tail, dict(tail.rare), None), {}
        said: dict[str, float] = {}
        rare: dict[str, arms.Sequence[arms.Place]] = dict(tail.rare)
        if arm == "simulate":
            rare = arms.simulate(tail, self.config, max(1, count // 2), folder / "set", seed)
        elif arm == "copy_paste":
            own = arms.rare_crops(tail)
            crops = {n: own.take(np.flatnonzero(own.labels == own.classes.index(n))) for n in arms.TAILS}
            rare = arms.pasted(tail, crops, count, folder / "set", seed)
        elif arm not in BASELINES:
            kind, _, gated = arm.partition("_")
            config = PixelTraining(
                kind="vae" if kind == "vae" else "gan",
                epochs=self.given.epochs,
                rate=1e-3 if kind == "vae" else 5e-4,
                batch_size=32,
                seed=seed,
                mirror=True,
                quarter_turns=True,
                threads=1,
            )
            judge = self.judge()
            generator = arms.generator_of(tail, config, judge, self.out / f"{kind}-{left}-{seed}-generator")
            gate = Gate(arms.known_crops(tail), judge.probabilities, judge.features) if gated else None
            crops, said["refused"] = arms.drawn_crops(generator, count, gate, stream(seed, left, f"bench.{arm}"))
            rare = arms.pasted(tail, crops, count, folder / "set", seed)
        said |= {f"distinct/{name}": float(len(rare[name])) for name in arms.TAILS}
        return arms.shown(tail, rare, tail.exposures), said

    def figures(self, arm: str, left: int, seed: int) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
        """Return tail and head F1 of all photographs (first) and of the resampled sets, and what there is to say."""
        said: dict[str, float] = {}
        run = self.out / f"{arm}-{left}-{seed}" / "run"
        if arm == "real":
            overrides = [*self._overrides(seed), "method.kind=oracle"]
            model = train_with(part_of(self.photographs, "first:150"), run, "dice-crops", overrides)
        else:
            learnt, said = self.training_set(arm, left, seed)
            overrides = [*self._overrides(seed), *(STRONGER if arm == "augmented" else [])]
            model = train_with(learnt, run, "dice-crops", overrides)
        measure = evaluate(model, self.report_set, repeats=0).measure
        rows = [measure(None), *(measure(picked) for picked in self.picked)]
        heads = [name for name in self.data.classes if name not in arms.TAILS]
        groups = {"tail": arms.TAILS, "head": heads}
        means = {g: [[row.get(f"f1/{n}") or 0.0 for n in names] for row in rows] for g, names in groups.items()}
        return {group: np.mean(values, 1) for group, values in means.items()}, said


def sampled(figures: list[NDArray[np.float64]], seeds: NDArray[np.int64]) -> Sampled:
    """Return the mean over seeds, and the same of resampled photographs and seeds (B, S)."""
    table = np.array(figures)
    draws = table[seeds, 1 + np.arange(seeds.shape[0])[:, None]].mean(1)
    return Sampled(float(table[:, 0].mean()), draws)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-rare"))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--left", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--filled", type=int, default=150, help="dice of each rare face that an arm makes")
    parser.add_argument("--epochs", type=int, default=20, help="of the crop generators")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    report: dict[str, object] = {"machine": machine(), "seeds": arguments.seeds, "steps": arguments.steps}
    for left in arguments.left:
        found: dict[str, list[dict[str, NDArray[np.float64]]]] = {}
        table: dict[str, dict[str, object]] = {}
        for arm in arguments.arms:
            results = [bench.figures(arm, left, seed) for seed in arguments.seeds]
            found[arm] = [figures for figures, _ in results]
            each = {g: [round(float(f[g][0]), 4) for f in found[arm]] for g in ("tail", "head")}
            table[arm] = {**each, "said": [said for _, said in results]}
            print(f"{left} left, {arm}: {table[arm]}", flush=True)
        count = len(arguments.seeds)
        seeds = stream(0, left, "bench.seeds").integers(count, size=(REPEATS, count))
        means = {a: {g: sampled([f[g] for f in fs], seeds) for g in ("tail", "head")} for a, fs in found.items()}
        known = [arm for arm in BASELINES if arm in means]
        best = max(known, key=lambda arm: means[arm]["tail"].value, default=None)
        for arm, groups in means.items():
            low, high = np.percentile(groups["tail"].draws, [2.5, 97.5])
            table[arm] |= {"tail_mean": groups["tail"].value, "tail_95": [float(low), float(high)]}
            table[arm] |= {"head_mean": groups["head"].value}
            if best is not None:
                against = {g: asdict(difference(groups[g], means[best][g])) for g in groups}
                table[arm] |= {"against_best_baseline": against}
        report[f"left_{left}"] = {"best_baseline": best, "arms": table}
        (bench.out / "figures.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", "utf-8")
    print(json.dumps(report, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
