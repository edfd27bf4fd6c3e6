"""The generated sets that benchmarks learn from."""

from pathlib import Path

from simgen.config import Config
from simgen.engine import LocalEngine
from simgen.formats import read_images
from simgen.formats.imageset import ImageSet
from simgen.generate import Job, generate


def generated(config: Config, out: Path, count: int, workers: int, seed: int = 1) -> ImageSet:
    """Return a set of `count` pictures in the folder `out`; those that are there already are not made again."""
    generate(Job(config.source, config.root, seed, out), count, LocalEngine(max(1, workers)))
    return read_images(out)
