from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from adapter_fakes import shapes, write_coco
from torch import Tensor, nn

from simgen.adapters import predict
from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import CropView
from simgen.adapters.models import build_model
from simgen.adapters.models.detector import DetectorOutput, decode
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.predict import pad_to_multiple, predict_classes, predict_detections
from simgen.errors import CheckpointError
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageRecord
from simgen.rng import stream
from simgen.samples import Annotation

CLASSES = ("square", "disc")


class _Reds(nn.Module):
    """A detector by hand: a peak of class 0, 24 pixels wide, in the middle of every red area."""

    size_multiple = 16

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> DetectorOutput:
        assert images.shape[2] % 16 == 0
        assert images.shape[3] % 16 == 0
        red = (images[:, :1] - images[:, 2:] > 0.3).float()
        near = nn.functional.avg_pool2d(red, 25, stride=1, padding=12, count_include_pad=True)[..., 2::4, 2::4]
        heat = torch.cat([near * 10 - 5, torch.full_like(near, -9)], dim=1)
        return DetectorOutput(heat, torch.full((len(images), 4, *near.shape[2:]), float(np.log(12 / 16))))

    def decode(self, output: DetectorOutput, score_min: float = 0.05, most: int = 100) -> list[object]:
        return list(decode(output, STRIDE, score_min, most))


@pytest.fixture
def dataset(tmp_path: Path) -> CocoDataset:
    return CocoDataset.read(write_coco(tmp_path / "set", shapes(3, size=150), CLASSES))


def _centres(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def test_boxes_come_back_in_original_pixels(dataset: CocoDataset):
    done = []
    found = predict_detections(_Reds(), dataset.records, score_min=0.5, progress=lambda k, n: done.append((k, n)))
    for record, result in zip(dataset.records, found, strict=True):
        truth = np.array([a.box_xyxy for a in record.annotations if a.class_name == "square"])
        assert result.boxes_xyxy.shape == (1, 4)
        assert np.abs(_centres(result.boxes_xyxy) - _centres(truth)).max() <= 4
        assert result.classes.tolist() == [0]
        assert (result.boxes_xyxy >= 0).all()
        assert (result.boxes_xyxy <= 150).all()
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_a_resized_look_gives_original_pixels_too(dataset: CocoDataset):
    found = predict_detections(_Reds(), dataset.records, score_min=0.2, scale=0.9)
    plain = predict_detections(_Reds(), dataset.records, score_min=0.2)
    for a, b in zip(found, plain, strict=True):
        assert np.abs(_centres(a.boxes_xyxy[:1]) - _centres(b.boxes_xyxy[:1])).max() <= 6
        assert (a.boxes_xyxy[0, 2] - a.boxes_xyxy[0, 0]) == pytest.approx(24 / 0.9, abs=0.2)


def test_tiles_find_each_object_once(dataset: CocoDataset, monkeypatch: pytest.MonkeyPatch):
    whole = predict_detections(_Reds(), dataset.records, score_min=0.5)
    monkeypatch.setattr(predict, "_TILE_PX", 96)
    monkeypatch.setattr(predict, "_OVERLAP_PX", 48)
    tiled = predict_detections(_Reds(), dataset.records, score_min=0.5)
    for a, b in zip(whole, tiled, strict=True):
        assert len(b.scores) == 1
        assert np.abs(_centres(a.boxes_xyxy) - _centres(b.boxes_xyxy)).max() <= 4


def test_prediction_leaves_the_module_as_it_was(dataset: CocoDataset):
    module = build_model({"kind": "center_detector", "neck": 8}, 2).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    predict_detections(module, dataset.records[:1])
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_labels_are_never_read(dataset: CocoDataset):
    view = CropView(input_size=8)
    module = build_model({"kind": "crop_classifier", "widths": [4, 8]}, 2)
    swapped = [
        replace(r, annotations=tuple(replace(a, class_name="unheard of") for a in r.annotations))
        for r in dataset.records
    ]
    for a, b in zip(
        predict_classes(module, dataset.records, view=view), predict_classes(module, swapped, view=view), strict=True
    ):
        assert a.probabilities.shape == (2, 2)
        assert np.array_equal(a.probabilities, b.probabilities)
        assert a.probabilities.sum(axis=1) == pytest.approx([1, 1])
        assert a.scores == pytest.approx(a.probabilities.max(axis=1))


def test_what_is_said_of_turned_views_does_not_depend_on_how_an_object_lies(tmp_path: Path):
    rgb = stream(0, 0, "turned").integers(0, 256, (12, 12, 3)).astype(np.uint8)
    lying = {"as_is": rgb, "turned": np.rot90(rgb), "mirrored": rgb[:, ::-1]}
    module = build_model({"kind": "crop_classifier", "widths": [4, 8]}, 2)
    whole = np.array([0.0, 0.0, 12.0, 12.0])
    records = []
    for number, (name, pixels) in enumerate(lying.items()):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels[..., ::-1])
        records.append(ImageRecord(tmp_path / f"{name}.png", number, (12, 12), (Annotation("square", whole),)))
    view = CropView(input_size=12)
    for turned in (False, True):
        found = predict_classes(module, records, view=replace(view, turned=turned))
        spread = np.ptp([f.probabilities for f in found], axis=0).max()
        assert (spread < 1e-6) == turned


def test_an_image_without_boxes_has_no_classes(dataset: CocoDataset):
    bare = replace(dataset.records[0], annotations=())
    module = build_model({"kind": "crop_classifier", "widths": [4, 8]}, 2)
    result = predict_classes(module, [bare], view=CropView(input_size=8))[0]
    assert result.probabilities.shape == (0, 2)
    assert result.classes.shape == result.scores.shape == (0,)


def test_a_model_of_another_task_is_refused(dataset: CocoDataset):
    module = build_model({"kind": "crop_classifier"}, 2)
    model = ModelFile("classify", list(CLASSES), {"kind": "crop_classifier"}, {}, None, {}, module.state_dict())
    with pytest.raises(CheckpointError, match="expected a model of the task detect, but got one of classify"):
        predict_detections(model, dataset.records)


def test_padding_is_grey_and_only_right_and_below():
    padded = pad_to_multiple(np.ones((20, 32, 3), np.uint8), 16)
    assert padded.shape == (32, 32, 3)
    assert (padded[:20] == 1).all()
    assert (padded[20:] == 114).all()
