"""A small generated set and hand-made samples, for the tests of simgen.rare."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scenes_for_tests import small_dice

from simgen.config import from_dict
from simgen.formats.coco import CocoDataset
from simgen.generate import Job, generate
from simgen.samples import Annotation, Region, Sample

SIZE_WH = (60, 40)


def generated(folder: Path, count: int, seed: int = 0, **changes: Any) -> CocoDataset:
    """Generate and read a small set of dice."""
    source = small_dice(**changes)
    from_dict(source)
    generate(Job(source, Path(), seed, folder), count)
    return CocoDataset.read(folder)


def box(name: str, x1: int, y1: int, x2: int, y2: int, *, masked: bool = True, **changes: Any) -> Annotation:
    """Return an annotation whose mask fills its box."""
    mask = np.zeros(SIZE_WH[::-1], bool)
    mask[y1:y2, x1:x2] = True
    region = Region.of(mask) if masked else None
    return Annotation(name, np.array([x1, y1, x2, y2], float), region, **changes)


def sample(*annotations: Annotation, rgb: NDArray[np.uint8] | None = None, **metadata: Any) -> Sample:
    """Return a grey sample with some annotations."""
    grey = np.full((SIZE_WH[1], SIZE_WH[0], 3), 100, np.uint8)
    return Sample(0, grey if rgb is None else rgb, annotations, metadata=metadata)
