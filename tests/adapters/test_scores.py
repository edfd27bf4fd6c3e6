import numpy as np
import pytest

from simgen.adapters.metrics.overlaps import iou_pairs
from simgen.adapters.tasks.scores import Judged, average_precision, best_threshold, detection_scores, match


def _image(said: int, score: float, ignored: bool = False) -> Judged:
    """One detection that covers the one object, of class 0."""
    columns = np.array([said]), np.array([0]), np.array([ignored])
    return Judged(np.array([score]), *columns, np.ones((1, 1)))


def test_match_is_greedy_and_each_object_counts_once():
    truth = np.array([[0.0, 0, 10, 10]])
    boxes = np.array([[0.0, 0, 10, 9], [0, 0, 10, 10], [40, 40, 50, 50], [80, 80, 90, 90]])
    ignored = np.array([[40.0, 40, 50, 50]])
    assert match(iou_pairs(boxes, truth), iou_pairs(boxes, ignored)).tolist() == [1, 0, -1, 0]
    assert match(np.zeros((0, 1)), np.zeros((0, 0))).tolist() == []
    assert match(np.zeros((2, 0)), np.zeros((2, 0))).tolist() == [0, 0]


def test_average_precision_by_hand():
    scores, found = np.array([0.9, 0.8, 0.7]), np.array([True, False, True])
    # Recall 1/2 at precision 1, recall 1 at precision 2/3.
    assert average_precision(scores, found, 2) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert average_precision(scores, found, 4) == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    assert average_precision(np.zeros(0), np.zeros(0, bool), 3) == 0
    assert np.isnan(average_precision(np.zeros(0), np.zeros(0, bool), 0))


def test_best_threshold_lies_between_kept_and_left():
    scores, found = np.array([0.9, 0.8, 0.4, 0.3]), np.array([True, True, False, False])
    assert best_threshold(scores, found, 2) == pytest.approx((0.6, 1.0))
    # Equal scores cannot be parted.
    tied = best_threshold(np.array([0.9, 0.5, 0.5]), np.array([True, True, False]), 2)
    assert tied == pytest.approx((0.25, 0.8))
    assert best_threshold(np.zeros(0), np.zeros(0, bool), 2) == (0.5, 0.0)


def test_a_class_without_truth_is_left_out_of_the_mean():
    result = detection_scores([_image(0, 0.9), _image(1, 0.8)], 2)
    assert result.metrics == pytest.approx({"map50": 0.5, "f1": 2 * 1 / (1 + 2)})
    assert result.threshold == pytest.approx(0.85)


def test_ignored_truth_is_neither_found_nor_missed():
    images = [_image(0, 0.9, ignored=True), _image(0, 0.8)]
    assert detection_scores(images, 1).metrics == {"map50": 1.0, "f1": 1.0}
