"""A trained classifier as it sees RGBA crops: features, probabilities, and features that gradients go through.

What lies outside of a crop's mask is shown as the grey that pictures are padded with.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import CropView
from simgen.adapters.predict import build_module, inference
from simgen.adapters.settings import BoxHabit
from simgen.cutting import PAD_GREY
from simgen.errors import CheckpointError

Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]
_BATCH = 256
_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


class RgbaClassifier:
    """A classifier of crops that is shown RGBA crops.

    Args:
        model: a model file of the task "classify".
        margin: of the RGBA crops: their side is (1 + margin) times the longer side of the object's box.

    Raises:
        CheckpointError: a model of another task.
    """

    def __init__(self, model: ModelFile, margin: float) -> None:
        if model.task != "classify":
            raise CheckpointError(f"model file: expected a classifier of crops, got one for the task {model.task}")
        self.classes = tuple(model.classes)
        self._view = CropView.from_preprocess(model.preprocess)
        slack = BoxHabit(**model.preprocess.get("box", {})).slack
        self._extent = slack * (1 + self._view.margin) / (1 + margin)
        self._module: Any = build_module(model).requires_grad_(False).eval()

    def features(self, rgba: Pixels) -> Array:
        """Return the (N, F) pooled features of (N, S, S, 4) crops with straight colours."""
        return self._answers(rgba, self._module.features, self._module.n_features)

    def probabilities(self, rgba: Pixels) -> Array:
        """Return the (N, C) probabilities of the classes."""
        return self._answers(rgba, lambda x: self._module(x).softmax(1), len(self.classes))

    def perceptual(self, crops: Tensor) -> Tensor:
        """Return the (N, F) features of premultiplied crops (N, 4, S, S) in [0, 1]; gradients go through."""
        features: Tensor = self._module.features(self._shown(crops))
        return features

    def _answers(self, rgba: Pixels, answer: Callable[[Tensor], Tensor], width: int) -> Array:
        rows = [np.zeros((0, width))]
        with inference(self._module):
            for start in range(0, len(rgba), _BATCH):
                part = torch.from_numpy(rgba[start : start + _BATCH]).permute(0, 3, 1, 2).float() / 255
                part[:, :3] *= part[:, 3:]
                rows.append(answer(self._shown(part)).double().numpy())
        return np.concatenate(rows)

    def _shown(self, crops: Tensor) -> Tensor:
        """Return the module's input: crops on grey, with as much around the object as it was trained with."""
        seen = crops[:, :3] + (1 - crops[:, 3:]) * (PAD_GREY / 255)
        rim = round((self._extent - 1) / 2 * crops.shape[-1])
        seen = functional.pad(seen, [rim] * 4, value=PAD_GREY / 255)
        size = self._view.input_size
        seen = functional.interpolate(seen, (size, size), mode="bilinear", antialias=True, align_corners=False)
        return self._view.seen((seen * _LUMA).sum(1, keepdim=True) if self._view.grey else seen)
