"""Pixels to objects, on maps whose answer is known."""

import torch
from torch import Tensor

from simgen.adapters.models.boxes import cell_centres
from simgen.adapters.models.grouping import group, nearest, peaks

BACKGROUND = 2


def _two_touching() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two squares side by side, of classes 0 and 1, each pixel voting for its own centre; their numbers, too."""
    truth = torch.zeros(32, 32, dtype=torch.long)
    truth[8:20, 4:16], truth[8:20, 16:28] = 1, 2
    labels = torch.tensor([BACKGROUND, 0, 1])[truth]
    votes = torch.tensor([[0.0, 0.0], [10.0, 14.0], [22.0, 14.0]])[truth]
    return labels, torch.full((32, 32), 0.8), votes, truth


def test_touching_objects_are_parted_where_their_pixels_point():
    labels, confidence, votes, truth = _two_touching()
    found = group((labels, confidence, votes), torch.tensor([[22.0, 14], [10, 14]]), torch.tensor([0.5, 0.9]), 2)
    assert torch.equal(found.numbers, truth)
    assert found.classes.tolist() == [0, 1]
    torch.testing.assert_close(found.scores, torch.tensor([0.9 * 0.8, 0.5 * 0.8]))


def test_votes_that_miss_a_little_still_go_to_the_nearest_centre():
    labels, confidence, votes, truth = _two_touching()
    noise = torch.rand(votes.shape, generator=torch.Generator().manual_seed(0)) * 8 - 4
    found = group(
        (labels, confidence, votes + noise), torch.tensor([[10.0, 14], [22, 14]]), torch.tensor([0.9, 0.5]), 2
    )
    assert torch.equal(found.numbers, truth)


def test_an_object_has_one_class_by_majority_and_pays_for_the_others():
    labels, confidence, votes, truth = _two_touching()
    labels[8:11, 4:16] = 1  # a quarter of the first square
    found = group((labels, confidence, votes), torch.tensor([[10.0, 14], [22, 14]]), torch.tensor([0.9, 0.9]), 2)
    assert found.classes.tolist() == [1, 0]
    torch.testing.assert_close(found.scores, torch.tensor([0.9 * 0.8, 0.9 * 0.8 * 0.75]))
    assert torch.equal(found.numbers, torch.tensor([0, 2, 1])[truth])


def test_a_centre_without_pixels_and_pixels_without_a_centre_are_no_objects():
    labels, confidence, votes, truth = _two_touching()
    found = group((labels, confidence, votes), torch.tensor([[200.0, 200], [10, 14], [22, 14]]), torch.ones(3), 2)
    assert len(found.scores) == 2
    assert torch.equal(found.numbers > 0, truth > 0)
    none = group((labels, confidence, votes), torch.zeros(0, 2), torch.zeros(0), 2)
    empty = group((torch.full_like(labels, BACKGROUND), confidence, votes), torch.ones(1, 2), torch.ones(1), 2)
    for nothing in (none, empty):
        assert nothing.scores.shape == nothing.classes.shape == (0,)
        assert not nothing.numbers.any()


def test_peaks_are_four_cells_apart_at_least_and_the_best_come_first():
    heat = torch.zeros(20, 20)
    heat[5, 5], heat[5, 8], heat[5, 12], heat[15, 15], heat[2, 17] = 0.9, 0.8, 0.95, 0.3, 0.05
    cells, values = peaks(heat, 0.1, 10)
    assert cells.tolist() == [[5, 12], [5, 5], [15, 15]]
    assert values.tolist() == torch.tensor([0.95, 0.9, 0.3]).tolist()
    assert len(peaks(heat, 0.1, 2)[1]) == 2


def test_a_plateau_is_one_peak():
    heat = torch.zeros(20, 20)
    heat[4:9, 3:12] = 1.0
    assert len(peaks(heat, 0.1, 10)[1]) == 1


def test_the_nearest_centre_is_found_some_points_at_a_time():
    points = cell_centres(300, 300, 1).reshape(-1, 2)  # more than one part
    centres = torch.tensor([[10.0, 20], [200, 40], [150, 280]])
    expected = (points[:, None] - centres).square().sum(dim=-1).argmin(dim=1)
    assert torch.equal(nearest(points, centres), expected)
