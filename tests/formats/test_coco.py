"""The reader against what is wrong with other people's files."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from simgen.errors import DataError
from simgen.formats.coco import CocoDataset


def coco(folder: Path, **changes: Any) -> Path:
    """Write a set of one 40 x 30 picture with one box."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    cv2.imwrite(str(folder / "images" / "a.jpg"), rng.integers(0, 255, (30, 40, 3), np.uint8))
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}],
        "annotations": [{"id": 7, "image_id": 1, "category_id": 3, "bbox": [5, 6, 10, 12], "iscrowd": 0}],
        "categories": [{"id": 5, "name": "bolt"}, {"id": 3, "name": "nut"}],
        **changes,
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def box(*xywh: float) -> dict[str, Any]:
    return {"annotations": [{"id": 7, "image_id": 1, "category_id": 3, "bbox": list(xywh)}]}


def test_classes_follow_the_category_ids_and_boxes_become_corners(tmp_path):
    data = CocoDataset.read(coco(tmp_path))
    assert data.classes == ("nut", "bolt")
    assert data[0].rgb.shape == (30, 40, 3)
    (annotation,) = data[0].annotations
    assert annotation.class_name == "nut"
    assert annotation.box_xyxy.tolist() == [5, 6, 15, 18]
    assert annotation.mask is None


def test_polygons_become_masks(tmp_path):
    changes = box(5, 6, 10, 12)
    changes["annotations"][0]["segmentation"] = [[5, 6, 15, 6, 15, 18, 5, 18]]
    mask = CocoDataset.read(coco(tmp_path, **changes))[0].annotations[0].mask
    assert mask is not None
    assert mask.sum() == 120
    assert mask[6:18, 5:15].all()


def test_a_box_that_spills_a_little_is_clipped(tmp_path):
    data = CocoDataset.read(coco(tmp_path, **box(-1.5, 20, 10, 11)))
    assert data.records[0].annotations[0].box_xyxy.tolist() == [0, 20, 8.5, 30]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (box(35, 5, 20, 10), "annotation 7: the box [35, 5, 20, 10] lies outside the image of 40 x 30 pixels"),
        (box(5, 5, 0, 10), "annotation 7: expected a box with an area, got [5, 5, 0, 10]"),
        (box(5, 5, float("nan"), 10), "annotation 7: expected bbox [x, y, width, height], got [5, 5, nan, 10]"),
        (
            {"annotations": [{"id": 7, "image_id": 1, "category_id": 9, "bbox": [1, 1, 2, 2]}]},
            "annotation 7: unknown category id 9 (known: 3, 5)",
        ),
        (
            {"annotations": [{"id": 7, "image_id": 4, "category_id": 3, "bbox": [1, 1, 2, 2]}]},
            "annotation 7 names image id 4, which is not there",
        ),
        ({"categories": None}, 'expected a list of records under "categories"'),
        ({"images": [{"id": 1, "file_name": "b.jpg", "width": 40, "height": 30}]}, 'image "b.jpg" is missing'),
        (
            {"images": [{"id": 1, "file_name": "../../a.jpg", "width": 40, "height": 30}]},
            'image "../../a.jpg" lies outside the folder',
        ),
        (
            {"images": [{"id": 1, "file_name": "a.jpg", "width": 10**6, "height": 10**6}]},
            "image 1: expected 1 to 100000000 pixels, got 1000000 x 1000000",
        ),
    ],
)
def test_wrong_labels_are_refused_with_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(DataError) as caught:
        CocoDataset.read(coco(tmp_path, **changes))
    assert str(caught.value) == f'labels "{tmp_path / "annotations.json"}": {sentence}'


def test_malformed_json_names_the_line(tmp_path):
    coco(tmp_path)
    (tmp_path / "annotations.json").write_text('{\n"images": [}\n')
    with pytest.raises(DataError, match="line 2: expected JSON"):
        CocoDataset.read(tmp_path)


def test_a_truncated_picture_and_one_of_another_size(tmp_path):
    file = coco(tmp_path) / "images" / "a.jpg"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="expected a whole JPEG file, got a truncated one"):
        CocoDataset.read(tmp_path).verify()
    file.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"truncated one|cannot be decoded"):
        CocoDataset.read(tmp_path).verify()
    cv2.imwrite(str(file), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(DataError, match="expected 40 x 30 pixels as labelled, got 10 x 10"):
        CocoDataset.read(tmp_path).verify()
