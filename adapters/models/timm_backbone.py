"""Backbones of timm behind the protocol of backbone.py."""

from typing import Any

import torch
from torch import Tensor, nn

from simgen.adapters.models.pretrained import FINEST


class TimmBackbone(nn.Module):
    """A convolutional backbone of timm: ResNet, ConvNeXt, EfficientNet, MobileNet, HGNet and others.

    The maps of strides 4, 8, 16 are used, of pictures standardised as the network's pretrained weights want it. Weights
    are read once, when training starts (from timm's own list, never with code from the hub); the model file then holds
    them and the name, and needs no network.

    Args:
        name: in `timm.list_models()`.
        pretrained: whether to start from timm's weights for that name, which it downloads; else freshly initialised.
        maps: how many maps.

    Raises:
        ValueError: timm cannot be imported; a name that it does not know; no maps of these strides; weights that
            cannot be had.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, name: str, pretrained: bool = False, maps: int = 3) -> None:
        super().__init__()
        timm = _timm()
        # "hf_hub:..." and "local-dir:..." would bring configurations from elsewhere.
        if not isinstance(name, str) or ":" in name or not timm.is_model(name):
            raise ValueError(f"name: timm knows no model {name!r:.60}; timm.list_models() lists them")
        self.strides = tuple(FINEST * 2**level for level in range(maps))
        levels = _levels(timm, name, self.strides)
        try:
            self.body = timm.create_model(name, pretrained=pretrained, features_only=True, out_indices=levels)
        except (OSError, RuntimeError) as problem:
            raise ValueError(f"{name}: its weights cannot be had: {str(problem).splitlines()[0]}") from None
        self.channels = tuple(int(c) for c in self.body.feature_info.channels())
        usual = timm.get_pretrained_cfg(name)
        for kind, values in (("mean", usual and usual.mean), ("deviation", usual and usual.std)):
            given = values or ((0.0,) * 3 if kind == "mean" else (1.0,) * 3)
            self.register_buffer(kind, torch.tensor(given).view(1, 3, 1, 1))
        self.section = {"kind": "timm", "name": name, "maps": maps}

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps (B, C_i, H / s_i, W / s_i) of images (B, 3, H, W) in [0, 1]."""
        return list(self.body((images - self.mean) / self.deviation))


def _timm() -> Any:
    try:
        import timm
    except ImportError as missing:
        what = f"the package {missing.name}" if missing.name else str(missing)
        raise ValueError(f"expected timm, but {what} is missing (pip install 'simgen-robotics[timm]')") from None
    except RuntimeError as problem:
        why = str(problem).splitlines()[0]
        raise ValueError(f"timm cannot be imported, for its torchvision does not fit this torch: {why}") from None
    return timm


def _levels(timm: Any, name: str, strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of timm's levels whose maps have these strides."""
    try:
        info = timm.create_model(name, pretrained=False, features_only=True).feature_info
    except (RuntimeError, AttributeError, TypeError) as problem:
        raise ValueError(f"{name}: timm has no maps of it: {str(problem).splitlines()[0]}") from None
    found = {int(stride): level for level, stride in enumerate(info.reduction())}
    if len(found) < len(info.reduction()) or not set(strides) <= set(found):
        raise ValueError(f"{name}: expected maps of the strides {list(strides)}, got {list(info.reduction())}")
    return tuple(found[stride] for stride in strides)
