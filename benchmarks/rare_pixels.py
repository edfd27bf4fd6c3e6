"""A VAE and a VAE-GAN of dice crops: how long they train, how fast they draw, how good the crops are.

    python benchmarks/rare_pixels.py [--quick] [--out runs/bench-rare-pixels] [--seeds 0 1 2] [--epochs 40]
                                     [--images 300] [--backbone-steps 800] [--json OUT]

Crops are cut out of the shipped scene `dice` by the renderer's masks and turned upright, for dice lie at any angle; an
eighth of the pictures is held out. Both kinds
learn from the same crops for the same number of epochs, with a perceptual term on the backbone's features. KID,
FID, precision, recall, density and coverage compare as many drawn crops with the held-out ones, on the features of a
dice classifier that was trained on other simulated pictures, which is also the gate's. The line "real" compares
training crops with the held-out ones: what a perfect generator would reach. Copies are looked for among the training
crops. Whether crops that the gate let in are of their class is asked of a second classifier, the judge, that learned
from other simulated pictures again and takes no part in anything else; so it is of the held-out crops. Times of
training are the processor's, for the machine may have other work. A run that was stopped goes on; sheets of crops lie
in the folder.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import machine, publish
from generated import generated

from simgen.adapters.checkpoint import load_model
from simgen.adapters.rgba import RgbaClassifier
from simgen.adapters.train import train_with
from simgen.config import load
from simgen.rare.pixels.crops import Crops, CropView, crops_of
from simgen.rare.pixels.gate import Gate, GateRules, rejection_rates
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.pixels.quality import kid, kid_difference, memorisation, quality
from simgen.rare.pixels.settings import Network, PixelTraining
from simgen.rare.pixels.sheet import sheet, write_png
from simgen.rare.pixels.train import Trained, train_crops
from simgen.rng import stream

KINDS = ("vae", "gan")
VIEW = CropView(upright=True)
CONFIDENCES = (0.5, 0.9, 0.95)
"""Of the gate's classifier; the last is the gate's own."""
_MANY = 20
"""So many times as many crops as are held out are shown to the gate, and taken for the difference of KID."""
_COMPARED = 2000
_SHOWN = 12


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small nets, few crops: whether it runs at all")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-rare-pixels"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--backbone-steps", type=int, default=800)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.images, arguments.epochs, arguments.backbone_steps, arguments.seeds = 40, 2, 20, [0]
    out: Path = arguments.out
    report: dict[str, Any] = {"machine": machine(), "threads": torch.get_num_threads()}
    scene = load("dice", ["render.kind=tiny"])
    crops = crops_of(generated(scene, out / "dice", arguments.images, arguments.workers), VIEW)
    train, held_out = crops.split(0.125, stream(0, 0, "bench.split"))
    others = generated(scene, out / "others", max(20, arguments.images // 2), arguments.workers, seed=2).root
    backbone = classifier(others, out / "backbone", arguments.backbone_steps, seed=0)
    others = generated(scene, out / "judged", max(20, arguments.images // 2), arguments.workers, seed=3).root
    judge = classifier(others, out / "judge", arguments.backbone_steps, seed=1)
    report["crops"] = {"train": len(train), "held_out": len(held_out)}
    report["accuracy"] = {"backbone": agreement(backbone, held_out), "judge": agreement(judge, held_out)}
    report["real"] = figures(train, held_out, train.take(np.arange(len(held_out))), backbone)
    report["real"]["accepted"] = let_in(gate_of(train, backbone), held_out, judge)
    report["runs"] = {}
    for seed in arguments.seeds:
        for kind in KINDS:
            name = f"{kind}, seed {seed}"
            config = settings(kind, seed, arguments)
            report["runs"][name] = run(config, train, held_out, (backbone, judge), out / f"{kind}-{seed}")
            print(name, report["runs"][name], flush=True)
    report["gan_minus_vae"] = differences(out, arguments.seeds, held_out, backbone)
    publish(report, arguments.json)


def settings(kind: str, seed: int, arguments: argparse.Namespace) -> PixelTraining:
    """Return the settings of a run: a die looks the same in a mirror; upright crops are not to be turned again."""
    return PixelTraining(
        kind="vae" if kind == "vae" else "gan",
        epochs=arguments.epochs,
        seed=seed,
        mirror=True,
        bf16=arguments.bf16,
        view=VIEW,
        network=Network(latent=8, width=8) if arguments.quick else Network(),
    )


def classifier(pictures: Path, out: Path, steps: int, seed: int) -> RgbaClassifier:
    """Return a classifier of dice that learned from some pictures."""
    overrides = [f"steps={steps}", "optimizer.warmup_steps=10", f"seed={seed}"]
    return RgbaClassifier(load_model(train_with(pictures, out, "dice-crops", overrides)), VIEW.margin)


def agreement(judge: RgbaClassifier, crops: Crops) -> float:
    """Return the share of crops whose class a classifier finds the likeliest."""
    return float((judge.probabilities(crops.rgba).argmax(1) == crops.labels).mean()) if len(crops) else float("nan")


def gate_of(train: Crops, backbone: RgbaClassifier) -> Gate:
    """Return the gate of the crops that were learned from, as lenient as the first of `CONFIDENCES`."""
    return Gate(train, backbone.probabilities, backbone.features, GateRules(confidence=CONFIDENCES[0]))


def differences(out: Path, seeds: list[int], held_out: Crops, backbone: RgbaClassifier) -> dict[str, Any]:
    """Return, for each seed, KID of the GAN's crops minus that of the VAE's, and over the seeds."""
    real = backbone.features(held_out.rgba)
    found: dict[str, Any] = {}
    for seed in seeds:
        rows = []
        for kind in KINDS:
            generator = CropGenerator.load(out / f"{kind}-{seed}" / "model.pt")
            rows.append(backbone.features(many_like(generator, held_out, seed).rgba[:_COMPARED]))
        kids = [kid(real, some) for some in rows]
        difference, error = kid_difference(real, rows[0], rows[1], stream(seed, 0, "bench.difference"))
        found[f"seed {seed}"] = {**dict(zip(KINDS, kids, strict=True)), "difference": difference, "error": error}
    values = [one["difference"] for one in found.values()]
    spread = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return {**found, "mean": float(np.mean(values)), "error_over_seeds": spread}


def many_like(generator: CropGenerator, held_out: Crops, seed: int) -> Crops:
    """Return `_MANY` new crops for each of the real ones."""
    return Crops.joined([like(generator, held_out, stream(seed, k, "bench.gate")) for k in range(_MANY)])


def let_in(gate: Gate, crops: Crops, judge: RgbaClassifier) -> dict[str, Any]:
    """Return what the gate says of some crops, and what the judge says of those that a gate as strict lets in."""
    verdicts = gate.judge(crops)
    rates = rejection_rates(verdicts, ["all"] * len(crops))["all"]
    passed: dict[str, Any] = {}
    for confidence in CONFIDENCES:
        sure = [verdict.accepted and verdict.probability >= confidence for verdict in verdicts]
        some = crops.take(np.flatnonzero(sure))
        passed[f"confidence {confidence}"] = {"count": len(some), "agreement": agreement(judge, some)}
    return {**rates, **passed, "agreement_of_all": agreement(judge, crops)}


def run(
    config: PixelTraining,
    train: Crops,
    held_out: Crops,
    classifiers: tuple[RgbaClassifier, RgbaClassifier],
    out: Path,
) -> dict[str, Any]:
    """Train, draw and judge one generator; return its figures."""
    backbone, judge = classifiers
    clock = Clock(out.with_name(out.name + "-seconds.json"))
    trained = train_crops(config, train, out, perceptual=backbone.perceptual, on_epoch=clock)
    generator = CropGenerator.load(trained.model)
    made = like(generator, held_out, stream(config.seed, 0, "bench.draw"))
    many = many_like(generator, held_out, config.seed)
    gate = gate_of(train, backbone)
    passed = np.flatnonzero([v.accepted and v.probability >= CONFIDENCES[-1] for v in gate.judge(many)])
    show(many, out / "sheet.png")
    show(many.take(passed), out / "accepted.png")
    return {
        **figures(train, held_out, made, backbone),
        **asdict_of(trained),
        "training_cpu_s": round(clock.spent, 1),
        "crops_per_s": round(rate(generator), 1),
        "accepted": let_in(gate, many, judge),
        "parameters": sum(p.numel() for p in generator.model.decoder.parameters()),
    }


def like(generator: CropGenerator, crops: Crops, rng: np.random.Generator) -> Crops:
    """Return as many new crops as there are of real ones, under their conditions."""
    conditions = crops.take(rng.permutation(len(crops)))
    latents = generator.draw_latents(conditions.labels, rng)
    return generator.crops(latents, conditions.labels, conditions.attributes, np.zeros(len(crops), np.int64))


def show(crops: Crops, file: Path) -> None:
    """Write a sheet of the first crops of each class, a row a class; where there are fewer, the rest stays empty."""
    rows = np.zeros((len(crops.classes), _SHOWN, *crops.rgba.shape[1:]), np.uint8)
    for k, row in enumerate(rows):
        first = crops.rgba[crops.labels == k][:_SHOWN]
        row[: len(first)] = first
    write_png(file, sheet(list(rows)))


class Clock:
    """Adds up the processor's seconds of a training's epochs, also over several starts of it."""

    def __init__(self, file: Path) -> None:
        self.file, self.spent = file, 0.0
        if file.is_file():
            self.spent = float(json.loads(file.read_text("utf-8")))
        self._last = time.process_time()

    def __call__(self, epoch: int, figures: dict[str, float]) -> None:
        """Count the epoch that ended."""
        now = time.process_time()
        self.spent, self._last = self.spent + now - self._last, now
        self.file.write_text(json.dumps(self.spent), "utf-8")


def asdict_of(trained: Trained) -> dict[str, Any]:
    """Return how a run ended, without its path."""
    return {"epoch": trained.epoch, "stopped": trained.stopped}


def figures(train: Crops, held_out: Crops, made: Crops, backbone: RgbaClassifier) -> dict[str, Any]:
    """Return the figures of some crops on the backbone's features."""
    real, ours = backbone.features(held_out.rgba), backbone.features(made.rgba)
    judged = quality(real, ours, stream(0, 0, "bench.kid"))
    copied = asdict(memorisation(backbone.features(train.rgba), real, ours))
    return {**asdict(judged), "class_agreement": agreement(backbone, made), "memorisation": copied}


def rate(generator: CropGenerator, count: int = 1000) -> float:
    """Return the crops drawn a second of the processor's time on one thread, after a warm-up; the best of three."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    wish = Wish(generator.conditions.classes[0])
    generator.sample(wish, 100, stream(0, 0, "bench.rate"))
    times = []
    for _ in range(3):
        start = time.process_time()
        generator.sample(wish, count, stream(0, 0, "bench.rate"))
        times.append(time.process_time() - start)
    torch.set_num_threads(threads)
    return count / min(times)


if __name__ == "__main__":
    main()
