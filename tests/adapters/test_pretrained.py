from pathlib import Path

import pytest
import torch
from transformers import AutoBackbone, ConvNextConfig, ResNetConfig, ViTConfig

from simgen.adapters.models import build_model, resolved
from simgen.adapters.models.pretrained import TransformersBackbone
from simgen.errors import CheckpointError

TINY = ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], layer_type="basic")


def _detector(**backbone: object) -> torch.nn.Module:
    return build_model({"kind": "center_detector", "neck": 8, "backbone": {"kind": "transformers", **backbone}}, 3)


@pytest.mark.parametrize("config", [TINY, ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1])])
def test_the_maps_have_the_strides_and_channels_that_are_promised(config: ResNetConfig):
    backbone = TransformersBackbone(config=config.to_dict())
    maps = backbone(torch.zeros(1, 3, 64, 96))
    assert backbone.strides == (4, 8, 16)
    assert [m.shape[1] for m in maps] == list(backbone.channels)
    assert [tuple(m.shape[2:]) for m in maps] == [(16, 24), (8, 12), (4, 6)]


def test_pretrained_weights_are_read_and_a_model_file_does_without_them(tmp_path: Path):
    torch.manual_seed(1)
    saved = AutoBackbone.from_config(TINY)
    saved.save_pretrained(tmp_path / "weights")
    detector = _detector(weights=str(tmp_path / "weights"))
    theirs = dict(saved.named_parameters())
    assert all(torch.equal(p, theirs[name]) for name, p in detector.backbone.body.named_parameters() if name in theirs)
    assert len(list(detector.backbone.body.parameters())) > 10
    architecture = resolved({"kind": "center_detector", "neck": 8, "backbone": {"kind": "transformers"}}, detector)
    again = build_model(architecture, 3)
    again.load_state_dict(detector.state_dict())
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(again.eval()(images).heat, detector.eval()(images).heat)


def test_a_backbone_that_does_not_fit_is_refused_with_a_reason(tmp_path: Path):
    vit = ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    with pytest.raises(CheckpointError, match="vit: expected a backbone with stages"):
        _detector(config=vit.to_dict())
    with pytest.raises(CheckpointError, match=r"strides \[4, 8, 16, 32, 64\], got \[4, 8, 16, 32\]"):
        _detector(config=TINY.to_dict(), maps=5)
    with pytest.raises(CheckpointError, match=r"expected either weights .* or config"):
        _detector()
    with pytest.raises(CheckpointError, match=r"config: .*resnett"):
        _detector(config={"model_type": "resnett"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="empty: "):
        _detector(weights=str(tmp_path / "empty"))
