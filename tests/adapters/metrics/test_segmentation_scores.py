import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from simgen.adapters.metrics import iou_figures, pixel_confusion


@pytest.mark.parametrize("seed", range(4))
def test_overlaps_against_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    true, said = rng.integers(4, size=(2, 20, 30)).astype(np.uint8)
    true[rng.uniform(size=true.shape) < 0.1] = 255
    figures = iou_figures(pixel_confusion(true, said, 5))
    kept = true != 255
    assert [figures[f"iou/{k}"] for k in range(4)] == pytest.approx(
        list(jaccard_score(true[kept], said[kept], average=None))
    )
    assert figures["miou"] == pytest.approx(jaccard_score(true[kept], said[kept], average="macro"))
    assert figures["iou/4"] is None
    assert figures["pixel_accuracy"] == pytest.approx((true[kept] == said[kept]).mean())


def test_a_class_that_is_said_but_not_there_counts_and_an_empty_image_has_no_figures():
    true, said = np.zeros((2, 2), int), np.array([[0, 0], [0, 1]])
    assert iou_figures(pixel_confusion(true, said, 2))["miou"] == pytest.approx((3 / 4 + 0) / 2)
    assert set(iou_figures(np.zeros((3, 3), np.int64)).values()) == {None}
