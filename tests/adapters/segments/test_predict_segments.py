"""Whole images in, maps and masks out: in original pixels, whatever the size of the look and of the tiles."""

from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import shapes, write_coco
from torch import Tensor, nn

from simgen.adapters import predict
from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.models import build_model
from simgen.adapters.models.segmenter import SegmenterOutput
from simgen.adapters.segments.labelmaps import class_map
from simgen.adapters.segments.predict import Segments, mask_overlaps, predict_segments
from simgen.errors import CheckpointError
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
LABELS = {"square": 0, "disc": 1}


class _Colours(nn.Module):
    """A segmenter by hand: red is a square, blue a disc, and a centre is where a colour is all around."""

    size_multiple = 16

    def __init__(self) -> None:
        super().__init__()
        self.semantic = nn.Sequential(nn.Conv2d(1, 3, 1))

    def forward(self, images: Tensor) -> SegmenterOutput:
        assert images.shape[2] % 16 == images.shape[3] % 16 == 0
        seen = images - images.mean(dim=1, keepdim=True)
        colours = nn.functional.avg_pool2d(seen[:, [0, 2]], 4)
        semantic = 200 * torch.cat([colours, torch.full_like(colours[:, :1], 0.15)], dim=1)
        inside = (colours.amax(dim=1, keepdim=True) > 0.15).float()
        near = nn.functional.avg_pool2d(inside, 7, stride=1, padding=3)
        return SegmenterOutput(semantic, 20 * near - 6, torch.zeros_like(colours))


@pytest.fixture
def dataset(tmp_path: Path) -> CocoDataset:
    return CocoDataset.read(write_coco(tmp_path / "set", shapes(3, size=150), CLASSES, masks=True))


def _agreement(found: Segments, dataset: CocoDataset, number: int) -> float:
    return float((found.semantic == class_map(dataset.records[number], LABELS)).mean())


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_masks_come_back_in_original_pixels(dataset: CocoDataset, scale: float):
    done = []
    found = predict_segments(_Colours(), dataset.records, scale=scale, progress=lambda k, n: done.append((k, n)))
    for number, segments in enumerate(found):
        record = dataset.records[number]
        assert segments.semantic.shape == (150, 150)
        assert segments.semantic.dtype == np.uint8
        assert _agreement(segments, dataset, number) > 0.98
        assert sorted(segments.objects.classes.tolist()) == [0, 1]
        order = [CLASSES.index(a.class_name) for a in record.annotations]
        overlaps = mask_overlaps(segments, record)
        assert [overlaps[list(segments.objects.classes).index(k), m] > 0.75 for m, k in enumerate(order)] == [True] * 2
        for box, region in zip(segments.objects.boxes_xyxy, segments.regions, strict=True):
            rows, columns = np.nonzero(region.mask())
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert not np.logical_and(*(region.mask() for region in segments.regions)).any()
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_tiles_give_the_maps_of_the_whole_image(dataset: CocoDataset, monkeypatch: pytest.MonkeyPatch):
    whole = predict_segments(_Colours(), dataset.records)
    monkeypatch.setattr(predict, "_TILE_PX", 96)
    monkeypatch.setattr(predict, "_OVERLAP_PX", 48)
    assert len(predict.tiles(150, 150)) == 9
    for one, other in zip(whole, predict_segments(_Colours(), dataset.records), strict=True):
        assert np.array_equal(one.semantic, other.semantic)
        assert one.objects.scores == pytest.approx(other.objects.scores, abs=1e-6)
        pairs = zip(one.regions, other.regions, strict=True)
        assert all(np.array_equal(a.mask(), b.mask()) for a, b in pairs)


def test_an_image_without_objects_has_none(dataset: CocoDataset):
    module = build_model({"kind": "segmenter", "neck": 8}, 2).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    (found,) = predict_segments(module, dataset.records[:1])
    assert found.objects.boxes_xyxy.shape == (0, 4)
    assert found.objects.scores.shape == found.objects.classes.shape == (0,)
    assert found.regions == ()
    assert mask_overlaps(found, dataset.records[0]).shape == (0, 2)
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_model_of_another_task_is_refused(dataset: CocoDataset):
    module = build_model({"kind": "center_detector", "neck": 8}, 2)
    model = ModelFile("detect", list(CLASSES), {"kind": "center_detector"}, {}, None, {}, module.state_dict())
    with pytest.raises(CheckpointError, match="expected a model of the task segment, but got one of detect"):
        predict_segments(model, dataset.records)
