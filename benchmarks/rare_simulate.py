"""How many rendered scenes hold a rare case: `rare fill --how simulate` against plain rejection.

    simgen generate dice -n 150 -o runs/dice-150 --seed 3
    python benchmarks/rare_simulate.py runs/dice-150 --samples 12 --seeds 0 1

Plain rejection renders every scene it draws: its rate is the share of the dataset's own images that hold the case,
with a Clopper-Pearson interval of 95 %. Both are measured on the labels of rendered images. Seconds are CPU time of
this process; a plain sample is drawn and rendered anew 20 times for them.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.stats import beta

from simgen.formats import read_images
from simgen.generate import sample
from simgen.rare.cells import Cell, Condition
from simgen.rare.how import Task
from simgen.rare.job import config_of
from simgen.rare.simulate import Simulator, held

CELLS = (
    Cell((Condition("visible_fraction", 0.2, 0.4), Condition("image_luma", None, 60)), "60-80 % hidden, in low light"),
    Cell((Condition("touching_same_class", 1), Condition("class", among=("six",))), "two sixes that touch"),
    Cell((Condition("lean_deg", 10), Condition("wall_gap_m", None, 0.015)), "leaning at a wall"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--samples", type=int, default=12, help="of each case and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()

    data = read_images(options.dataset)
    config = config_of(data)
    started = time.process_time()
    for index in range(20):
        sample(config, 987, index)
    plain_s = (time.process_time() - started) / 20
    print(f"a plain sample: {plain_s:.2f} s; {len(data)} of them in the dataset")
    found = [[bool(held(one, cell)) for cell in CELLS] for one in data]
    for cell, hits in zip(CELLS, np.sum(found, axis=0), strict=True):
        low, high = _interval(int(hits), len(data))
        rate = f"{hits / len(data):.4f} [{low:.4f}, {high:.4f}]"
        print(f"{cell.title}: plain {hits} of {len(data)}, {rate}; {plain_s / max(hits / len(data), 1e-9):.1f} s each")
    for seed in options.seeds:
        started = time.process_time()
        simulator = Simulator.prepare(Task(data, config, CELLS, seed))
        print(f"seed {seed}: prepared in {time.process_time() - started:.1f} s")
        for order, cell in enumerate(CELLS):
            _report(simulator, order, cell, options.samples)


def _report(simulator: Simulator, order: int, cell: Cell, count: int) -> None:
    started = time.process_time()
    made = [simulator.make(order, number) for number in range(count)]
    spent = time.process_time() - started
    tried = {stage: sum(one.tried[stage] for one in made) for stage in ("drawn", "settled", "rendered")}
    weights = np.array([one.sample.metadata["source"]["weight"] for one in made if one.sample is not None])
    low, high = _interval(len(weights), tried["rendered"])
    stages = ", ".join(f"{number} {stage}" for stage, number in tried.items())
    print(
        f"  {cell.title}: {len(weights)} of {count} from {stages}: {len(weights) / tried['rendered']:.3f} "
        f"[{low:.3f}, {high:.3f}] of the rendered; {spent / max(len(weights), 1):.1f} s each; effective "
        f"{weights.sum() ** 2 / max(float((weights**2).sum()), 1e-12):.1f}",
        flush=True,
    )


def _interval(hits: int, total: int) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of 95 %."""
    low = beta.ppf(0.025, hits, total - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, total - hits) if hits < total else 1.0
    return float(low), float(high)


if __name__ == "__main__":
    main()
