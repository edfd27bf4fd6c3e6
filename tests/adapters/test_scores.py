import numpy as np
import pytest

from simgen.adapters.tasks.scores import average_precision, best_threshold, detection_scores, match


def test_match_is_greedy_and_each_object_counts_once():
    truth = np.array([[0.0, 0, 10, 10]])
    boxes = np.array([[0.0, 0, 10, 9], [0, 0, 10, 10], [40, 40, 50, 50], [80, 80, 90, 90]])
    assert match(boxes, truth, np.array([[40.0, 40, 50, 50]])).tolist() == [1, 0, -1, 0]
    assert match(boxes[:0], truth, truth[:0]).tolist() == []


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
    box = np.array([[0.0, 0, 10, 10]])
    found = [(box, np.array([0.9]), np.array([0])), (box, np.array([0.8]), np.array([1]))]
    truth = [(box, np.array([0]), np.array([False])), (box, np.array([0]), np.array([False]))]
    result = detection_scores(found, truth, 2)
    assert result.metrics == pytest.approx({"map50": 0.5, "f1": 2 * 1 / (1 + 2)})
    assert result.threshold == pytest.approx(0.85)


def test_ignored_truth_is_neither_found_nor_missed():
    box = np.array([[0.0, 0, 10, 10]])
    found = [(box, np.array([0.9]), np.array([0])), (box, np.array([0.8]), np.array([0]))]
    truth = [(box, np.array([0]), np.array([True])), (box, np.array([0]), np.array([False]))]
    assert detection_scores(found, truth, 1).metrics == {"map50": 1.0, "f1": 1.0}
