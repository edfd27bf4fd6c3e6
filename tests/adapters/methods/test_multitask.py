import math

import pytest
import torch
import torch.nn.functional as F

from simgen.adapters.methods.multitask import map_losses, uncertain


def _truth(relief: torch.Tensor, surface: torch.Tensor) -> dict[str, torch.Tensor]:
    normal = torch.zeros(len(relief), 3, *relief.shape[2:])
    normal[:, 2] = -1
    return {"relief": relief, "surface": surface, "normal": normal, "mask": torch.ones_like(relief)}


def test_the_weights_are_those_of_the_paper():
    s = torch.tensor(math.log(4.0))  # sigma = 2
    loss = torch.tensor(3.0)
    assert float(uncertain(loss, s, regression=True)) == pytest.approx(3 / (2 * 4) + math.log(2))
    assert float(uncertain(loss, s, regression=False)) == pytest.approx(3 / 4 + math.log(2))


@pytest.mark.parametrize(("regression", "best"), [(True, 3.0), (False, 6.0)])
def test_the_best_variance_is_the_loss_or_twice_it(regression: bool, best: float):
    s = torch.tensor(math.log(best), requires_grad=True)
    uncertain(torch.tensor(3.0), s, regression=regression).backward()
    assert s.grad is not None
    assert float(s.grad) == pytest.approx(0, abs=1e-6)


def test_relief_is_known_up_to_a_constant_and_only_where_there_is_a_surface():
    relief, surface = torch.randn(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
    surface[:, :, :2] = 0
    maps = torch.zeros(2, 5, 4, 4)
    maps[:, :1] = relief + torch.tensor([5.0, -3.0])[:, None, None, None]
    maps[:, 0, :2] += 100
    maps[:, 3] = -2
    losses = map_losses(maps, _truth(relief, surface))
    assert float(losses["depth"]) == pytest.approx(0, abs=1e-8)
    assert float(losses["normal"]) == pytest.approx(0, abs=1e-6)
    assert float(losses["mask"]) == pytest.approx(float(F.softplus(torch.tensor(0.0))))


def test_the_depth_loss_is_the_variance_by_hand():
    off = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(1, 1, 2, 2)
    maps = torch.cat([off, torch.zeros(1, 4, 2, 2)], dim=1)
    losses = map_losses(maps, _truth(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)))
    assert float(losses["depth"]) == pytest.approx((4 + 1 + 0 + 9) / 4)
