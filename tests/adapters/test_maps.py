from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import OFF, shapes, write_coco, write_sides

from simgen.adapters.maps import MappedCrops, maps_of
from simgen.adapters.models.detector import STRIDE, UNIT_PX
from simgen.adapters.settings import CropConfig, TrainConfig
from simgen.adapters.tasks.mapped import MappedDetect
from simgen.errors import DataError
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
CONFIG = TrainConfig(crop=CropConfig(crop_size=64, scale=(1.0, 1.0)), augment=OFF)


@pytest.fixture
def data(tmp_path: Path) -> CocoDataset:
    return CocoDataset.read(write_sides(write_coco(tmp_path / "set", shapes(3), CLASSES), shapes(3)))


def test_the_normal_of_a_plane_is_its_own():
    focal, facing = 400.0, np.array([0.3, -0.2, -1.0])
    facing /= np.linalg.norm(facing)
    v, u = np.mgrid[:21, :21] * float(STRIDE) - 10 * STRIDE
    depth = 0.6 * facing[2] / (facing[0] * u / focal + facing[1] * v / focal + facing[2])
    maps = maps_of(np.stack([depth, depth > 0, depth > 0], -1).astype(np.float32), focal)
    assert maps[1:4, 10, 10] == pytest.approx(facing, abs=1e-3)
    assert maps[0, 10, 10] == pytest.approx(focal * np.log(0.6) / UNIT_PX, abs=1e-3)


def test_relief_does_not_depend_on_the_scale_of_the_crop():
    near, far = (np.full((2, 2, 3), [z, 1, 0], np.float32) for z in (0.5, 0.52))
    steps = [maps_of(far, f)[0] - maps_of(near, f)[0] for f in (400.0, 800.0)]
    # Twice as large a picture: twice as many pixels to the same step.
    assert steps[1] == pytest.approx(2 * steps[0])
    assert steps[0][0, 0] == pytest.approx(400 * np.log(0.52 / 0.5) / 16, rel=1e-4)


def test_what_was_not_hit_is_no_surface():
    cells = np.array([[[0.0, 0.0, 0.0], [0.3, 0.5, 1.0], [0.6, 1.0, 1.0]]] * 2, np.float32)
    maps = maps_of(cells, 100.0)
    assert maps[4, 0].tolist() == [0, 0, 1]
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("augment", [OFF, replace(OFF, rotate_deg=180, flip=True, stretch=0.1)])
def test_masks_lie_on_the_objects_of_the_picture(augment: object, data: CocoDataset):
    crops = MappedCrops(data, replace(CONFIG, augment=augment), 12)
    for k in range(12):
        item = crops[k]
        red, green, blue = torch.nn.functional.avg_pool2d(item.image.float(), STRIDE)
        bright = ((red - green).abs() > 120) | ((blue - green).abs() > 120)
        inner = item.maps[5][bright]
        assert (inner > 0.5).float().mean() > 0.9 if len(inner) else True
        outside = item.maps[5][((red - green).abs() < 15) & ((blue - green).abs() < 15)]
        assert (outside < 0.5).float().mean() > 0.9


def test_boxes_stand_out_from_the_ground_and_the_batch_holds_the_maps(data: CocoDataset):
    task = MappedDetect(CLASSES, CONFIG)
    items = task.items(data, 4)
    batch = task.collate([items[k] for k in range(4)])
    assert batch["normal"].shape == (4, 3, 16, 16)
    assert batch["image"].shape == (4, 3, 64, 64)
    on, off = batch["mask"] == 1, (batch["mask"] == 0) & (batch["surface"] == 1)
    step = 128 * np.log(1 / 0.9) / UNIT_PX  # the images are 128 pixels wide and no camera is known
    assert float(batch["relief"][off].mean() - batch["relief"][on].mean()) == pytest.approx(step, rel=1e-3)


def test_images_without_depth_are_named(tmp_path: Path):
    bare = CocoDataset.read(write_coco(tmp_path / "bare", shapes(3), CLASSES))
    with pytest.raises(DataError, match=r"output\.depth=true.*but 00000000\.png has no depth image"):
        MappedCrops(bare, CONFIG, 4)
