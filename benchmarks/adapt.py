"""Dice crops: every method that needs no label of a photograph, beside the oracle and fine-tuning on few labels.

    python benchmarks/adapt.py [--out runs/bench-adapt] [--methods all] [--seeds 0 1 2] [--shots 5 20 50 150]
                               [--images 1200] [--steps N] [--source FOLDER] [--workers N] [--data FOLDER]

Colour crops of 48 pixels around true boxes, six classes. Learnt from: 1,200 generated images of the scene `dice` with
their labels, and the first 150 of the 200 photographs in the order of their file names; without their labels by all
methods but oracle, linear_probe, finetune and scratch. Scored on the last 50, which chose nothing: the budget is fixed,
the last model counts, and the method is chosen by information maximisation on the unlabelled 150 among those that
classify held-out generated images well (`selected` in figures.json; `best` is what a choice by the labels would give).
A run that was stopped goes on.
"""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from generated import generated

from simgen.adapters.experiment import Trained, examine
from simgen.adapters.methods import METHODS
from simgen.adapters.outcomes import Outcome, rows
from simgen.adapters.parts import part_of
from simgen.adapters.report.experiment import write_experiment
from simgen.adapters.sweep import Material, plan, sweep
from simgen.adapters.train import settings
from simgen.config import load
from simgen.formats import read_images
from simgen.realdata import read_real_set


def unlabelled_methods() -> list[str]:
    """Return the methods that read no label of a photograph, source_only first."""
    return [name for name, kind in METHODS.items() if not kind.real_labels and "classify" not in kind.undefined]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-adapt"))
    parser.add_argument("--methods", nargs="+", default=[*unlabelled_methods(), "oracle", "linear_probe"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--shots", type=int, nargs="*", default=[5, 20, 50, 150])
    parser.add_argument("--steps", type=int, help="of every run; default: those of the settings dice-crops")
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--source", type=Path, help="a generated set of the scene dice, to save its generation")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that generate")
    parser.add_argument("--data", type=Path, help="folder to look for the photographs in first")
    arguments = parser.parse_args()
    photographs = read_real_set("d6-dice", arguments.data)
    first, out = part_of(photographs, "first:150"), arguments.out
    if arguments.source:
        source = read_images(arguments.source)
    else:
        source = generated(load("dice", ["render.kind=tiny"]), out / "data", arguments.images, arguments.workers)
    steps = [] if arguments.steps is None else [f"steps={arguments.steps}"]
    config = settings("dice-crops", ["runtime.threads=1", "runtime.workers=0", *steps])
    material = Material(source, first, first, part_of(photographs, "last:50"))
    outcomes: list[Outcome] = []
    for outcome in sweep(config, plan(arguments.methods, arguments.seeds, arguments.shots, material), material, out):
        outcomes.append(outcome)
        print(f"{outcome.arm.name}, seed {outcome.arm.seed}:", outcome.problem or outcome.scores, flush=True)
    trained = Trained(config, material, outcomes, out, shlex.join(["python", *sys.argv]))
    found = examine(trained)
    table = {row.name: {f: {"mean": m, "sd": sd} for f, (m, sd) in row.figures.items()} for row in rows(outcomes)}
    selection = None if found.choice is None else found.choice.as_dict()
    figures = {"seeds": arguments.seeds, "table": table, "selection": selection}
    (out / "figures.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", "utf-8")
    print(json.dumps(selection, indent=1))
    print(write_experiment(found, "Dice crops: scored on 50 real photographs", out / "comparison.html"))


if __name__ == "__main__":
    main()
