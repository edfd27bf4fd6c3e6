import math

import pytest
import torch

from simgen.adapters.functional.losses import (
    focal_loss,
    giou_loss,
    offset_loss,
    pixel_cross_entropy,
    soft_dice_loss,
    weighted_mean,
)


def test_focal_loss_of_one_centre_and_two_empty_cells():
    logits = torch.tensor([0.0, 0.0, math.log(3.0)]).reshape(1, 1, 1, 3)  # p = 1/2, 1/2, 3/4
    heat = torch.tensor([1.0, 0.5, 0.0]).reshape(1, 1, 1, 3)
    centre = 0.5**2 * math.log(0.5)
    near = 0.5**4 * 0.5**2 * math.log(0.5)
    far = 0.75**2 * math.log(0.25)
    loss = focal_loss(logits, heat, torch.ones(1, 1, 1, 3))
    assert loss.item() == pytest.approx(-(centre + near + far), rel=1e-5)


def test_focal_loss_is_the_mean_over_centres():
    one = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    two = torch.zeros(2, 1, 1, 1), torch.ones(2, 1, 1, 1)
    weight = torch.ones(1, 1, 1, 1)
    assert focal_loss(*two, weight).item() == pytest.approx(focal_loss(*one, weight).item())


def test_focal_loss_learns_nothing_where_the_weight_is_zero():
    logits = torch.full((1, 2, 2, 2), 3.0, requires_grad=True)
    weight = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).reshape(1, 1, 2, 2)
    focal_loss(logits, torch.zeros(1, 2, 2, 2), weight).backward()
    assert logits.grad is not None
    assert (logits.grad[:, :, 0, 1] == 0).all()
    assert (logits.grad[:, :, 0, 0] > 0).all()


def test_focal_loss_stays_finite_for_extreme_logits():
    logits = torch.tensor([80.0, -80.0]).reshape(1, 1, 1, 2)
    heat = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    assert focal_loss(logits, heat, torch.ones(1, 1, 1, 2)).item() == pytest.approx(160.0)


def test_giou_loss_by_hand():
    predicted = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 1]])
    target = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 3, 1]])
    # The same; IoU 2/6 and the hull is the union; IoU 0, union 2, hull 3.
    expected = torch.tensor([0.0, 1 - 2 / 6, 1 + 1 / 3])
    torch.testing.assert_close(giou_loss(predicted, target), expected)


def test_giou_loss_has_a_gradient_between_boxes_that_do_not_touch():
    predicted = torch.tensor([[0.0, 0, 1, 1]], requires_grad=True)
    giou_loss(predicted, torch.tensor([[5.0, 0, 6, 1]])).sum().backward()
    assert predicted.grad is not None
    assert predicted.grad[0, 2] < 0


def test_weighted_mean_without_weight_is_zero():
    assert weighted_mean(torch.zeros(0), torch.zeros(0)).item() == 0
    assert weighted_mean(torch.tensor([1.0, 3.0]), torch.tensor([3.0, 1.0])).item() == pytest.approx(1.5)


def _three_pixels() -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes, probabilities of the second 1/2, 3/4, 9/10, of which the last pixel does not count."""
    odds = torch.tensor([1.0, 3.0, 9.0]).log()
    logits = torch.stack([torch.zeros(3), odds])[None, :, None].requires_grad_()
    return logits, torch.tensor([[[0, 1, 255]]])


def test_pixel_cross_entropy_is_the_mean_over_the_pixels_that_count():
    logits, labels = _three_pixels()
    loss = pixel_cross_entropy(logits, labels, 255)
    assert loss.item() == pytest.approx(-(math.log(0.5) + math.log(0.75)) / 2)
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[..., 2] == 0).all()
    assert (logits.grad[..., :2] != 0).all()


def test_bootstrapped_cross_entropy_is_the_mean_over_the_hardest_pixels():
    logits, labels = _three_pixels()
    loss = pixel_cross_entropy(logits, labels, 255, hardest=0.4)  # of two pixels, rounded up
    assert loss.item() == pytest.approx(-math.log(0.5))
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[..., 1:] == 0).all()


def test_soft_dice_loss_by_hand():
    logits, labels = _three_pixels()
    first = 2 * 0.5 / (0.5**2 + 0.25**2 + 1)
    second = 2 * 0.75 / (0.5**2 + 0.75**2 + 1)
    loss = soft_dice_loss(logits, labels, 255)
    assert loss.item() == pytest.approx(1 - (first + second) / 2)
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[..., 2] == 0).all()


def test_soft_dice_loss_leaves_out_a_class_that_no_pixel_has():
    logits, _ = _three_pixels()
    first = 2 * (0.5 + 0.25 + 0.1) / (0.5**2 + 0.25**2 + 0.1**2 + 3)
    loss = soft_dice_loss(logits, torch.zeros(1, 1, 3, dtype=torch.long), 255)
    assert loss.item() == pytest.approx(1 - first)


def test_losses_of_pixels_are_zero_where_none_counts():
    logits, labels = _three_pixels()
    nothing = torch.full_like(labels, 255)
    losses = pixel_cross_entropy(logits, nothing, 255) + soft_dice_loss(logits, nothing, 255)
    losses.backward()
    assert losses.item() == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_offset_loss_is_the_mean_l1_distance_over_the_cells_of_objects():
    predicted = torch.zeros(1, 2, 1, 3, requires_grad=True)
    target = torch.tensor([[1.0, -2.0, 50.0], [0.5, 0.0, 50.0]]).reshape(1, 2, 1, 3)
    loss = offset_loss(predicted, target, torch.tensor([[[1.0, 1.0, 0.0]]]))
    assert loss.item() == pytest.approx((1.5 + 2.0) / 2)
    loss.backward()
    assert predicted.grad is not None
    assert (predicted.grad[..., 2] == 0).all()
