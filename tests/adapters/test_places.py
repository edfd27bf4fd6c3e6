from dataclasses import replace
from pathlib import Path

import numpy as np
from adapter_fakes import OFF, write_coco

from simgen.adapters.data import DetectCrops
from simgen.adapters.places import DetailedCrops, detail
from simgen.adapters.settings import CropConfig, TrainConfig
from simgen.adapters.target import without_labels
from simgen.adapters.tasks import TASKS
from simgen.formats.coco import CocoDataset

CONFIG = TrainConfig(task="detect", augment=OFF, crop=CropConfig(crop_size=64, scale=(1, 1)))
SHOWN = replace(CONFIG, target=replace(CONFIG.target, scale=(1, 1)))


def _one_object_in_a_wide_picture(tmp_path: Path) -> CocoDataset:
    image = np.full((320, 320, 3), 90, np.uint8)
    image[200:232, 240:272] = 220
    image[208:224:8, 248:264:8] = 0
    return CocoDataset.read(write_coco(tmp_path / "set", [(image, [("die", (240, 200, 272, 232))])], ("die",)))


def test_target_crops_show_objects_that_nobody_marked_more_often(tmp_path: Path):
    bare = without_labels(_one_object_in_a_wide_picture(tmp_path), boxes=False)
    shown = [
        np.mean([kind(bare, CONFIG, 0).views(k)[0].numpy().max() > 200 for k in range(80)])
        for kind in (DetectCrops, DetailedCrops)
    ]
    assert shown[1] > 2 * shown[0] > 0


def test_the_task_cuts_its_target_so_and_alike_every_time(tmp_path: Path):
    data = _one_object_in_a_wide_picture(tmp_path)
    bare = without_labels(data, boxes=False)
    weak = TASKS["detect"](("die",), SHOWN).unlabelled(data).batch(0, 20).weak["image"]
    seed = replace(SHOWN, seed=SHOWN.seed + 2**31)
    assert [bytes(w.numpy()) for w in weak] == [
        bytes(DetailedCrops(bare, seed, 0).views(k)[0].numpy()) for k in range(20)
    ]


def test_detail_is_of_edges_not_of_brightness():
    flat, edges = np.full((64, 64, 3), 250, np.uint8), np.zeros((64, 64, 3), np.uint8)
    edges[:, 32:] = 50
    assert detail(flat) == 0
    # An edge of height h has |Laplacian| h in the columns on both of its sides.
    assert detail(edges) == 2 * 50 / 64
