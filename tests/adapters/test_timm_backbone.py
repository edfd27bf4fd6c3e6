"""timm's backbones, by a stand-in for timm where it cannot be imported: as much of its interface as is used."""

import sys
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from simgen.adapters.models import build_model, resolved
from simgen.adapters.models.timm_backbone import TimmBackbone
from simgen.errors import CheckpointError

STRIDES = {"tinynet": (2, 4, 8, 16, 32), "flat_vit": (16, 16, 16)}


class _Features(nn.Module):
    """Maps at given strides, as timm's features_only gives them."""

    def __init__(self, strides: Sequence[int], levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = list(levels)
        steps = [b // a for a, b in zip((1, *strides), strides, strict=False)]
        self.stages = nn.ModuleList(nn.Conv2d(3 if k == 0 else 4 * k, 4 * k + 4, 3, s, 1) for k, s in enumerate(steps))
        self.feature_info = SimpleNamespace(
            reduction=lambda: [strides[k] for k in levels], channels=lambda: [4 * k + 4 for k in levels]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return [maps[k] for k in self.levels]


def _create_model(name: str, *, pretrained: bool, features_only: bool, out_indices: Any = None) -> nn.Module:
    assert features_only
    if pretrained and name != "tinynet":
        raise RuntimeError("No pretrained weights exist for flat_vit.")
    torch.manual_seed(7 if pretrained else torch.initial_seed())
    return _Features(STRIDES[name], out_indices or range(len(STRIDES[name])))


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("timm")
    usual = SimpleNamespace(mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.5))
    vars(module).update(
        create_model=_create_model, is_model=STRIDES.__contains__, get_pretrained_cfg=lambda name: usual
    )
    monkeypatch.setitem(sys.modules, "timm", module)


def _detector(**backbone: object) -> nn.Module:
    return build_model({"kind": "center_detector", "neck": 8, "backbone": {"kind": "timm", **backbone}}, 3)


@pytest.mark.usefixtures("timm")
def test_the_maps_have_the_strides_and_channels_that_are_promised() -> None:
    backbone = TimmBackbone(name="tinynet")
    maps = backbone(torch.zeros(1, 3, 64, 96))
    assert backbone.strides == (4, 8, 16)
    assert [m.shape[1] for m in maps] == list(backbone.channels) == [8, 12, 16]
    assert [tuple(m.shape[2:]) for m in maps] == [(16, 24), (8, 12), (4, 6)]


@pytest.mark.usefixtures("timm")
def test_pictures_are_standardised_as_the_weights_want_it() -> None:
    backbone = TimmBackbone(name="tinynet")
    images = torch.rand(1, 3, 32, 32)
    by_hand = (images - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / torch.tensor([0.2, 0.25, 0.5]).view(3, 1, 1)
    assert torch.allclose(backbone(images)[0], backbone.body(by_hand)[0])


@pytest.mark.usefixtures("timm")
def test_a_model_file_does_without_the_pretrained_weights() -> None:
    detector = _detector(name="tinynet", pretrained=True)
    architecture = resolved({"kind": "center_detector", "neck": 8, "backbone": {"kind": "timm"}}, detector)
    assert architecture["backbone"] == {"kind": "timm", "name": "tinynet", "maps": 3}
    torch.manual_seed(1)
    again = build_model(architecture, 3)
    images = torch.rand(1, 3, 64, 64)
    assert not torch.equal(again.eval()(images).heat, detector.eval()(images).heat)
    again.load_state_dict(detector.state_dict())
    assert torch.equal(again.eval()(images).heat, detector.eval()(images).heat)


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"name": "tinynett"}, r"timm knows no model 'tinynett'"),
        ({"name": "hf_hub:someone/tinynet"}, r"timm knows no model 'hf_hub:someone/tinynet'"),
        (
            {"name": "tinynet", "maps": 5},
            r"tinynet: expected maps of the strides \[4, 8, 16, 32, 64\], got \[2, 4, ",
        ),
        ({"name": "flat_vit"}, r"flat_vit: expected maps of the strides \[4, 8, 16\], got \[16, 16, 16\]"),
        ({"name": "tinynet", "pretraind": True}, r'unknown key "pretraind"'),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(section: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        _detector(**section)


def test_a_machine_without_timm_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(CheckpointError, match=r"expected timm, but the package timm is missing \(pip install 'simgen"):
        _detector(name="tinynet")


def test_a_torchvision_that_does_not_fit_gets_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist\\nmore')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(CheckpointError, match=r"its torchvision does not fit this torch: operator .* not exist$"):
        _detector(name="tinynet")


def test_the_real_timm_where_it_loads() -> None:
    try:
        import timm
    except (ImportError, RuntimeError) as problem:
        pytest.skip(f"timm does not load: {problem}")
    backbone = TimmBackbone(name="resnet10t")
    assert timm.is_model("resnet10t")
    assert [tuple(m.shape[1:]) for m in backbone(torch.zeros(1, 3, 64, 96))] == [
        (64, 16, 24),
        (128, 8, 12),
        (256, 4, 6),
    ]
