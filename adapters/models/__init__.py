"""Modules and the tables that a config or a model file names them from.

`build_model({"kind": "center_detector", "neck": 64, "backbone": {"kind": "residual", "stem": 24}}, n_classes=6)`
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from simgen.adapters.models.backbone import ResidualBackbone
from simgen.adapters.models.classifier import CropClassifier
from simgen.adapters.models.detector import CenterDetector
from simgen.adapters.models.keypoint_net import PlaneNet
from simgen.errors import CheckpointError, did_you_mean

BACKBONES: dict[str, Callable[..., nn.Module]] = {"residual": ResidualBackbone}
MODELS: dict[str, Callable[..., nn.Module]] = {
    "center_detector": CenterDetector,
    "crop_classifier": CropClassifier,
    "plane_net": PlaneNet,
}


def build_model(architecture: Mapping[str, Any], n_classes: int) -> nn.Module:
    """Return a freshly initialised module.

    Args:
        architecture: {"kind": name in MODELS, ...arguments}; a "backbone" argument is {"kind": name in BACKBONES, ...}.
        n_classes: the size of the module's output.

    Raises:
        CheckpointError: an unknown kind, or arguments that it does not take.
    """
    arguments = dict(architecture)
    if "backbone" in arguments:
        arguments["backbone"] = _build(BACKBONES, arguments["backbone"], "backbone")
    return _build(MODELS, {**arguments, "n_classes": n_classes}, "model")


def _build(table: Mapping[str, Callable[..., nn.Module]], section: Any, what: str) -> nn.Module:
    arguments = dict(section) if isinstance(section, Mapping) else {}
    kind = str(arguments.pop("kind", ""))
    if kind not in table:
        raise CheckpointError(f"{what}: there is no kind {kind!r:.60}{did_you_mean(kind, table)}")
    _check_arguments(table[kind], arguments, f"{what} {kind}")
    try:
        return table[kind](**arguments)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise CheckpointError(f"{what} {kind}: these arguments do not build it: {problem}") from None


def _check_arguments(make: Callable[..., nn.Module], arguments: Mapping[str, Any], where: str) -> None:
    known = inspect.signature(make).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for name, value in arguments.items():
        if name not in known:
            if open_ended:
                continue
            raise CheckpointError(f'{where}: unknown key "{name}"{did_you_mean(name, {*known} - {"n_classes"})}')
        if known[name].annotation is int and not _is_count(value):
            raise CheckpointError(f"{where}.{name}: expected a whole number >= 1, got {value!r:.60}")
        if known[name].annotation == Sequence[int] and not (
            isinstance(value, list | tuple) and value and all(_is_count(v) for v in value)
        ):
            raise CheckpointError(f"{where}.{name}: expected a list of whole numbers >= 1, got {value!r:.60}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
