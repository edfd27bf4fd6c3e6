"""What `benchmarks/rare.py` starts from: dice with two faces nearly taken out, and what a classifier is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

from numpy.random import Generator

from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.rare.pixels.crops import Crops, CropView, crops_of

TAILS = ("two", "six")
HELD_OUT = 20
"""Every so many images one validates the training; none of these has a rare die."""
Place = tuple[ImageRecord, int]
"""A die: its image, and its place among the annotations."""
Places = Mapping[str, Sequence[Place]]
"""Dice of each rare class (or other case)."""


@dataclass(frozen=True, eq=False)
class LongTail:
    """A set in which some classes are nearly missing.

    Attributes:
        data: the whole set; the other dice of the rare classes are in its pictures, but nobody knows their class.
        heads: dice of the common classes.
        rare: the dice that are left of each rare class.
        exposures: dice of a common class, on average: as many of each rare class are shown in all arms but "none".
    """

    data: ImageSet
    heads: tuple[Place, ...]
    rare: dict[str, tuple[Place, ...]]
    exposures: int


def long_tailed(data: ImageSet, left: int, rng: Generator) -> LongTail:
    """Keep `left` dice of each rare class, large and whole ones, for crops are cut of them."""
    places = [(record, k) for record in data.records for k in range(len(record.annotations))]
    heads, rare = [], {}
    for record, k in places:
        annotation = record.annotations[k]
        if annotation.class_name not in TAILS and annotation.visible_fraction >= 0.6 and not annotation.ignore:
            heads.append((record, k))
    for name in TAILS:
        able = [(r, k) for r, k in places if r.annotations[k].class_name == name and _is_whole(r, k)]
        if len(able) < left:
            raise DataError(f'{data.root}: expected at least {left} dice of the class "{name}", got {len(able)}')
        rare[name] = tuple(able[i] for i in rng.permutation(len(able))[:left])
    return LongTail(data, tuple(heads), rare, round(len(heads) / (len(data.classes) - len(TAILS))))


def _is_whole(record: ImageRecord, place: int) -> bool:
    annotation = record.annotations[place]
    return annotation.visible_fraction > 0.9 and not annotation.truncated and max(annotation.size_wh) >= 24


def shown(tail: LongTail, rare: Places, exposures: int | None) -> ImageSet:
    """Return a set of the common dice and of each rare class's, these repeated up to a number of exposures."""
    more = [place for some in rare.values() for place in islice(cycle(some), exposures or len(some))]
    common = list(records(tail.heads))
    count = min(len(common) // 2, (len(common) + len(more)) // HELD_OUT)
    validating, training = common[:count], [*common[count:], *records(more)]
    ordered: list[ImageRecord] = []
    for record in validating:
        ordered += [*training[: HELD_OUT - 1], record]
        training = training[HELD_OUT - 1 :]
    if len(training) >= HELD_OUT:  # what would fall to validation may be rare
        raise DataError("long tail: expected enough common images to validate on")
    return ImageSet(tail.data.root, tail.data.classes, (*ordered, *training))


def of_places(tail: LongTail, rare: Places) -> ImageSet:
    """Return a set of some dice of the rare classes alone."""
    return with_only(tail.data, [place for some in rare.values() for place in some])


def with_only(data: ImageSet, places: Sequence[Place]) -> ImageSet:
    """Return the images of some dice, labelled with these alone."""
    return ImageSet(data.root, data.classes, tuple(records(places)))


def records(places: Sequence[Place]) -> Iterator[ImageRecord]:
    """Yield each image with its dice of the list, as often as they stand there."""
    by_image: dict[int, tuple[ImageRecord, list[int]]] = {}
    for record, k in places:
        by_image.setdefault(id(record), (record, []))[1].append(k)
    for record, numbers in by_image.values():
        listed = (record.annotations, record.masks, record.wholes)
        annotations, masks, wholes = (tuple(all_[k] for k in numbers if all_) for all_ in listed)
        yield replace(record, annotations=annotations, masks=masks, wholes=wholes)


def rare_crops(tail: LongTail) -> Crops:
    """Return the crops of the rare dice that are left."""
    return crops_of(of_places(tail, tail.rare))


def known_crops(tail: LongTail, heads: int, view: CropView) -> Crops:
    """Return the crops a generator learns from: all rare dice that are left, and up to so many of the common ones."""
    known = [*tail.heads[:heads], *(place for some in tail.rare.values() for place in some)]
    return crops_of(with_only(tail.data, known), view)
