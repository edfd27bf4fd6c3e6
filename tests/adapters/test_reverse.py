"""Reverse validation on cases where the right labelling of the target is known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco
from torch import Tensor, nn

from simgen.adapters.models.detector import DetectorOutput
from simgen.adapters.reverse import ReverseValidation
from simgen.adapters.settings import CropConfig, TrainConfig, as_seen
from simgen.adapters.target import Target
from simgen.adapters.tasks import TASKS
from simgen.errors import DataError
from simgen.formats.coco import CocoDataset
from simgen.formats.vectors import vector_set
from simgen.rng import stream

CLASSES = ("a", "b", "c")
CORNERS = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]], np.float32)
VECTORS = TrainConfig(task="features", batch_size=4)


class _Nearest(nn.Module):
    """Calls a point, moved back by an offset, after the nearest corner, and then renames the classes."""

    def __init__(self, offset: float, names: Callable[[Tensor], Tensor] = lambda classes: classes) -> None:
        super().__init__()
        self.offset, self.names = nn.Parameter(torch.tensor(offset)), names

    def features(self, x: Tensor) -> Tensor:
        return x

    def predict(self, features: Tensor) -> Tensor:
        nearest = torch.cdist(features - self.offset, torch.tensor(CORNERS)).argmin(dim=1)
        return nn.functional.one_hot(self.names(nearest), 3).float()


def _clusters(n: int, offset: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(3), n)
    points = CORNERS[labels] + stream(0, n, "clusters").normal(size=(3 * n, 2)) + offset
    return points.astype(np.float32), np.array(CLASSES)[labels]


def _guard(config: TrainConfig = VECTORS) -> ReverseValidation:
    target, _ = _clusters(60, offset=1.5)
    task = TASKS["features"](CLASSES, as_seen(config))

    def once() -> list[Target]:
        return [Target({"vector": torch.tensor(part)}, {}) for part in np.array_split(target, 4)]

    return ReverseValidation(task, _Nearest(0.0), once, vector_set(*_clusters(40, offset=0.0)))


def test_a_right_labelling_passes_and_permuted_or_collapsed_ones_do_not():
    guard = _guard()
    # The candidate's own accuracy on the source would be low: it takes points 1.5 too far along both axes.
    right = guard(_Nearest(1.5))
    assert right > 0.9
    assert guard(_Nearest(1.5, lambda classes: (classes + 1) % 3)) < 0.1
    assert guard(_Nearest(1.5, lambda classes: torch.tensor([1, 0, 2])[classes])) < 0.5
    assert guard(_Nearest(1.5, torch.zeros_like)) == pytest.approx(1 / 3)
    assert guard(_Nearest(1.5, lambda classes: torch.arange(len(classes)) % 3)) < 0.6


def test_a_candidate_in_training_is_judged_as_it_is_evaluated_and_left_alone():
    class Normalising(_Nearest):
        def __init__(self) -> None:
            super().__init__(1.5)
            self.norm = nn.BatchNorm1d(2, affine=False)

        def features(self, x: Tensor) -> Tensor:
            normalised: Tensor = self.norm(x)
            return normalised

    candidate = Normalising().train()
    # With the batch's own statistics all points would lie about the first corner.
    assert _guard()(candidate) == pytest.approx(_guard()(_Nearest(1.5)), abs=0.02)
    assert candidate.training
    assert candidate.norm.num_batches_tracked == 0


def test_nothing_is_augmented():
    noisy = replace(VECTORS, vectors=replace(VECTORS.vectors, noise=5.0, drop=0.9))
    assert _guard(noisy)(_Nearest(1.5)) == _guard()(_Nearest(1.5))


@pytest.mark.parametrize("kind", ["detect", "segment"])
def test_the_truth_of_a_batch_names_the_objects_that_are_there(kind: Any, tmp_path: Path):
    source = CocoDataset.read(write_coco(tmp_path / "set", shapes(3), ("square", "disc"), masks=True))
    config = replace(TINY, task=kind, model={}, crop=CropConfig(crop_size=128, scale=(1.0, 1.0), background=0.0))
    task: Any = TASKS[kind](source.classes, as_seen(config))
    items = task.items(source, 3)
    batch = task.collate([items[k] for k in range(3)])
    truth = task.truth(batch)
    grid = torch.arange(32 * 32.0).reshape(1, 1, 32, 32).expand(3, 1, 32, 32)
    cells, scores = task.vectors(grid, truth, truth)
    there = scores.amax(dim=1) > 0.5
    assert set(scores[there].argmax(dim=1).tolist()) == {0, 1}
    # Red squares, blue discs: the picture at the cell says which it is.
    pictures = batch["image"].repeat_interleave(16, dim=0)[there]
    rows, columns = (cells[there, 0].long() // 32 * 4 + 2), (cells[there, 0].long() % 32 * 4 + 2)
    colours = pictures[torch.arange(len(pictures)), :, rows, columns]
    right = (colours[:, 0] > colours[:, 2]) == (scores[there].argmax(dim=1) == 0)
    assert right.float().mean() > 0.9


def test_held_out_images_without_objects_are_refused(tmp_path: Path):
    source = CocoDataset.read(write_coco(tmp_path / "set", [(rgb, []) for rgb, _ in shapes(2)], ("square", "disc")))
    config = replace(TINY, task="detect", model={}, crop=CropConfig(crop_size=64, scale=(1.0, 1.0)))

    class Blank(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def features(self, images: Tensor) -> Tensor:
            return images[:, :, ::4, ::4]

        def predict(self, features: Tensor) -> DetectorOutput:
            return DetectorOutput(features[:, :2], features[:, :1].expand(-1, 4, -1, -1))

    with pytest.raises(DataError, match="expected objects in the held-out images, but there are none"):
        ReverseValidation(TASKS["detect"](source.classes, as_seen(config)), Blank(), list, source)
