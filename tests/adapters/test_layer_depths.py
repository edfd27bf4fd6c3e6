import torch
from torch import nn

from simgen.adapters.models import build_model
from simgen.adapters.models.layers import depths, let_learn

DETECTOR = {
    "kind": "center_detector",
    "neck": 8,
    "backbone": {"kind": "residual", "stem": 8, "widths": [8, 8], "depths": [2, 1]},
}


def test_the_layers_of_a_classifier_by_name():
    found = depths(build_model({"kind": "crop_classifier", "widths": [4, 4]}, 2))
    assert found["head.weight"] == found["head.bias"] == 0
    assert found["stages.1.first.0.weight"] == found["stages.1.second.1.bias"] == 1
    assert found["stages.0.first.0.weight"] == 2
    assert found["stem.0.0.weight"] == found["stem.0.1.weight"] == 3


def test_the_layers_of_a_detector_go_from_its_heads_to_its_stem():
    found = depths(build_model(DETECTOR, 2))
    names = ["box.0.0.weight", "smooth.0.0.weight", "lateral.0.0.weight", "backbone.stages.1.0.first.0.weight"]
    names += ["backbone.stages.0.0.first.0.weight", "backbone.stem.0.0.weight"]
    order = [found[name] for name in names]
    assert order == sorted(order)
    assert order[0] == found["heat.2.weight"] == 0
    assert found["backbone.stages.0.0.first.0.weight"] == found["backbone.stages.0.1.second.0.weight"]


def test_a_module_without_numbers_is_a_layer_of_its_own():
    class Plain(nn.Module):
        heads = ("head",)

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.Linear(1, 1)

    assert depths(Plain()) == {
        "conv.weight": 2,
        "conv.bias": 2,
        "norm.weight": 1,
        "norm.bias": 1,
        "head.weight": 0,
        "head.bias": 0,
    }


def test_what_is_held_keeps_weights_and_statistics():
    model = build_model({"kind": "crop_classifier", "widths": [4, 4]}, 2).train()
    let_learn(model, 1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.randn(8, 1, 8, 8) + 3).sum().backward()
    assert model.get_parameter("stages.0.first.0.weight").grad is None
    assert model.get_parameter("stages.1.first.0.weight").grad is not None
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.startswith("stages.1.") for name in moved)
    let_learn(model, 9)
    assert all(p.requires_grad for p in model.parameters())
    assert all(m.training for m in model.modules())
