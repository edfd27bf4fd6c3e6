"""How fast samples are made, and what labels and files cost beside physics and rendering.

`spawn` is PyBullet's own calls that make and close a world; `build` is our work for it: models, meshes, surfaces.

python benchmarks/generate.py [--quick] [--json OUT]
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
from figures import machine, publish

from simgen.config import load
from simgen.generate import Job, sample
from simgen.stopwatch import Stopwatch

BASE = ("spawn", "physics", "render")


def measure(scene: str, samples: int) -> dict[str, float]:
    """Return milliseconds for each stage (median over samples), and the ratios of the whole to PyBullet's share."""
    cv2.setNumThreads(1)
    config = load(scene)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        writer = Job(config.source, config.root, 0, Path(folder) / "set").writer(config)
        for index in range(10):  # as a worker that has made some
            sample(config, 0, 10_000 + index)
        for index in range(samples):
            watch = Stopwatch()
            made = sample(config, 0, index, watch)
            watch.lap("other")
            writer.write(made)
            watch.lap("write")
            rows.append(dict(watch.seconds))
    stages = sorted({stage for row in rows for stage in row})
    result = {f"{s}_ms": 1000 * statistics.median(row.get(s, 0.0) for row in rows) for s in stages}
    whole = [sum(row.values()) for row in rows]
    base = [sum(row.get(s, 0.0) for s in BASE) for row in rows]
    strict = [row["physics"] + row["render"] for row in rows]
    quarter, half, three = statistics.quantiles(whole, n=4)
    return {
        **result,
        "sample_ms": 1000 * half,
        "sample_iqr_ms": 1000 * (three - quarter),
        "ratio_to_spawn_physics_render": sum(whole) / sum(base),
        "ratio_to_physics_render": sum(whole) / sum(strict),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    began = time.perf_counter()
    samples = 30 if arguments.quick else 200
    # A process each, as their workers are: what one scene leaves behind slows the Python of the next by a tenth.
    figures = {}
    for scene in ("dice", "digits"):
        with ProcessPoolExecutor(1, get_context("spawn")) as worker:
            figures[scene] = worker.submit(measure, scene, samples).result()
    report = {
        "figures": figures,
        "machine": machine(),
        "seconds": time.perf_counter() - began,
    }
    publish(report, arguments.json)


if __name__ == "__main__":
    main()
