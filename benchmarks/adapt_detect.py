"""Dice detection: what share of the gap between simulated labels and real ones 150 unlabelled photographs close.

    python benchmarks/adapt_detect.py [--out runs/bench-adapt-detect] [--scene dice] [--methods adabn tent ...]
                                      [--seeds 0] [--steps 900] [--more 400] [--images 400] [--workers N]

Learnt from: generated images of the scene with their labels (`dice`, or `dice-plain`, where nothing is randomized), and
the first 150 of the 200 photographs in the order of their file names, without their labels but by the oracle. Each
method goes on from the `source_only` model of its seed, for `--more` steps (`adabn` for one, in which it changes
statistics alone); so does `longer`, which is source_only again, and the oracle takes as many steps as both together.
All settings are fixed beforehand, the last model counts. Scored on the last 50 photographs. A run that was stopped goes
on; figures.json, comparison.json and comparison.html hold the figures.
"""

import argparse
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from simgen.adapters.compare import compare, write_comparison
from simgen.adapters.evaluate import Evaluation, evaluate
from simgen.adapters.parts import part_of
from simgen.adapters.train import train_with
from simgen.config import load
from simgen.engine import LocalEngine
from simgen.formats import read_images
from simgen.formats.imageset import ImageSet
from simgen.generate import Job, generate
from simgen.realdata import read_real_set

FIGURES = ("map50", "map", "precision", "recall", "f1")
SETTINGS = ("crop.crop_size=160", "runtime.threads=1", "runtime.workers=0")

METHODS: dict[str, list[str]] = {
    "longer": ["method.kind=source_only"],
    "adabn": ["method.kind=adabn", "steps=1"],
    "tent": ["method.kind=tent"],
    "shot": ["method.kind=shot"],
    "mean_teacher": ["method.kind=mean_teacher", "method.burn_in=0", "method.decay=0.95"],
    "dann": ["method.kind=dann"],
    "coral": ["method.kind=coral"],
}
"""What goes on from `source_only`, and how."""


def synthetic_set(scene: str, count: int, out: Path, workers: int) -> ImageSet:
    """Generate a scene."""
    config = load(scene, ["render.kind=tiny"])
    generate(Job(config.source, config.root, 1, out), count, LocalEngine(max(1, workers)))
    return read_images(out)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-adapt-detect"))
    parser.add_argument("--scene", choices=["dice", "dice-plain"], default="dice")
    parser.add_argument(
        "--methods", nargs="*", choices=METHODS, default=["longer", "adabn", "tent", "shot", "mean_teacher"]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=900, help="of source_only")
    parser.add_argument("--more", type=int, default=400, help="of each method, from source_only on")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--source", type=Path, help="a generated set of the scene, to save its generation")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that generate")
    parser.add_argument("--data", type=Path, help="folder to look for the photographs in first")
    arguments = parser.parse_args()
    photographs, out = read_real_set("d6-dice", arguments.data), arguments.out
    first, last = part_of(photographs, "first:150"), part_of(photographs, "last:50")
    if arguments.source:
        source = read_images(arguments.source)
    else:
        source = synthetic_set(arguments.scene, arguments.images, out / "data", arguments.workers)
    found: dict[str, Evaluation] = {}
    for seed in arguments.seeds:
        for name in ("source_only", "oracle", *arguments.methods):
            sets: dict[str, Any] = {}
            words = [*SETTINGS, f"seed={seed}", f"steps={arguments.more}", *METHODS.get(name, [f"method.kind={name}"])]
            if name == "source_only":
                words.append(f"steps={arguments.steps}")
            elif name == "oracle":
                words.append(f"steps={arguments.steps + arguments.more}")
            else:
                sets = {"init": out / f"source_only-{seed}" / "model.pt", "target": None if name == "longer" else first}
            data = first if name == "oracle" else source
            model = train_with(data, out / f"{name}-{seed}", "dice", words, **sets)
            told = f"{name}, seed {seed}"
            found[told] = replace(evaluate(model, last), image_set="d6-dice", part="last:50")
            scores = {f: found[told].scores[f] for f in FIGURES}
            print(told, {f: (s.value, s.low, s.high) for f, s in scores.items()}, flush=True)
    content = {name: {f: asdict(result.scores[f]) for f in FIGURES} for name, result in found.items()}
    (out / "figures.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
    several = len(arguments.seeds) > 1
    ends = [name if several else f"{name}, seed {arguments.seeds[0]}" for name in ("source_only", "oracle")]
    print(write_comparison(compare(found, baseline=ends[0], oracle=ends[1]), out))


if __name__ == "__main__":
    main()
