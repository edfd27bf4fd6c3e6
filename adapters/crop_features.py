"""A trained classifier's look at crops: its last features, and its probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simgen.adapters.checkpoint import load_model
from simgen.adapters.crops import CropView, to_grey
from simgen.adapters.predict import build_module
from simgen.errors import CheckpointError
from simgen.rare.patches import Embedding

Image = NDArray[np.uint8]
_BATCH = 256


class CropModel:
    """A model file of task classify, ready to look at crops.

    Args:
        path: the model file.

    Raises:
        CheckpointError: it cannot be read, or is of another task.
    """

    def __init__(self, path: Path) -> None:
        file = load_model(path)
        if file.task != "classify":
            raise CheckpointError(f'--model "{path}": expected a model of task classify, got one of {file.task}')
        self.classes = tuple(file.classes)
        self.view = CropView.from_preprocess(file.preprocess)
        self._module: Any = build_module(file).eval()

    def features(self, crops: Image) -> NDArray[np.float32]:
        """Return the (n, d) last features of crops (n, S, S, 3) of the view's size."""
        return self._run(crops, self._module.features)

    def probabilities(self, crops: Image) -> NDArray[np.float32]:
        """Return the (n, C) probabilities of the model's classes."""
        return self._run(crops, lambda inputs: torch.softmax(self._module(inputs), dim=1))

    @torch.no_grad()
    def _run(self, crops: Image, look: Any) -> NDArray[np.float32]:
        seen = to_grey(crops) if self.view.grey else crops
        parts = [look(self.view.to_input(torch.as_tensor(seen[i : i + _BATCH]))) for i in range(0, len(seen), _BATCH)]
        return np.asarray(torch.cat(parts).float().flatten(1).numpy(), np.float32)


def crop_embedding(path: Path) -> Embedding:
    """Return the embedding of crops by a classifier's last features. Raises `CheckpointError`."""
    model = CropModel(path)
    return Embedding(model.features, f"the last features of {path.name}", model.view.input_size, 1 + model.view.margin)
