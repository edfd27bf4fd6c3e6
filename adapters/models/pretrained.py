"""Backbones of other libraries behind the protocol of backbone.py."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

FINEST = 4
"""The stride of the first map."""
_PROBE_PX = 128


class TransformersBackbone(nn.Module):
    """A convolutional or hierarchical backbone of `transformers`: ResNet, ConvNeXt, Swin and others (AutoBackbone).

    The maps of strides 4, 8, 16 are used. Weights are read once, when training starts (from safetensors alone, never
    with code from the hub); the model file then holds weights and configuration, and needs neither network nor hub.

    Args:
        weights: a name on the hub, or a folder of `save_pretrained`.
        config: plain data with "model_type", as `PretrainedConfig.to_dict` gives it: freshly initialised weights.
        maps: how many maps.

    Raises:
        ValueError: neither or both of `weights` and `config`; unreadable weights; no maps of these strides.
        ModuleNotFoundError: transformers is not installed (the extra [backbones]).
    """

    def __init__(self, *, weights: str = "", config: Mapping[str, Any] | None = None, maps: int = 3) -> None:
        super().__init__()
        if bool(weights) == (config is not None):
            raise ValueError("expected either weights (a name or folder) or config (plain data)")
        self.strides = tuple(FINEST * 2**level for level in range(maps))
        chosen = _config_of(weights, config)
        chosen.out_features = _stages(chosen, self.strides)
        self.body = _body(weights, chosen)
        self.channels = tuple(int(c) for c in self.body.channels)
        self.section = {
            "kind": "transformers",
            "config": json.loads(chosen.to_json_string(use_diff=False)),
            "maps": maps,
        }

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps (B, C_i, H / s_i, W / s_i) of images (B, 3, H, W)."""
        return list(self.body(images).feature_maps)


def _config_of(weights: str, config: Mapping[str, Any] | None) -> Any:
    from transformers import AutoConfig

    try:
        if config is None:
            return AutoConfig.from_pretrained(weights, trust_remote_code=False)
        return AutoConfig.for_model(**{"model_type": "", **config})
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise ValueError(f"{weights or 'config'}: {str(problem).splitlines()[0]}") from None


def _body(weights: str, config: Any) -> Any:
    from transformers import AutoBackbone

    try:
        fresh: Any = AutoBackbone.from_config(config)  # type: ignore[no-untyped-call]
        # Through the class itself: AutoBackbone.from_pretrained takes no folder (transformers 5).
        return type(fresh).from_pretrained(weights, config=config, use_safetensors=True) if weights else fresh
    except (OSError, ValueError, TypeError) as problem:
        raise ValueError(f"{weights or config.model_type}: {str(problem).splitlines()[0]}") from None


def _stages(config: Any, strides: tuple[int, ...]) -> list[str]:
    """Return the names of the stages whose maps have these strides, each the last of its stride."""
    names = list(getattr(config, "stage_names", None) or [])
    if not names:
        raise ValueError(f"{config.model_type}: expected a backbone with stages, and it has none")
    config.out_features = names
    with torch.no_grad():
        maps = _body("", config).eval()(torch.zeros(1, 3, _PROBE_PX, _PROBE_PX)).feature_maps
    found = {_PROBE_PX // map_.shape[-1]: name for name, map_ in zip(names, maps, strict=True)}
    if not set(strides) <= set(found):
        raise ValueError(f"{config.model_type}: expected maps of the strides {list(strides)}, got {sorted(found)}")
    return [found[stride] for stride in strides]
