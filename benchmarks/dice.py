"""Dice, synthetic only, scored on 50 real photographs; beside it the oracle and a run without randomization.

    python benchmarks/dice.py [--out runs/bench-dice] [--arms synthetic gl plain oracle] [--seeds 0] [--steps 3000]
                              [--images 1200] [--workers N] [--data FOLDER]

Of the 200 photographs in the order of their file names the last 50 are for the report alone. The oracle trains on the
first 150 with their labels; the other arms never see them: `synthetic` and `gl` are the scene `dice` by either
renderer, `plain` is it with every randomization off. All arms take the same number of optimiser steps, and each chooses
its score threshold on images held out of its own training set. A run that was stopped goes on. The figures go to
figures.json, comparison.json and comparison.html in the folder; an hour on two cores for three arms of one seed.
"""

import argparse
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from generated import generated

from simgen.adapters.compare import compare, write_comparison
from simgen.adapters.evaluate import Evaluation, evaluate, write_evaluation
from simgen.adapters.parts import part_of
from simgen.adapters.train import train_with
from simgen.config import load
from simgen.formats.imageset import ImageSet
from simgen.realdata import read_real_set

FIGURES = ("map50", "map", "map75", "precision", "recall", "f1")

SCENES: dict[str, tuple[str, list[str]]] = {
    "synthetic": ("dice", ["render.kind=tiny"]),
    "gl": ("dice", ["render.kind=gl"]),
    "plain": ("dice-plain", ["render.kind=tiny"]),
}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-dice"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", default=["synthetic", "plain", "oracle"])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    photographs = read_real_set("d6-dice", arguments.data)
    report_set = part_of(photographs, "last:50")
    out: Path = arguments.out
    results: dict[str, Evaluation] = {}
    for arm in arguments.arms:
        method = "oracle" if arm == "oracle" else "source_only"
        if arm == "oracle":
            data: ImageSet | Path = part_of(photographs, "first:150")
        else:
            data = generated(load(*SCENES[arm]), out / f"data-{arm}", arguments.images, arguments.workers).root
        for seed in arguments.seeds:
            name = f"{arm}, seed {seed}"
            overrides = [f"steps={arguments.steps}", f"seed={seed}", f"method.kind={method}"]
            model = train_with(data, out / f"run-{arm}-{seed}", "dice", overrides)
            results[name] = replace(evaluate(model, report_set), image_set="d6-dice", part="last:50")
            write_evaluation(results[name], out / f"report-{arm}-{seed}")
            figures = {f: results[name].scores[f] for f in FIGURES}
            print(name, {f: (s.value, s.low, s.high) for f, s in figures.items()}, flush=True)
    scores = {name: result.scores for name, result in results.items()}
    plain = {name: {f: asdict(found[f]) for f in FIGURES} for name, found in scores.items()}
    (out / "figures.json").write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n", "utf-8")
    oracle = next((name for name in results if name.startswith("oracle")), None)
    print(write_comparison(compare(results, oracle=oracle), out))


if __name__ == "__main__":
    main()
