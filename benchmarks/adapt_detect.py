"""Dice detection from a scene without randomization: what share of the gap to real labels unlabelled photographs close.

    python benchmarks/adapt_detect.py [--out runs/bench-adapt-detect] [--methods adabn tent shot mean_teacher]
                                      [--seeds 0] [--steps 900] [--more 400] [--images 400] [--workers N]

Learnt from: generated images of the scene `dice-plain` with their labels, and the first 150 of the 200 photographs in
the order of their file names, without their labels but by the oracle. `source_only` and `oracle` take the same steps;
each method goes on from the `source_only` model of its seed, for `--more` steps (`adabn` for one: it changes statistics
alone). All settings are fixed beforehand, the last model counts. Scored on the last 50 photographs. A run
that was stopped goes on; figures.json, comparison.json and comparison.html hold the figures.
"""

import argparse
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

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
    "adabn": ["steps=1"],
    "tent": [],
    "shot": [],
    "mean_teacher": ["method.burn_in=0"],
    "dann": [],
    "coral": [],
}
"""What methods go on from `source_only` with."""


def plain_set(count: int, out: Path, workers: int) -> ImageSet:
    """Generate the scene `dice-plain`."""
    config = load("dice-plain", ["render.kind=tiny"])
    generate(Job(config.source, config.root, 1, out), count, LocalEngine(max(1, workers)))
    return read_images(out)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-adapt-detect"))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["adabn", "tent", "shot", "mean_teacher"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=900, help="of source_only and oracle")
    parser.add_argument("--more", type=int, default=400, help="of each method, from source_only on")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--source", type=Path, help="a generated set of the scene dice-plain, to save its generation")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that generate")
    parser.add_argument("--data", type=Path, help="folder to look for the photographs in first")
    arguments = parser.parse_args()
    photographs, out = read_real_set("d6-dice", arguments.data), arguments.out
    first, last = part_of(photographs, "first:150"), part_of(photographs, "last:50")
    given = arguments.source
    source = read_images(given) if given else plain_set(arguments.images, out / "data", arguments.workers)
    found: dict[str, Evaluation] = {}
    for seed in arguments.seeds:
        common = [*SETTINGS, f"seed={seed}"]
        start = out / f"source_only-{seed}"
        runs = {
            "source_only": (source, [f"steps={arguments.steps}"], {}),
            "oracle": (first, [f"steps={arguments.steps}"], {}),
            **{
                name: (
                    source,
                    [f"steps={arguments.more}", *METHODS[name]],
                    {"target": first, "init": start / "model.pt"},
                )
                for name in arguments.methods
            },
        }
        for name, (data, settings, sets) in runs.items():
            words = [*common, f"method.kind={name}", *settings]
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
