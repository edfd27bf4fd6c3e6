"""A trained model and vectors in, probabilities out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.predict import Classified, Progress, inference, module_of
from simgen.adapters.vectors import rows_of
from simgen.formats.imageset import ImageRecord

_BATCH = 1024


def predict_vectors(
    model: ModelFile | nn.Module, records: Sequence[ImageRecord], *, progress: Progress | None = None
) -> list[Classified]:
    """Classify vectors, labelled or not.

    Args:
        model: a model file of the task "features", or its module.
        records: the vectors; their labels are not read.
        progress: called after each vector.

    Returns:
        For each record one row of probabilities.

    Raises:
        CheckpointError: a model of another task.
        DataError: records of pictures, or vectors of another length.
    """
    module: Any = module_of(model, "features")
    results: list[Classified] = []
    with inference(module) as device:
        for first in range(0, len(records), _BATCH):
            rows = rows_of(records[first : first + _BATCH], records[0].path.parent, module.in_features)
            found = module(torch.from_numpy(rows).to(device)).double().softmax(dim=1).cpu().numpy()
            for row in np.asarray(found, np.float64):
                results.append(Classified(row[None]))
                if progress:
                    progress(len(results), len(records))
    return results
