import torch
from torch import nn

from simgen.adapters.methods.adabn import AdaBn
from simgen.adapters.methods.base import Setup
from simgen.adapters.target import Target


class _Task:
    def inputs(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return batch["x"]


def test_the_statistics_are_those_of_the_whole_target():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3))
    model(torch.randn(64, 3) * 5 + 9)
    model.eval()
    pictures = torch.randn(60, 3) * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([0.0, 1.0, -1.0])
    batches = [Target({"x": part}, {}) for part in pictures.split(20)]
    AdaBn(Setup(_Task(), 3, 2)).finish(model, lambda: batches)  # type: ignore[arg-type]
    norm = model[0]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert torch.allclose(norm.running_mean, pictures.mean(0), atol=1e-5)
    expected = torch.stack([part.var(0) for part in pictures.split(20)]).mean(0)
    assert torch.allclose(norm.running_var, expected, atol=1e-4)
    assert norm.momentum == 0.1
    assert not norm.training


def test_pictures_go_to_where_the_model_is():
    seen: list[torch.device] = []
    model = nn.Linear(3, 4).to("meta")
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].device))
    AdaBn(Setup(_Task(), 3, 2)).finish(model, lambda: [Target({"x": torch.ones(8, 3)}, {})])  # type: ignore[arg-type]
    assert seen == [torch.device("meta")]
