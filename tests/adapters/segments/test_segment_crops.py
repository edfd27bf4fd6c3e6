"""Crops with masks, what the maps should say of them, and that nothing is learnt where nothing is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import OFF, shapes, write_coco

from simgen.adapters.metrics.segmentation import IGNORED
from simgen.adapters.models.segmenter import SegmenterOutput
from simgen.adapters.segments.crops import SegmentCrops, SegmentItem
from simgen.adapters.settings import CropConfig, TrainConfig
from simgen.adapters.tasks import TASKS
from simgen.adapters.tasks.segment import draw_targets
from simgen.errors import ConfigError, DataError
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
CONFIG = TrainConfig(task="segment", augment=OFF, crop=CropConfig(crop_size=64, scale=(0.7, 1.2)))


@pytest.fixture
def dataset(tmp_path: Path) -> CocoDataset:
    return CocoDataset.read(write_coco(tmp_path / "set", shapes(5), CLASSES, masks=True))


def _with(dataset: CocoDataset, **changes: object) -> CocoDataset:
    """Change every disc."""
    records = tuple(
        replace(r, annotations=tuple(replace(a, **changes) if a.class_name == "disc" else a for a in r.annotations))
        for r in dataset.records
    )
    return CocoDataset(dataset.root, dataset.classes, records)


def _colours(item: SegmentItem) -> np.ndarray:
    """Return the map of classes that the colours of the shapes tell."""
    rgb = item.image.numpy().astype(int)
    found = np.full(rgb.shape[1:], 2)
    found[rgb[0] - rgb[2] > 85], found[rgb[2] - rgb[0] > 85] = 0, 1
    return found


@pytest.mark.parametrize("turned", [{}, {"rotate_deg": 180.0, "shear_deg": 10.0, "stretch": 0.1, "flip": True}])
def test_masks_go_along_with_every_change_of_the_geometry(dataset: CocoDataset, turned: dict[str, float]):
    everything = replace(CONFIG.crop, keep_fraction=0.0, min_side=1)
    items = SegmentCrops(dataset, replace(CONFIG, augment=replace(OFF, **turned), crop=everything), 40)
    wrong = [(items[k].classes.numpy() != _colours(items[k])).mean() for k in range(40)]
    assert np.mean(wrong) < 0.01
    assert max(wrong) < 0.03
    assert {int(v) for k in range(40) for v in items[k].classes.unique()} == {0, 1, 2}


def test_items_depend_on_their_number_alone(dataset: CocoDataset):
    config = replace(CONFIG, augment=replace(CONFIG.augment, rotate_deg=90, p_noise=1.0))
    first, second = SegmentCrops(dataset, config, 9), SegmentCrops(dataset, config, 30)
    for name in ("image", "classes", "objects"):
        assert torch.equal(getattr(first[7], name), getattr(second[7], name))
    with pytest.raises(IndexError):
        first[9]


def test_objects_are_numbered_and_have_one_class_each(dataset: CocoDataset):
    for item in (SegmentCrops(dataset, CONFIG, 20)[k] for k in range(20)):
        numbers = item.objects.unique().tolist()
        assert numbers == list(range(len(numbers)))
        assert all(len(item.classes[item.objects == n].unique()) == 1 for n in numbers if n)
        assert (item.classes[item.objects > 0] < 2).all()


@pytest.mark.parametrize(
    ("changes", "crop"),
    [({"ignore": True}, {}), ({"visible_fraction": 0.1}, {}), ({}, {"min_side": 63}), ({}, {"keep_fraction": 1.0})],
)
def test_what_is_hidden_small_or_cut_off_is_ignored(
    dataset: CocoDataset, changes: dict[str, object], crop: dict[str, float]
):
    config = replace(CONFIG, crop=replace(CONFIG.crop, scale=(1.0, 1.0), **crop))
    items = [SegmentCrops(_with(dataset, **changes), config, 20)[k] for k in range(20)]
    ignored = [item.classes == IGNORED for item in items]
    assert any(mask.any() for mask in ignored)
    for item, mask in zip(items, ignored, strict=True):
        assert not item.objects[mask].any()
        if changes:
            assert not (item.classes == 1).any()


def test_an_object_without_a_mask_is_refused(tmp_path: Path):
    bare = CocoDataset.read(write_coco(tmp_path / "bare", shapes(2), CLASSES))
    with pytest.raises(DataError, match=r'image ".*\.png": expected a mask of every object, got one without'):
        SegmentCrops(bare, CONFIG, 1)[0]


def test_more_classes_than_a_map_can_hold_are_refused():
    with pytest.raises(ConfigError, match="task segment: expected fewer than 255 classes, got 255"):
        TASKS["segment"]([str(k) for k in range(255)], CONFIG)


def _item() -> SegmentItem:
    """A square of class 0 at the left, an ignored one at the right."""
    classes, objects = torch.full((64, 64), 2, dtype=torch.uint8), torch.zeros(64, 64, dtype=torch.int16)
    classes[16:40, 4:28], objects[16:40, 4:28] = 0, 1
    classes[16:40, 36:60] = IGNORED
    return SegmentItem(torch.zeros(3, 64, 64, dtype=torch.uint8), classes, objects)


def test_targets_point_from_every_cell_of_an_object_to_its_centre_of_mass():
    maps = draw_targets(_item())
    # The centre is (16, 28): the corner of four cells, of which the lower right one has it.
    assert (maps["heat"][0] == 1).nonzero().tolist() == [[7, 4]]
    assert maps["offset_weight"].sum() == 36
    assert maps["offset"][:, 4, 1].tolist() == [(16 - 6) / 16, (28 - 18) / 16]
    assert maps["heat_weight"][0, 4:10, 9:15].sum() == 0
    assert maps["heat_weight"].sum() == 256 - 36


def test_ignored_places_give_no_gradient():
    task = TASKS["segment"](["a", "b"], CONFIG)
    shapes_of = {"semantic": (1, 3, 16, 16), "centre": (1, 1, 16, 16), "offset": (1, 2, 16, 16)}
    leaves = {
        name: torch.randn(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
        for name, shape in shapes_of.items()
    }
    sum(task.losses(SegmenterOutput(**leaves), task.collate([_item()])).values()).backward()
    for leaf in leaves.values():
        assert leaf.grad is not None
        # A cell's logits reach the pixels of its neighbours, so the outermost ignored cells do learn.
        assert (leaf.grad[..., 5:9, 10:14] == 0).all()
        assert (leaf.grad[..., 4:10, 1:7] != 0).all()


def test_perfect_maps_cost_almost_nothing():
    task = TASKS["segment"](["a", "b"], CONFIG)
    batch = task.collate([_item()])
    labels = batch["classes"].long()
    known = torch.where(labels == IGNORED, 2, labels)
    cells = torch.nn.functional.one_hot(known, 3).permute(0, 3, 1, 2).float()[..., 2::4, 2::4]
    output = SegmenterOutput(60 * cells - 30, torch.where(batch["heat"] == 1, 15.0, -15.0), batch["offset"])
    losses = {name: value.item() for name, value in task.losses(output, batch).items()}
    assert losses["offset"] == 0
    assert losses["centre"] < 1e-5
    # Only the ramps between cells, enlarged, are in doubt.
    assert losses["class"] < 0.02 / 0.15  # the mean over the hardest 15 % of the pixels
    assert losses["dice"] < 0.05


def test_vectors_are_those_of_the_likeliest_cell_of_each_window():
    task = TASKS["segment"](["a", "b"], CONFIG)
    semantic = torch.zeros(2, 3, 8, 8)
    semantic[0, 1, 2, 3], semantic[1, 0, 6, 5] = 5.0, 7.0
    features = torch.arange(128.0).reshape(2, 1, 8, 8)
    vectors, logits = task.vectors(features, SegmenterOutput(semantic, semantic[:, :1], semantic[:, :2]))
    assert vectors.shape == (8, 1)  # four windows in each picture
    assert logits.shape == (8, 2)
    assert vectors[0].item() == 2 * 8 + 3
    assert vectors[4].item() == 64 + 6 * 8 + 5
    assert logits[0].tolist() == [0, 5]
    other = SegmenterOutput(semantic.flip(0), semantic[:, :1], semantic[:, :2])
    moved, _ = task.vectors(features, SegmenterOutput(semantic, semantic[:, :1], semantic[:, :2]), other)
    assert moved[0].item() == 6 * 8 + 5
