"""One walk over a labelled set: every object's attributes, and its row in an embedding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError
from simgen.formats.imageset import ImageSet
from simgen.rare.attributes import ATTRIBUTES, Row, measure, places_of
from simgen.rare.patches import Embedding, crops_of


@dataclass(frozen=True, eq=False)
class Survey:
    """What was measured of a set with n labelled objects.

    Attributes:
        data: the set.
        rows: n rows of attributes.
        image: (n,) the number of the image that each is in.
        place: (n,) its place among that image's annotations.
        embedded: (n, D) float32, or None where no embedding was asked for.
        missing: the attributes that no object has a value of.
    """

    data: ImageSet
    rows: tuple[Row, ...]
    image: NDArray[np.int64]
    place: NDArray[np.int64]
    embedded: NDArray[np.float32] | None
    missing: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def class_names(self) -> NDArray[np.str_]:
        """(n,) the objects' classes."""
        found = [self.data.records[i].annotations[p].class_name for i, p in zip(self.image, self.place, strict=True)]
        return np.array(found, np.str_)


def survey(
    data: ImageSet,
    names: Sequence[str],
    embedding: Embedding | None = None,
    progress: Callable[[int], None] | None = None,
) -> Survey:
    """Measure every labelled object of a set.

    Args:
        data: the set.
        names: attributes, and dotted paths of sampled parameters.
        embedding: how crops become rows.
        progress: called with 1 after each image.

    Raises:
        DataError: a damaged image, or no labelled object at all.
    """
    rows: list[Row] = []
    owners: list[tuple[int, int]] = []
    embedded: list[NDArray[np.float32]] = []
    for number, record in enumerate(data.records):
        if record.annotations:
            sample = data[number]
            places = places_of(sample)
            rows += measure(sample, names)
            owners += [(number, place) for place in places]
            if embedding is not None and places:
                embedded.append(embedding.describe(crops_of(sample, places, embedding.side_px, embedding.extent)))
        if progress:
            progress(1)
    if not rows:
        raise DataError(f'image set "{data.root}": expected at least 1 labelled object, got none')
    rows = _only_known(rows, names)
    missing = tuple(name for name in names if all(row[name] is None for row in rows))
    image, place = np.array(owners, np.int64).T
    return Survey(data, tuple(rows), image, place, np.concatenate(embedded) if embedded else None, missing)


def _only_known(rows: list[Row], names: Sequence[str]) -> list[Row]:
    """Say 1 for the visible fraction of objects without one where others of a set have one: it was left out for 1."""
    name = "visible_fraction"
    if name not in names or all(row[name] is None for row in rows):
        return rows
    return [{**row, name: 1.0} if row[name] is None else row for row in rows]


def require_known(found: Survey, names: Sequence[str], where: str) -> None:
    """Raise `DataError` for an attribute that no object of a set has a value of."""
    for name in names:
        if name in found.missing:
            needs = ATTRIBUTES[name].needs if name in ATTRIBUTES else f'a parameter "{name}" in its sampled scenes'
            raise DataError(f'{where}: {name}: expected a set with {needs}, got none in "{found.data.root}"')
