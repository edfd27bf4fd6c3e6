"""A trained model that looks at pictures: its pooled features, and what it says of each object.

The features are caught on their way through the module while `simgen.adapters.predict` does its usual work, so the
model sees exactly what it sees in an evaluation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simgen.adapters.checkpoint import load_model
from simgen.adapters.crops import CropView
from simgen.adapters.metrics import match_images
from simgen.adapters.predict import Detections, build_module, predict_classes, predict_detections
from simgen.adapters.segments.predict import predict_segments
from simgen.errors import CheckpointError
from simgen.formats.imageset import ImageRecord, ImageSet

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
_THRESHOLD = 0.3


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of k objects.

    Attributes:
        image: (k,) number of the picture that each is in.
        said: (k,) the class it is taken for.
        confidence: (k,) of that, 0 to 1.
        true: (k,) the labelled class; C where a detector sees an object and no label does.
        probabilities: (k, C), or (k, 0) where the model gives none.
    """

    image: Numbers
    said: Numbers
    confidence: Array
    true: Numbers
    probabilities: Array

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(k,) bool."""
        return np.asarray(self.said != self.true, bool)

    def counts(self, n_images: int, n_classes: int) -> Numbers:
        """Return the (n, C) numbers of objects said to be of each class in each picture."""
        table = np.zeros((n_images, n_classes), np.int64)
        np.add.at(table, (self.image, self.said), 1)
        return table


def join(parts: list[Answers]) -> Answers:
    """Return the answers for several pictures as one."""
    columns = ("image", "said", "confidence", "true", "probabilities")
    return Answers(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


class Eye:
    """A model file, ready to look.

    Args:
        path: a model file of `simgen train`, of any task.

    Raises:
        CheckpointError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._file = load_model(path)
        self.classes = tuple(self._file.classes)
        self.task = self._file.task
        self._module: Any = build_module(self._file)
        self._view = CropView.from_preprocess(self._file.preprocess) if self.task == "classify" else None
        self._scale = float(np.sqrt(np.prod(self._file.preprocess.get("train_scale", (1.0, 1.0)))))

    @property
    def description(self) -> str:
        """What the features are."""
        if self.task == "classify":
            return "the model's last features of each annotated box"
        return "the last maps of the model's backbone, averaged over each picture"

    def require_classes(self, data: ImageSet) -> None:
        """Raise `CheckpointError` where the set is labelled with classes that the model does not know."""
        unknown = sorted({a.class_name for r in data.records for a in r.annotations} - set(self.classes))
        if unknown:
            raise CheckpointError(
                f'--model: knows the classes [{", ".join(self.classes)}], but the images in "{data.root}" are labelled '
                f"with [{', '.join(unknown)}], too"
            )

    def look(self, record: ImageRecord, number: int, *, trained_on: bool) -> tuple[Array, Answers]:
        """Return the features, (k, d) of the boxes or (1, d) of the picture, and the answers.

        Args:
            record: the picture.
            number: that the answers carry as `image`.
            trained_on: whether the picture is like those that the model was trained on; a detector is shown these at
                the middle of the scales of its training crops, others as they are (as `simgen evaluate` does).
        """
        if self.task == "classify":
            return self._classify(record, number)
        return self._detect(record, number, self._scale if trained_on else 1.0)

    def _classify(self, record: ImageRecord, number: int) -> tuple[Array, Answers]:
        seen = [a for a in record.annotations if not a.ignore]
        with _entering(self._module.head) as caught:
            (result,) = predict_classes(self._module, [replace(record, annotations=tuple(seen))], view=self._view)
        features = caught[0] if caught else np.zeros((0, self._module.head.in_features))
        true = np.array([self.classes.index(a.class_name) for a in seen], np.int64)
        image = np.full(len(seen), number, np.int64)
        return features, Answers(image, result.classes, result.scores, true, result.probabilities)

    def _detect(self, record: ImageRecord, number: int, scale: float) -> tuple[Array, Answers]:
        threshold = _THRESHOLD if self._file.threshold is None else float(self._file.threshold)
        with _leaving(self._module.backbone) as caught:
            found = self._found(record, scale)
        (match,) = match_images([found], [record], self.classes, threshold)
        said, true = (np.array([pair[k] for pair in match.detections], np.int64) for k in (0, 1))
        image = np.full(len(said), number, np.int64)
        answers = Answers(image, said, found.scores[list(match.kept)], true, np.zeros((len(said), 0)))
        return np.mean(caught, axis=0)[None], answers

    def _found(self, record: ImageRecord, scale: float) -> Detections:
        if self.task == "segment":
            return predict_segments(self._module, [record], scale=scale)[0].objects
        return predict_detections(self._module, [record], scale=scale)[0]


@contextmanager
def _entering(module: Any) -> Iterator[list[Array]]:
    """Catch the (B, d) inputs of a module while the block runs."""
    caught: list[Array] = []
    hook = module.register_forward_pre_hook(lambda _, given: caught.append(_plain(given[0])))
    try:
        yield caught
    finally:
        hook.remove()


@contextmanager
def _leaving(module: Any) -> Iterator[list[Array]]:
    """Catch the last of a backbone's maps, (1, d, h, w), averaged to (d,), while the block runs: one for each tile."""
    caught: list[Array] = []
    hook = module.register_forward_hook(lambda _, given, maps: caught.append(_plain(maps[-1].mean(dim=(2, 3))[0])))
    try:
        yield caught
    finally:
        hook.remove()


def _plain(tensor: Tensor) -> Array:
    return np.asarray(tensor.double().cpu().numpy(), np.float64)
