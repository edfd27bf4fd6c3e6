"""Where a model's encoder puts objects: one vector each, to see how two domains lie to each other.

Classifiers have a vector for each crop. Models on whole images have a map, and an object's vector is what it holds at
the centre of the object's box. Labels choose the places and name the classes: this is for reports, no method sees it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.adapters.checkpoint import ModelFile
from simgen.adapters.crops import CropView, crop_boxes
from simgen.adapters.predict import build_module, inference, own_part, pad_to_multiple, tiles
from simgen.adapters.settings import BoxHabit
from simgen.adapters.tasks.classify import judged_boxes
from simgen.adapters.vectors import rows_of
from simgen.cutting import resize
from simgen.formats.imageset import ImageRecord, ImageSet

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
MOST_OBJECTS = 500
"""So many objects of a set are embedded."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """Objects as a model's encoder sees them.

    Attributes:
        vectors: (n, F).
        image: (n,) the number of the image that each is in.
        classes: (n,) the name of each one's class.
    """

    vectors: Array
    image: Numbers
    classes: tuple[str, ...]


def embed(model: ModelFile, records: Sequence[ImageRecord], *, synthetic: bool = False) -> Embedded | None:
    """Return the vectors of all annotated objects; None for a model that has none, or without objects.

    Args:
        model: a model file.
        records: labelled images; as they are, so take a sample (`sample_objects`) of a large set.
        synthetic: whether they are like the generated ones that it was trained on: these are shown to it as they were
            in training, by the box habits and at the scale that its file names.

    Raises:
        DataError: an image that cannot be decoded.
    """
    look = _LOOKS.get(model.task)
    shown = list(records)
    if synthetic and "box" in model.preprocess:
        shown = [judged_boxes(record, BoxHabit(**model.preprocess["box"])) for record in records]
    if look is None or not any(record.annotations for record in shown):
        return None
    module: Any = build_module(model)
    scale = float(np.sqrt(np.prod(model.preprocess.get("train_scale", (1.0, 1.0))))) if synthetic else 1.0
    with inference(module):
        rows = [look(module, record, model, scale) for record in shown]
    image = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    return Embedded(np.concatenate(rows), image, tuple(a.class_name for r in shown for a in r.annotations))


def sample_objects(data: ImageSet, most: int, rng: Generator) -> list[ImageRecord]:
    """Return images drawn evenly until they hold `most` objects, the last ones with some of theirs; no ignored ones."""
    found: list[ImageRecord] = []
    left = most
    for number in rng.permutation(len(data)):
        record = data.records[number]
        kept = tuple(a for a in record.annotations if not a.ignore)[:left]
        if kept:
            found.append(replace(record, annotations=kept, masks=(None,) * len(kept)))
        left -= len(kept)
    return found


def _of_crops(module: Any, record: ImageRecord, model: ModelFile, _: float) -> Array:
    view = CropView.from_preprocess(model.preprocess)
    crops = torch.from_numpy(crop_boxes(record.rgb(), _boxes(record), view))
    return _plain(module.features(view.to_input(crops))) if len(crops) else np.zeros((0, module.n_features))


def _of_vector(module: Any, record: ImageRecord, _: ModelFile, __: float) -> Array:
    rows = rows_of([record], record.path.parent, module.in_features)
    return _plain(module.features(torch.from_numpy(rows)))[: len(record.annotations)]


def _of_centres(module: Any, record: ImageRecord, _: ModelFile, scale: float) -> Array:
    """Return what the map holds at the centres of the boxes, tile by tile as in prediction."""
    width, height = record.size_wh
    image = resize(record.rgb(), (max(1, round(width * scale)), max(1, round(height * scale))))
    size_wh = image.shape[1], image.shape[0]
    centres = _boxes(record).reshape(-1, 2, 2).mean(axis=1) * np.array(size_wh) / (width, height)
    vectors = np.zeros((len(centres), module.n_features))
    for tile in tiles(*size_wh):
        x1, y1, x2, y2 = tile
        low, high = np.split(np.array(own_part(tile, size_wh)), 2)
        own = ((centres >= low) & (centres < high)).all(axis=1)
        if own.any():
            patch = pad_to_multiple(image[y1:y2, x1:x2], module.size_multiple)
            (features,) = module.features(torch.from_numpy(patch).permute(2, 0, 1)[None].float() / 255)
            cells = ((centres[own] - (x1, y1)) * features.shape[2] / patch.shape[1]).astype(int)
            columns, lines = np.clip(cells, 0, (features.shape[2] - 1, features.shape[1] - 1)).T
            vectors[own] = _plain(features[:, lines, columns].T)
    return vectors


def _boxes(record: ImageRecord) -> Array:
    return np.array([a.box_xyxy for a in record.annotations], float).reshape(-1, 4)


def _plain(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.double().numpy(), np.float64)


_LOOKS: dict[str, Callable[[Any, ImageRecord, ModelFile, float], Array]] = {
    "classify": _of_crops,
    "features": _of_vector,
    "detect": _of_centres,
    "segment": _of_centres,
}
