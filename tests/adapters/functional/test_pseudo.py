import math

import pytest
import torch
from torch import Tensor

from simgen.adapters.functional.pseudo import EMPTY, centroid_labels, class_thresholds, ramp, remembered


def test_the_same_share_of_every_class_counts_however_frequent_and_however_sure_it_is():
    torch.manual_seed(0)
    scores = torch.cat([0.5 + 0.5 * torch.rand(900), 0.2 + 0.3 * torch.rand(100)])
    classes = torch.cat([torch.zeros(900, dtype=torch.long), torch.ones(100, dtype=torch.long)])
    limits = class_thresholds(scores, classes, 2, share=0.4, sure=1.0)
    kept = scores >= limits[classes]
    assert int(kept[:900].sum()) == 360
    assert int(kept[900:].sum()) == 40


def test_what_is_sure_counts_anyway_and_unknown_classes_must_be_sure():
    scores = torch.tensor([0.99, 0.97, 0.96, 0.3, 0.2])
    classes = torch.tensor([0, 0, 0, 2, EMPTY])
    limits = class_thresholds(scores, classes, 4, share=0.2, sure=0.95)
    assert limits.tolist() == pytest.approx([0.95, 0.95, 0.3, 0.95])


def test_a_memory_forgets_the_oldest():
    memory = remembered(remembered(torch.zeros(4), torch.tensor([1.0, 2.0, 3.0])), torch.tensor([4.0, 5.0]))
    assert memory.tolist() == [2, 3, 4, 5]
    assert remembered(torch.zeros(2), torch.arange(5.0)).tolist() == [3, 4]


def test_the_ramp():
    assert ramp(0.0, 0.3) == pytest.approx(math.exp(-5))
    assert ramp(0.15, 0.3) == pytest.approx(math.exp(-1.25))
    assert ramp(-0.01, 0.3) == ramp(-0.01, 0.0) == 0
    assert ramp(0.3, 0.3) == ramp(0.9, 0.3) == ramp(0.0, 0.0) == 1


def _blobs() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    labels = torch.arange(3).repeat(40)
    return 8 * torch.eye(3)[labels] + torch.randn(120, 3) * 0.4, labels


def test_centroids_label_separate_gaussians_even_where_predictions_lean_the_wrong_way():
    vectors, labels = _blobs()
    # A third of class 2 is taken for class 0; the centroids put that right.
    guessed = labels.clone()
    guessed[(labels == 2) & (torch.arange(120) % 9 == 2)] = 0
    assert not torch.equal(guessed, labels)
    found = centroid_labels(vectors, vectors, torch.eye(3)[guessed])
    assert torch.equal(found, labels)


def test_empty_rows_of_the_memory_do_not_count():
    vectors, labels = _blobs()
    memory = torch.cat([torch.zeros(500, 3), vectors])
    probabilities = torch.cat([torch.zeros(500, 3), torch.eye(3)[labels]])
    assert torch.equal(centroid_labels(vectors, memory, probabilities), labels)


def test_centroids_are_those_of_the_equations():
    torch.manual_seed(2)
    vectors, probabilities = torch.randn(30, 4), torch.rand(30, 3).softmax(1)

    def unit(rows: Tensor) -> Tensor:
        return rows / rows.norm(dim=1, keepdim=True)

    rows = unit(torch.cat([vectors, torch.ones(30, 1)], 1))
    first = torch.stack([(probabilities[:, k : k + 1] * rows).sum(0) / probabilities[:, k].sum() for k in range(3)])
    labels = torch.tensor([int((unit(first) @ row).argmax()) for row in rows])
    again = torch.stack([rows[labels == k].mean(0) if (labels == k).any() else first[k] for k in range(3)])
    expected = torch.tensor([int((unit(again) @ row).argmax()) for row in rows])
    assert torch.equal(centroid_labels(vectors, vectors, probabilities), expected)
