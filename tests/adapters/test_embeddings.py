"""Vectors of objects: those that the model itself makes at the objects' places."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import CropView, crop_boxes
from simgen.adapters.embeddings import embed, sample_objects
from simgen.adapters.models import build_model
from simgen.adapters.predict import build_module
from simgen.adapters.tasks import TASKS
from simgen.formats.coco import CocoDataset
from simgen.formats.vectors import vector_set
from simgen.rng import stream

CLASSES = ("square", "disc")
BACKBONE = {"kind": "residual", "stem": 4, "widths": [4, 6, 8], "depths": [1, 1, 1]}
CROPS = {"kind": "crop_classifier", "in_channels": 3, "widths": [4, 8]}
DETECTOR = {"kind": "center_detector", "neck": 8, "backbone": BACKBONE}


def _file(task: str, architecture: dict[str, Any], preprocess: dict[str, Any], classes: int = 2) -> ModelFile:
    torch.manual_seed(0)
    state = build_model(architecture, classes).state_dict()
    return ModelFile(task, list(CLASSES), architecture, preprocess, None, {}, state)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> CocoDataset:
    return CocoDataset.read(write_coco(tmp_path_factory.mktemp("set") / "a", shapes(4), CLASSES))


def test_a_classifier_s_vectors_are_what_its_head_gets(images: CocoDataset):
    model = _file("classify", CROPS, TASKS["classify"](CLASSES, TINY).preprocess())
    found = embed(model, images.records)
    assert found is not None
    assert found.classes == CLASSES * 4
    np.testing.assert_array_equal(found.image, np.repeat(range(4), 2))
    record, module, view = images.records[2], build_module(model), CropView.from_preprocess(model.preprocess)
    boxes = np.array([a.box_xyxy for a in record.annotations])
    seen: list[Any] = []
    module.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))  # type: ignore[union-attr]
    module(view.to_input(torch.from_numpy(crop_boxes(record.rgb(), boxes, view))))
    np.testing.assert_allclose(found.vectors[found.image == 2], seen[0].detach().numpy(), atol=1e-5)


def test_generated_images_are_shown_by_the_habits_of_training(images: CocoDataset):
    habit = replace(TINY.box, square=True, slack=0.6)
    model = _file("classify", CROPS, TASKS["classify"](CLASSES, replace(TINY, box=habit)).preprocess())
    as_given, as_trained = embed(model, images.records), embed(model, images.records, synthetic=True)
    assert as_given is not None
    assert as_trained is not None
    assert not np.allclose(as_given.vectors, as_trained.vectors)


def test_a_detector_s_vectors_are_its_map_at_the_objects_centres(images: CocoDataset):
    model = _file("detect", DETECTOR, {})
    found = embed(model, images.records[:1])
    assert found is not None
    module: Any = build_module(model)
    record = images.records[0]
    with torch.no_grad():
        maps = module.features(torch.from_numpy(record.rgb()).permute(2, 0, 1)[None].float() / 255)[0].numpy()
    for vector, annotation in zip(found.vectors, record.annotations, strict=True):
        x1, y1, x2, y2 = annotation.box_xyxy
        np.testing.assert_allclose(vector, maps[:, int((y1 + y2) / 8), int((x1 + x2) / 8)], atol=1e-5)


def test_vectors_pass_through_the_hidden_layers():
    rows = stream(0, 0, "x").normal(size=(6, 5))
    data = vector_set(rows, np.array(["square", "disc"] * 3))
    found = embed(_file("features", {"kind": "vector_classifier", "in_features": 5, "widths": [7]}, {}), data.records)
    assert found is not None
    assert found.vectors.shape == (6, 7)
    assert set(found.classes) == set(CLASSES)


def test_a_model_without_vectors_and_images_without_objects_have_none(images: CocoDataset):
    bare = [replace(record, annotations=(), masks=()) for record in images.records]
    assert embed(_file("detect", DETECTOR, {}), bare) is None
    assert embed(replace(_file("detect", DETECTOR, {}), task="keypoints"), images.records) is None


def test_a_sample_has_so_many_objects_from_all_over_the_set(images: CocoDataset):
    few = sample_objects(images, 3, stream(0, 0, "s"))
    assert [len(record.annotations) for record in few] == [2, 1]
    assert sum(len(r.annotations) for r in sample_objects(images, 99, stream(0, 0, "s"))) == 8
    assert [r.path for r in few] == [r.path for r in sample_objects(images, 3, stream(0, 0, "s"))]
    ignored = images.records[0].annotations[0]
    marked = replace(images.records[0], annotations=(replace(ignored, ignore=True),), masks=(None,))
    lone = images.subset([0])
    lone.records = (marked,)  # type: ignore[misc]
    assert sample_objects(lone, 3, stream(0, 0, "s")) == []


def test_a_tiled_image_gives_the_vectors_of_its_tiles(tmp_path: Path):
    (rgb, objects), *_ = shapes(1, size=128)
    wide = np.full((64, 1500, 3), 110, np.uint8)
    x1, y1, x2, y2 = (int(v) for v in objects[0][1])
    patch = rgb[y1:y2, x1:x2]
    wide[10 : 10 + len(patch), 1400 : 1400 + patch.shape[1]] = patch
    box = (1400.0, 10.0, 1400.0 + patch.shape[1], 10.0 + len(patch))
    data = CocoDataset.read(write_coco(tmp_path / "wide", [(wide, [("square", box)])], CLASSES))
    model = _file("detect", DETECTOR, {})
    module: Any = build_module(model)
    found = embed(model, data.records)
    assert found is not None
    with torch.no_grad():
        whole = module.features(
            torch.from_numpy(np.pad(wide, ((0, 0), (0, 4), (0, 0)), constant_values=114)).permute(2, 0, 1)[None].float()
            / 255
        )
    cell = whole[0, :, int((box[1] + box[3]) / 8), int((box[0] + box[2]) / 8)].numpy()
    np.testing.assert_allclose(found.vectors[0], cell, atol=1e-4)
