"""Dark dice in low light, nearly taken out of a set: what that costs, and whether simulated ones make up for it.

    python benchmarks/rare_dark.py [--out runs/bench-rare] [--left 10] [--seeds 0 1 2] [--steps 100] [--images 200]
                                   [--filled 150] [--workers N]

Of the set of `benchmarks/rare.py` all dice with a mean luma below 50 in pictures with one below 100 are taken out, and
a classifier of the six faces learns from the others. It goes on for some steps with what is left: `none` as it is,
`balanced` and `augmented` with the dark dice that are left shown as often as all were, `simulate` with those that
`simgen rare fill` adds, `all` with the whole set. Scored by accuracy on the dark dice and on the others of generated
pictures that nothing learned from here: the photographs show no die in low light.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from figures import machine, publish
from generated import generated
from numpy.typing import NDArray
from rare import STRONGER, overrides_of
from rare_scores import Counts, compared, counted
from rare_tail import LongTail, Place, shown, with_only

from simgen.adapters.train import train_with
from simgen.config import load
from simgen.formats import read_images
from simgen.formats.coco import CocoWriter
from simgen.formats.imageset import ImageSet
from simgen.rare.cells import Cell, Condition
from simgen.rare.how import Task
from simgen.rare.job import HOW
from simgen.rare.simulate import held
from simgen.rng import stream

DARK = Cell((Condition("object_luma", high=50), Condition("image_luma", high=100)), "dark in low light")
BASELINES = ("none", "balanced", "augmented")
ARMS = (*BASELINES, "simulate", "all")
CONFIG = load("dice", ["render.kind=tiny", "output.depth=true", "output.instances=true"])


def parted(data: ImageSet) -> tuple[list[Place], list[Place]]:
    """Return the dark dice of a set and the others, without those that are hardly seen."""
    dark: list[Place] = []
    others: list[Place] = []
    for number, record in enumerate(data.records):
        found = set(held(data[number], DARK))
        for place, annotation in enumerate(record.annotations):
            if annotation.visible_fraction >= 0.6 and not annotation.ignore:
                (dark if place in found else others).append((record, place))
    return dark, others


def simulated(data: ImageSet, count: int, out: Path, seed: int) -> list[Place]:
    """Return up to `count` dark dice of scenes that `simgen rare fill --how simulate` makes."""
    writer = CocoWriter(out, data.classes, {"bench": {"seed": seed, "count": count}})
    done, found, index, maker = writer.done(), 0, 0, None
    while found < count and index < count:
        if index not in done:
            maker = maker or HOW["simulate"].prepare(Task(data, CONFIG, (DARK,), seed))
            made = maker.make(0, index).sample
            if made is not None:
                writer.write(replace(made, index=index))
                done = writer.done()
        found += len(writer.metadata(index)["source"]["annotations"]) if index in done else 0
        index += 1
    writer.close()
    return parted(read_images(out))[0][:count]


def accuracy(counts: Counts) -> dict[str, NDArray[np.float64]]:
    """Return the accuracy of (..., C, C) counts."""
    right = np.trace(counts, axis1=-2, axis2=-1)
    return {"accuracy": right / np.maximum(counts.sum((-2, -1)), 1)}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-rare"))
    parser.add_argument("--left", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--start-steps", type=int, default=1000)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--filled", type=int, default=150)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    data = generated(CONFIG, given.out / "pool", given.images, given.workers)
    dark, others = parted(data)
    pictures = generated(CONFIG, given.out / "witness-pictures", 2 * given.images, given.workers, seed=3)
    tested = dict(zip(("dark", "others"), parted(pictures), strict=True))
    sets = {name: with_only(pictures, places) for name, places in tested.items()}
    out = given.out / "dark"
    start = train_with(with_only(data, others), out / "start", "dice-crops", overrides_of(0, given.start_steps))
    counts: dict[str, dict[str, dict[int, Counts]]] = {name: {arm: {} for arm in ARMS} for name in sets}
    for seed in given.seeds:
        few = [dark[k] for k in stream(seed, 0, "bench.dark").permutation(len(dark))[: given.left]]
        tail = LongTail(data, tuple(others), {"dark": tuple(few)}, len(dark))
        for arm in ARMS:
            rare = few
            if arm == "simulate":
                rare = [*few, *simulated(data, given.filled, out / f"fill-{seed}", seed)]
            elif arm == "all":
                rare = dark
            learnt = shown(tail, {"dark": rare}, None if arm == "none" else tail.exposures)
            strong = STRONGER if arm == "augmented" else []
            settings = [*overrides_of(seed, given.steps), *strong]
            model = train_with(learnt, out / f"{arm}-{seed}", "dice-crops", settings, init=start)
            for name, part in sets.items():
                counts[name][arm][seed] = counted(model, part, synthetic=True)
            said = {name: float(accuracy(counts[name][arm][seed].sum(0))["accuracy"]) for name in sets}
            print(seed, arm, said, flush=True)
    found = {name: compared(cells, accuracy, BASELINES, 0) for name, cells in counts.items()}
    dice = {"dark": len(dark), "others": len(others), **{f"tested/{n}": len(p) for n, p in tested.items()}}
    publish({"machine": machine(), "dice": dice, "seeds": given.seeds, **found}, out / "figures.json")


if __name__ == "__main__":
    main()
