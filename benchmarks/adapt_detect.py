"""Dice detection from a scene without randomization: the share of the gap to real labels that closes without labels.

    python benchmarks/adapt_detect.py [--out runs/bench-adapt-detect] [--arms heavy heavy_longer heavy_longest]
                                      [--seeds 0] [--images 400] [--source FOLDER] [--workers N] [--data FOLDER]

Learnt from: generated images of the scene `dice-plain` with their labels, and the first 150 of the 200 photographs in
the order of their file names, without their labels but by the oracle. An arm goes on from the model of another of the
same seed, see ARMS: `heavy` is source_only with stronger augmentation of colours, `mean_teacher` goes on from it, and
`heavy_longer` does so without photographs; `mean_teacher_late` and `heavy_longest` go on from there, so that either has
the 3,000 steps of a full oracle. The settings were chosen by looking at generated images of the scene `dice` in place
of the photographs; the last model counts. Scored on the last 50 photographs. A run that was stopped goes on;
figures.json, comparison.json and comparison.html hold the figures. The oracle has as few steps, too few to learn from
150 photographs alone: `make bench-dice` trains a full one.
"""

import argparse
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from generated import generated

from simgen.adapters.compare import compare, write_comparison
from simgen.adapters.evaluate import Evaluation, evaluate
from simgen.adapters.methods import METHODS
from simgen.adapters.parts import part_of
from simgen.adapters.train import train_with
from simgen.config import load
from simgen.formats import read_images
from simgen.realdata import read_real_set

FIGURES = ("map50", "map", "precision", "recall", "f1")
SETTINGS = ("crop.crop_size=160", "runtime.threads=1", "runtime.workers=0")

START, ORACLE = "source_only", "oracle"


@dataclass(frozen=True)
class Arm:
    """How an arm is trained: its method, for how many steps, with what settings, from the model of which other arm."""

    method: str
    steps: int
    settings: tuple[str, ...] = ()
    start: str | None = START


HEAVY = (
    *("augment.p_invert=0.5", "augment.p_shuffle=0.3", "augment.hue=0.5", "augment.saturation=0.9"),
    *("augment.tint=0.4", "augment.brightness=0.4", "augment.contrast=0.5"),
)
TAUGHT = ("method.burn_in=0", "method.decay=0.95", "method.share=0.2")

ARMS: dict[str, Arm] = {
    START: Arm("source_only", 900, start=None),
    ORACLE: Arm("oracle", 1300, start=None),
    "adabn": Arm("adabn", 1),
    "tent": Arm("tent", 900),
    "heavy": Arm("source_only", 400, HEAVY),
    "heavy_longer": Arm("source_only", 900, HEAVY, "heavy"),
    "mean_teacher": Arm("mean_teacher", 900, (*HEAVY, *TAUGHT), "heavy"),
    "heavy_longest": Arm("source_only", 800, HEAVY, "heavy_longer"),
    "mean_teacher_late": Arm("mean_teacher", 800, (*HEAVY, *TAUGHT), "heavy_longer"),
}


def road_to(name: str) -> tuple[str, ...]:
    """Return the arms that an arm goes on from, the first one first, and itself."""
    start = ARMS[name].start
    return (*road_to(start), name) if start else (name,)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/bench-adapt-detect"))
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--source", type=Path, help="a generated set of the scene dice-plain, to save its generation")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that generate")
    parser.add_argument("--data", type=Path, help="folder to look for the photographs in first")
    arguments = parser.parse_args()
    photographs, out = read_real_set("d6-dice", arguments.data), arguments.out
    first, last = part_of(photographs, "first:150"), part_of(photographs, "last:50")
    if arguments.source:
        source = read_images(arguments.source)
    else:
        scene = load("dice-plain", ["render.kind=tiny"])
        source = generated(scene, out / "data", arguments.images, arguments.workers)
    arms = dict.fromkeys(name for arm in (START, *arguments.arms) for name in road_to(arm))
    found: dict[str, Evaluation] = {}
    for seed in arguments.seeds:
        for name in arms:
            arm = ARMS[name]
            words = [*SETTINGS, f"seed={seed}", f"steps={arm.steps}", f"method.kind={arm.method}", *arm.settings]
            model = train_with(
                first if name == ORACLE else source,
                out / f"{name}-{seed}",
                "dice",
                words,
                target=first if METHODS[arm.method].uses_target else None,
                init=out / f"{arm.start}-{seed}" / "model.pt" if arm.start else None,
            )
            told = f"{name}, seed {seed}"
            found[told] = replace(evaluate(model, last), image_set="d6-dice", part="last:50")
            scores = {f: found[told].scores[f] for f in FIGURES}
            print(told, {f: (s.value, s.low, s.high) for f, s in scores.items()}, flush=True)
    content = {name: {f: asdict(result.scores[f]) for f in FIGURES} for name, result in found.items()}
    (out / "figures.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
    members = {name: tuple(f"{name}, seed {seed}" for seed in arguments.seeds) for name in arms}
    # Without a gap: that to an oracle of so few steps would say nothing.
    print(write_comparison(compare(found, members=members, baseline=START), out))


if __name__ == "__main__":
    main()
