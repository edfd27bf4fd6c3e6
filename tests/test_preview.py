"""What the contact sheet shows: names that can be read."""

import numpy as np
import pytest

from simgen.preview import Corners, class_color, contact_sheet, draw_labels, put_text
from simgen.samples import Annotation, Sample


def grey(*boxes: tuple[float, float, float, float]) -> Sample:
    annotations = tuple(Annotation("one", np.array(box, float)) for box in boxes)
    return Sample(0, np.full((120, 160, 3), 128, np.uint8), annotations)


@pytest.mark.parametrize("number", range(12))
def test_text_stands_out_from_its_label(number):
    image = np.full((60, 120, 3), 128, np.uint8)
    put_text(image, "three", np.array([10.0, 30, 60, 55]), class_color(number), taken := [])
    ((x1, y1, x2, y2),) = taken
    assert (x1, y2) == (10, 30)
    label = image[y1:y2, x1:x2].reshape(-1, 3).astype(int)
    filled = (label == class_color(number)).all(1).mean()
    assert 0.5 < filled < 0.95
    luminance = label @ (0.299, 0.587, 0.114)
    back = float(np.dot(class_color(number), (0.299, 0.587, 0.114)))
    assert np.abs(luminance - back).max() > 90
    image[y1:y2, x1:x2] = 128
    assert (image == 128).all()


def test_labels_do_not_hide_each_other_and_stay_in_the_picture():
    image = np.zeros((120, 160, 3), np.uint8)
    taken: list[Corners] = []
    for box in ((20, 40, 60, 80), (24, 42, 64, 82), (130, 0, 160, 30), (0, 100, 40, 120)):
        put_text(image, "four 0.97", np.array(box, float), (255, 0, 0), taken)
    for i, (x1, y1, x2, y2) in enumerate(taken):
        assert 0 <= x1 < x2 <= 160
        assert 0 <= y1 < y2 <= 120
        for a1, b1, a2, b2 in taken[:i]:
            assert x1 >= a2 or a1 >= x2 or y1 >= b2 or b1 >= y2


def test_a_name_is_on_the_sheet_above_its_box():
    color = class_color(0)
    drawn = draw_labels(grey((40, 60, 100, 110)), ["one"])
    assert ((drawn[44:59, 41:70] == color).all(2)).mean() > 0.5
    sheet = contact_sheet([grey((40, 60, 100, 110))], ["one"])
    assert sheet.shape == (420, 560, 3)
