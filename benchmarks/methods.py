"""What one training step of every method costs, over a step of source_only with the same batch.

    python benchmarks/methods.py [--quick] [--tasks classify detect segment keypoints features] [--json OUT]

A step is the losses, their gradient, clipping, the optimizer and the averaged weights, on one thread, in the precision
that a run would choose here; cutting and augmenting pictures is not in it. Its cost is the processor's time, for the
machine may have other work. In each round every method takes one step, so that whatever slows the machine slows all;
figures are medians over 24 rounds after three of warm-up. The batches are noise: 64 crops of 48 pixels and ten classes
(classify), 8 crops of 224 pixels with three objects each and six classes (detect, segment) or with one (keypoints), 64
vectors of 384 numbers and ten classes (features), and as many target pictures as the method asks for.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import machine, publish
from torch import nn

from simgen.adapters.crops import CropView
from simgen.adapters.fit import update_average
from simgen.adapters.maps import MappedItem
from simgen.adapters.methods import METHODS, Method, Setup, Target
from simgen.adapters.models import build_model
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.planes.crops import PlaneItem
from simgen.adapters.prepare import task_of
from simgen.adapters.segments.crops import SegmentItem
from simgen.adapters.settings import RuntimeConfig, TrainConfig
from simgen.adapters.target import Batch
from simgen.adapters.tasks import Task
from simgen.adapters.train import resolve_precision
from simgen.formats.imageset import ImageSet
from simgen.formats.vectors import VectorRecord

LIMIT = 2.2
CONFIGS = {
    "classify": (TrainConfig(task="classify", batch_size=64, view=CropView(input_size=48, grey=False)), 10),
    "detect": (TrainConfig(task="detect", batch_size=8), 6),
    "segment": (TrainConfig(task="segment", batch_size=8), 6),
    "keypoints": (TrainConfig(task="keypoints", batch_size=8), 1),
    "features": (TrainConfig(task="features", batch_size=64), 10),
}
WARM_UP = 3
LENGTH = 384


class Step:
    """A method and its model, ready to take one step after another on one batch."""

    def __init__(self, kind: str, task_name: str) -> None:
        torch.manual_seed(0)
        self.config, n_classes = CONFIGS[task_name]
        size = self.config.batch_size
        names = tuple(str(k) for k in range(n_classes))
        row = VectorRecord(Path(), 1, (LENGTH, 1), (), vector=np.zeros(LENGTH, np.float32))
        example = ImageSet(Path(), names, (row,))
        task = task_of(replace(self.config, method={"kind": kind}), example)
        fresh = partial(build_model, task.architecture(example), n_classes)
        self.model: Any = fresh().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = fresh().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.method: Method = METHODS[kind](Setup(task, self.model.n_features, n_classes, size, fresh))
        self.source = BATCHES[task_name](task, size) if self.method.uses_source else {}
        self.target = self._target(BATCHES[task_name](task, round(self.method.target_share * size) or 1), task_name)
        self.method.begin(self.model, lambda: [self.target])
        self.trained = [p for p in (*self.model.parameters(), *self.method.parameters()) if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.method.groups(self.model, self.config.optimizer.weight_decay))

    def _target(self, batch: Batch, task_name: str) -> Target:
        if not (self.method.uses_target and self.method.target_share):
            return Target({}, {})
        shown = {name: pictures for name, pictures in batch.items() if name in ("crop", "image", "vector")}
        return Target(shown, shown)

    def take(self, precision: str) -> float:
        """Take the step; return the processor's seconds."""
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            losses = self.method.losses(self.model, self.source, self.target, 0.5)
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained, self.config.optimizer.clip_norm)
        self.optimizer.step()
        update_average(self.average, self.model, self.config.optimizer.ema_decay)
        self.method.after_step(self.model, 0.5)
        return time.process_time() - began


def crops(task: Task, n: int) -> Batch:
    """Return n labelled crops of noise."""
    return task.collate([(torch.randint(256, (48, 48, 3), dtype=torch.uint8), k % 10) for k in range(n)])


def pictures(task: Task, n: int) -> Batch:
    """Return n pictures of noise with three boxes each."""
    boxes = torch.tensor([[10.0, 10, 50, 50], [100, 20, 140, 70], [60, 150, 120, 200]])
    image = torch.randint(256, (3, 224, 224), dtype=torch.uint8)
    maps = torch.rand(6, 224 // STRIDE, 224 // STRIDE)
    return task.collate([MappedItem(image, boxes, torch.tensor([0, 1, 2]), torch.zeros(0, 4), maps)] * n)


def masked_pictures(task: Task, n: int) -> Batch:
    """Return n pictures of noise with three masks each."""
    classes = torch.full((224, 224), 6, dtype=torch.uint8)
    objects = torch.zeros(224, 224, dtype=torch.int16)
    for number, (x1, y1, x2, y2) in enumerate([(10, 10, 50, 50), (100, 20, 140, 70), (60, 150, 120, 200)]):
        classes[y1:y2, x1:x2], objects[y1:y2, x1:x2] = number, number + 1
    image = torch.randint(256, (3, 224, 224), dtype=torch.uint8)
    return task.collate([SegmentItem(image, classes, objects)] * n)


def plates(task: Task, n: int) -> Batch:
    """Return n crops of noise with a flat object each."""
    image, cells = torch.randint(256, (3, 224, 224), dtype=torch.uint8), (224 // STRIDE, 224 // STRIDE)
    mask = torch.zeros(cells)
    mask[10:40, 10:40] = 1
    return task.collate([PlaneItem(image, mask, torch.rand(2, *cells), True)] * n)


def vectors(task: Task, n: int) -> Batch:
    """Return n labelled vectors of noise."""
    return task.collate([(torch.randn(LENGTH), k % 10) for k in range(n)])


BATCHES: dict[str, Callable[[Task, int], Batch]] = {
    "classify": crops,
    "detect": pictures,
    "segment": masked_pictures,
    "keypoints": plates,
    "features": vectors,
}


def measure(task_name: str, rounds: int, precision: str) -> dict[str, Any]:
    """Return the cost of a step of every method that is defined for the task."""
    steps = {kind: Step(kind, task_name) for kind in METHODS if task_name not in METHODS[kind].undefined}
    seconds: dict[str, list[float]] = {kind: [] for kind in steps}
    for number in range(-WARM_UP, rounds):
        for kind, step in steps.items():
            taken = step.take(precision)
            seconds[kind].extend([taken] * (number >= 0))
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    base = medians["source_only"]
    return {
        "source_only_ms": round(1000 * base, 1),
        "cost": {kind: round(value / base, 2) for kind, value in medians.items()},
        "dearer_than_limit": [kind for kind, value in medians.items() if value > LIMIT * base],
        "rounds": rounds,
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five rounds")
    parser.add_argument("--tasks", nargs="+", choices=sorted(CONFIGS), default=sorted(CONFIGS))
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    precision = resolve_precision(RuntimeConfig(accelerator="cpu"))
    report: dict[str, Any] = {"machine": machine(), "precision": precision, "limit": LIMIT}
    for name in arguments.tasks:
        report[name] = measure(name, 5 if arguments.quick else 24, precision)
    publish(report, arguments.json)


if __name__ == "__main__":
    main()
