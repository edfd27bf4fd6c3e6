"""One walk over a set of pictures: every file is decoded for its statistics, its features and its objects' crops."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.gap.descriptor import SIDE_PX, describe
from simgen.adapters.gap.eye import Answers, Eye, join
from simgen.adapters.gap.statistics import BOX_STATISTICS, COUNT, IMAGE_STATISTICS, Planes
from simgen.cutting import crop_box
from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.rng import stream

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
MOST_CROPS = 200
"""So many objects of a class are described, drawn with the seed."""
_CROP_EXTENT = 1.2


@dataclass(frozen=True, eq=False)
class Observed:
    """What was seen of a set of n pictures with k labelled objects.

    Attributes:
        data: the pictures.
        statistics: values by the statistic's name: (n,) of pictures, (k,) of boxes; none of boxes without labels.
        features: (r, d), one row a picture, or one an object where a classifier looked.
        feature_image: (r,) the picture of each row.
        crops: descriptions of some objects' crops by class, (c, LENGTH) each.
        class_counts: (n, C) labelled objects of each class of `data.classes`.
        answers: what the model says, if there is one.
    """

    data: ImageSet
    statistics: dict[str, Array]
    features: Array
    feature_image: Numbers
    crops: dict[str, Array]
    class_counts: Numbers
    answers: Answers | None = None

    @property
    def labelled(self) -> bool:
        """Whether any picture has a label."""
        return bool(self.class_counts.sum())


def observe(
    data: ImageSet, eye: Eye | None, seed: int, *, source: bool, progress: Callable[[], None] | None = None
) -> Observed:
    """Look at every picture of a set once.

    Args:
        data: the pictures.
        eye: a model; without one the fixed descriptor gives the features.
        seed: of the choice of crops.
        source: whether these are the pictures that the model was trained on, or like them.
        progress: called after each picture.

    Raises:
        DataError: a picture that cannot be decoded, or a classifier and no boxes.
        CheckpointError: labels of classes that the model does not know.
    """
    if eye is not None:
        eye.require_classes(data)
        if eye.task == "classify" and not any(record.annotations for record in data.records):
            raise DataError(
                f'image set "{data.root}": a classifier looks at boxes, and there are none; compare without --model'
            )
    walk = _Walk(data, eye, _wanted(data, seed), source)
    for number, record in enumerate(data.records):
        walk.look(number, record)
        if progress:
            progress()
    return walk.observed()


class _Walk:
    """Collects what is seen, picture by picture."""

    def __init__(self, data: ImageSet, eye: Eye | None, wanted: dict[int, list[int]], source: bool) -> None:
        self._data, self._eye, self._wanted, self._source = data, eye, wanted, source
        self._pictures: dict[str, list[float]] = {name: [] for name in IMAGE_STATISTICS}
        self._features: list[Array] = []
        self._crops: dict[str, list[Array]] = {}
        self._answers: list[Answers] = []

    def look(self, number: int, record: ImageRecord) -> None:
        rgb = record.rgb()
        planes = Planes.of(rgb)
        for name, measure in IMAGE_STATISTICS.items():
            self._pictures[name].append(measure(planes))
        for place in self._wanted.get(number, ()):
            annotation = record.annotations[place]
            crop = crop_box(rgb, annotation.box_xyxy, _CROP_EXTENT, SIDE_PX)
            self._crops.setdefault(annotation.class_name, []).append(describe(crop))
        if self._eye is None:
            self._features.append(describe(rgb)[None])
        else:
            rows, said = self._eye.look(record, number, trained_on=self._source)
            self._features.append(rows)
            self._answers.append(said)

    def observed(self) -> Observed:
        return Observed(
            self._data,
            {name: np.array(values) for name, values in self._pictures.items()} | box_statistics(self._data),
            np.concatenate(self._features),
            np.repeat(np.arange(len(self._features)), [len(rows) for rows in self._features]),
            {name: np.stack(rows) for name, rows in self._crops.items()},
            class_counts(self._data),
            join(self._answers) if self._answers else None,
        )


def _wanted(data: ImageSet, seed: int) -> dict[int, list[int]]:
    """Return which annotations of which picture are described: at most `MOST_CROPS` of a class."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, record in enumerate(data.records):
        for place, annotation in enumerate(record.annotations):
            if not annotation.ignore:
                places.setdefault(annotation.class_name, []).append((number, place))
    wanted: dict[int, list[int]] = {}
    for name, found in sorted(places.items()):
        for k in stream(seed, 0, f"gap.crops.{name}").permutation(len(found))[:MOST_CROPS]:
            number, place = found[k]
            wanted.setdefault(number, []).append(place)
    return wanted


def box_statistics(data: ImageSet) -> dict[str, Array]:
    """Return objects a picture (n,), and the box statistics (k,); nothing for a set without labels."""
    boxes = [(_boxes(record), record.size_wh) for record in data.records]
    if not any(len(found) for found, _ in boxes):
        return {}
    values = {name: np.concatenate([of(*pair) for pair in boxes]) for name, of in BOX_STATISTICS.items()}
    return {COUNT: np.array([len(found) for found, _ in boxes], float), **values}


def _boxes(record: ImageRecord) -> Array:
    return np.array([a.box_xyxy for a in record.annotations if not a.ignore], float).reshape(-1, 4)


def class_counts(data: ImageSet) -> Numbers:
    """Return the (n, C) numbers of labelled objects of each class in each picture."""
    table = np.zeros((len(data), len(data.classes)), np.int64)
    for row, record in zip(table, data.records, strict=True):
        for annotation in record.annotations:
            if not annotation.ignore:
                row[data.classes.index(annotation.class_name)] += 1
    return table
