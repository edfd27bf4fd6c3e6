import math

import numpy as np
import pytest
import torch
from adapter_fakes import OFF

from simgen.adapters.data import DetectItem
from simgen.adapters.models.detector import DetectorOutput, decode
from simgen.adapters.settings import TrainConfig
from simgen.adapters.tasks import TASKS
from simgen.adapters.tasks.detect import draw_targets
from simgen.formats.vectors import vector_set

CONFIG = TrainConfig(augment=OFF)
NONE = torch.zeros(0, 4)


def _item(boxes: list[list[float]], labels: list[int], ignored: list[list[float]] | None = None) -> DetectItem:
    return DetectItem(
        torch.zeros(3, 64, 64, dtype=torch.uint8),
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(labels, dtype=torch.long),
        torch.tensor(ignored, dtype=torch.float32).reshape(-1, 4) if ignored else NONE,
    )


def _says(batch: dict[str, torch.Tensor], scores: torch.Tensor) -> DetectorOutput:
    """Return an output whose peaks are those of the batch, with the score (C,) of their class."""
    heat = torch.where(batch["heat"] == 1, torch.logit(scores)[:, None, None], torch.tensor(-12.0))
    centres = (torch.stack(torch.meshgrid(torch.arange(16), torch.arange(16), indexing="xy"), -1) + 0.5) * 4
    distances = torch.cat([centres - batch["box"][..., :2], batch["box"][..., 2:] - centres], -1)
    return DetectorOutput(heat, torch.log(distances.clamp(min=0.1) / 16).permute(0, 3, 1, 2))


def test_targets_have_one_peak_for_each_object():
    maps = draw_targets(_item([[8, 8, 40, 40], [30, 44, 50, 60]], [2, 0]), 3, 16)
    peaks = (maps["heat"] == 1).nonzero().tolist()
    assert peaks == [[0, 13, 10], [2, 6, 6]]
    assert maps["box"][6, 6].tolist() == [8, 8, 40, 40]
    assert maps["box_weight"][6, 6] == 1
    assert 0.25 < maps["box_weight"][6, 7] < 1
    assert maps["box_weight"][0, 0] == 0


def test_an_object_cut_off_by_the_crop_still_has_its_peak():
    maps = draw_targets(_item([[52, 0, 64, 20], [0, 60, 10, 64]], [0, 1]), 2, 16)
    assert (maps["heat"] == 1).sum() == 2


def test_ignored_places_are_not_learnt_but_objects_in_them_are():
    maps = draw_targets(_item([[8, 8, 24, 24]], [0], [[0, 0, 64, 32]]), 1, 16)
    weight = maps["heat_weight"][0]
    assert weight[0, 15] == 0
    assert weight[12, 3] == 1
    assert weight[4, 4] == 1


def test_the_smaller_object_has_the_shared_cells():
    maps = draw_targets(_item([[26, 26, 38, 38], [2, 2, 62, 62]], [0, 1]), 2, 16)
    assert maps["box"][8, 8].tolist() == [26, 26, 38, 38]


def test_perfect_maps_decode_to_the_boxes_and_cost_almost_nothing():
    task = TASKS["detect"](["a", "b", "c"], CONFIG)
    item = _item([[8, 8, 40, 40], [30, 44, 50, 60]], [2, 0])
    batch = task.collate([item, _item([], [])])
    output = _says(batch, torch.full((3,), 12.0).sigmoid())
    losses = task.losses(output, batch)
    assert sum(v.item() for v in losses.values()) < 0.02
    found = decode(output, 4)
    torch.testing.assert_close(
        found[0].boxes, torch.tensor([[8.0, 8, 40, 40], [30, 44, 50, 60]])[[0, 1]], atol=1e-3, rtol=0
    )
    assert sorted(found[0].classes.tolist()) == [0, 2]
    assert len(found[1].scores) == 0


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_says_what_its_model_file_needs(name: str):
    task = TASKS[name](["a"], CONFIG)
    assert "kind" in task.architecture(vector_set(np.zeros((2, 5))))
    # That of keypoints is read from the training set: see test_keypoints. Vectors have no boxes.
    assert name == "keypoints" or {"box", "input"} & task.preprocess().keys()


def test_what_a_detector_guesses_teaches_as_labels_do_and_what_is_unsure_is_left_open():
    task = TASKS["detect"](["a", "b", "c"], CONFIG)
    both = [_item([], []), _item([[8, 8, 40, 40], [30, 44, 50, 60]], [2, 0])]
    guesses = task.guesses(_says(task.collate(both), torch.tensor([0.4, 0.5, 0.8])))
    assert guesses.classes.tolist() == [2, 0]
    assert guesses.scores.tolist() == pytest.approx([0.8, 0.4], abs=1e-5)
    assert guesses.picture.tolist() == [1, 1]
    student = DetectorOutput(torch.randn(2, 3, 16, 16), torch.randn(2, 4, 16, 16))
    unsure = [_item([], []), _item([[8, 8, 40, 40]], [2], [[30, 44, 50, 60]])]
    for kept, labelled in ((torch.tensor([True, True]), both), (torch.tensor([True, False]), unsure)):
        taught, expected = task.taught(student, guesses, kept), task.losses(student, task.collate(labelled))
        assert {k: float(v) for k, v in taught.items()} == pytest.approx({k: float(v) for k, v in expected.items()})


def test_a_detector_that_sees_nothing_teaches_that_nothing_is_there():
    task = TASKS["detect"](["a", "b"], CONFIG)
    nothing = DetectorOutput(torch.full((2, 2, 16, 16), -12.0), torch.zeros(2, 4, 16, 16))
    guesses = task.guesses(nothing)
    assert len(guesses.scores) == 0
    losses = task.taught(
        DetectorOutput(torch.zeros(2, 2, 16, 16), nothing.box), guesses, torch.zeros(0, dtype=torch.bool)
    )
    assert losses["heat"] > 1
    assert losses["box"] == 0


def test_what_a_classifier_guesses_teaches_where_it_counts():
    task = TASKS["classify"](["a", "b"], CONFIG)
    guesses = task.guesses(torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 0.5]]))
    assert guesses.classes.tolist() == [0, 1, 1]
    assert guesses.scores.tolist() == pytest.approx([1 / (1 + math.exp(-x)) for x in (2, 1, 0.5)])
    loss = task.taught(torch.tensor([[1.0, 0.0], [0.0, 3.0], [9.0, 0.0]]), guesses, torch.tensor([True, True, False]))
    assert float(loss["class"]) == pytest.approx((math.log1p(math.exp(-1)) + math.log1p(math.exp(-3))) / 3)


@pytest.mark.parametrize("name", sorted(TASKS.keys() - {"features"}))
def test_the_modules_input_is_made_of_pictures_between_0_and_1(name: str):
    task = TASKS[name](["a"], CONFIG)
    generator = torch.Generator().manual_seed(0)
    key, shape = ("crop", (2, 8, 8, 1)) if name == "classify" else ("image", (2, 3, 8, 8))
    batch = {key: torch.randint(256, shape, generator=generator).to(torch.uint8)}
    pictures = task.pictures(batch)
    assert pictures.shape == (2, shape[3] if name == "classify" else 3, 8, 8)
    assert float(pictures.max()) <= 1
    assert torch.equal(task.seen(pictures), task.inputs(batch))
