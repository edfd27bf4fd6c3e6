from dataclasses import replace
from pathlib import Path

import torch
from adapter_fakes import OFF, shapes, write_coco

from simgen.adapters.augment import AugmentConfig
from simgen.adapters.crops import CropView
from simgen.adapters.settings import CropConfig, TrainConfig
from simgen.adapters.target import without_labels
from simgen.adapters.tasks import TASKS
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
CONFIG = TrainConfig(task="classify", view=CropView(input_size=16, grey=False), augment=OFF)


def _set(tmp_path: Path) -> CocoDataset:
    return CocoDataset.read(write_coco(tmp_path / "set", shapes(3), CLASSES))


def test_class_names_go_and_boxes_stay_only_where_they_are_given(tmp_path: Path):
    data = _set(tmp_path)
    kept, bare = without_labels(data, boxes=True), without_labels(data, boxes=False)
    assert {a.class_name for r in kept.records for a in r.annotations} == {""}
    assert (kept.records[0].annotations[0].box_xyxy == data.records[0].annotations[0].box_xyxy).all()
    assert all(not r.annotations and not r.masks for r in bare.records)
    assert [r.path for r in bare.records] == [r.path for r in data.records]


def test_a_pass_shows_every_object_once(tmp_path: Path):
    pictures = TASKS["classify"](CLASSES, CONFIG).unlabelled(_set(tmp_path))
    assert pictures.rounds == 6
    sizes = [len(batch.weak["crop"]) for batch in pictures.once(4)]
    assert sizes == [4, 2]
    seen = torch.cat([batch.weak["crop"] for batch in pictures.once(4)])
    assert len({bytes(crop.numpy().tobytes()) for crop in seen}) == 6


def test_without_augmentation_both_views_are_one_with_it_they_differ(tmp_path: Path):
    data = _set(tmp_path)
    for task, key in (("classify", "crop"), ("detect", "image")):
        config = replace(CONFIG, task=task, crop=CropConfig(crop_size=64))
        weak, strong = TASKS[task](CLASSES, config).unlabelled(data).batch(0, 2)
        assert torch.equal(weak[key], strong[key])
        loud = replace(config, augment=AugmentConfig(p_invert=1.0))
        weak, strong = TASKS[task](CLASSES, loud).unlabelled(data).batch(0, 2)
        assert not torch.equal(weak[key], strong[key])


def test_real_pictures_are_cut_at_their_own_size(tmp_path: Path):
    data = _set(tmp_path)
    config = replace(CONFIG, task="detect", crop=CropConfig(crop_size=64, scale=(0.2, 0.2)))
    whole = TASKS["detect"](CLASSES, config).unlabelled(data).batch(0, 8).weak["image"]
    near = replace(config, target=replace(config.target, scale=(4.0, 4.0)))
    part = TASKS["detect"](CLASSES, near).unlabelled(data).batch(0, 8).weak["image"]
    spread = [images.float().diff(dim=-1).abs().mean() for images in (whole, part)]
    assert spread[0] > 1.5 * spread[1]  # enlarged pictures are smoother
