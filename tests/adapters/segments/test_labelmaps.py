from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simgen.adapters.metrics.segmentation import IGNORED
from simgen.adapters.segments.labelmaps import class_map, object_numbers, objects_of
from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord
from simgen.samples import Annotation

LABELS = {"a": 0, "b": 1}


def _record(*objects: tuple[str, tuple[int, int, int, int]], masks: bool = True) -> ImageRecord:
    annotations = tuple(Annotation(name, np.array(box, float)) for name, box in objects)
    polygons = [[[x1, y1, x2, y1, x2, y2, x1, y2]] for _, (x1, y1, x2, y2) in objects]
    shapes = tuple(polygons if masks else [None] * len(objects))
    return ImageRecord(Path("x.png"), 1, (20, 16), annotations, masks=shapes)


def _changed(record: ImageRecord, number: int, **changes: object) -> ImageRecord:
    annotations = list(record.annotations)
    annotations[number] = replace(annotations[number], **changes)
    return replace(record, annotations=tuple(annotations))


def test_every_pixel_has_the_class_of_its_object_and_background_is_last():
    expected = np.full((16, 20), 2)
    expected[0:4, 0:8], expected[10:16, 12:20] = 1, 0
    found = class_map(_record(("b", (0, 0, 8, 4)), ("a", (12, 10, 20, 16))), LABELS)
    assert found.tolist() == expected.tolist()


def test_of_two_objects_the_smaller_has_the_shared_pixels():
    record = _record(("a", (2, 2, 4, 4)), ("b", (0, 0, 10, 10)))
    numbers = object_numbers(objects_of(record), record.size_wh)
    assert np.bincount(numbers.ravel()).tolist() == [320 - 100, 4, 96]
    assert numbers[3, 3] == 1


@pytest.mark.parametrize("change", [{"ignore": True}, {"visible_fraction": 0.2}])
def test_objects_that_do_not_count_are_ignored(change: dict[str, object]):
    record = _changed(_record(("b", (0, 0, 8, 4)), ("a", (12, 10, 20, 16))), 0, **change)
    found = class_map(record, LABELS, min_visible=0.3)
    assert (found == IGNORED).sum() == 32
    assert (found[:4, :8] == IGNORED).all()


def test_an_ignored_object_without_a_mask_is_its_box_within_the_image():
    bare = _record(("b", (-3, 2, 8, 40)), masks=False)
    found = class_map(_changed(bare, 0, ignore=True), LABELS)
    assert (found[2:, :8] == IGNORED).all()
    assert (found == IGNORED).sum() == 14 * 8
    with pytest.raises(DataError, match=r'image "x.png": expected a mask of every object, got one without'):
        class_map(bare, LABELS)
