"""Modules and the tables that a config or a model file names them from.

A model is two halves, since methods of adaptation work between them: `model(x)` is `model.predict(model.features(x))`.

`build_model({"kind": "center_detector", "neck": 64, "backbone": {"kind": "residual", "stem": 24}}, n_classes=6)`
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from simgen.adapters.kinds import build_kind
from simgen.adapters.models.backbone import ResidualBackbone
from simgen.adapters.models.classifier import CropClassifier
from simgen.adapters.models.detector import CenterDetector
from simgen.adapters.models.keypoint_net import PlaneNet
from simgen.adapters.models.pretrained import TransformersBackbone
from simgen.adapters.models.segmenter import Segmenter
from simgen.adapters.models.timm_backbone import TimmBackbone
from simgen.adapters.models.vector_classifier import VectorClassifier


class Model(Protocol):
    """What training needs of a module of `MODELS`, beside being one.

    Attributes:
        n_features: channels of what `features` returns, its second dimension.
        heads: names of the submodules that `predict` uses.
        shallow: names of the first submodules that return a map (B, C, h, w), finest first; empty where it has none.
    """

    n_features: int
    heads: tuple[str, ...]
    shallow: tuple[str, ...]

    def features(self, inputs: Tensor, /) -> Tensor:
        """Return features (B, n_features, ...) of a task's inputs."""

    def predict(self, features: Tensor, /) -> Any:
        """Return the output of features: a tensor, or a named tuple of tensors (B, ...)."""


BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "residual": ResidualBackbone,
    "transformers": TransformersBackbone,
    "timm": TimmBackbone,
}
MODELS: dict[str, Callable[..., nn.Module]] = {
    "center_detector": CenterDetector,
    "crop_classifier": CropClassifier,
    "plane_net": PlaneNet,
    "segmenter": Segmenter,
    "vector_classifier": VectorClassifier,
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
        arguments["backbone"] = build_kind(BACKBONES, arguments["backbone"], "backbone")
    return build_kind(MODELS, arguments, "model", n_classes=n_classes)


def resolved(architecture: Mapping[str, Any], module: nn.Module) -> dict[str, Any]:
    """Return the arguments of `build_model` that give the module again where its pretrained weights cannot be had."""
    section = getattr(getattr(module, "backbone", None), "section", None)
    return {**architecture, "backbone": section} if section else dict(architecture)
