"""What `benchmarks/rare.py` compares: a set of dice with two faces nearly taken out, and ways to have more of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from numpy.random import Generator

from simgen.adapters.rgba import RgbaClassifier
from simgen.config import Config
from simgen.errors import DataError
from simgen.formats import read_images
from simgen.formats.coco import CocoWriter
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.rare.cells import Cell, Condition
from simgen.rare.fill import HOW
from simgen.rare.how import Task
from simgen.rare.pixels.composite import Composer
from simgen.rare.pixels.crops import Crops, CropView, crops_of
from simgen.rare.pixels.gate import Gate
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.pixels.settings import PixelTraining
from simgen.rare.pixels.spots import Placing
from simgen.rare.pixels.train import train_crops
from simgen.rng import stream
from simgen.samples import Sample

TAILS = ("two", "six")
HELD_OUT = 20
"""Every so many images one validates the training; none of these has a rare die."""
_PLACED = 6
_WHOLE = {"visible_fraction": (0.9, 1.0)}
Place = tuple[ImageRecord, int]
"""A die: its image, and its place among the annotations."""


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


def shown(tail: LongTail, rare: dict[str, Sequence[Place]], exposures: int | None) -> ImageSet:
    """Return a set of the common dice and of each rare class's, these repeated up to a number of exposures."""
    more = [place for name in TAILS for place in islice(cycle(rare[name]), exposures or len(rare[name]))]
    common = list(_records(tail.heads))
    count = min(len(common) // 2, (len(common) + len(more)) // HELD_OUT)
    validating, training = common[:count], [*common[count:], *_records(more)]
    ordered: list[ImageRecord] = []
    for record in validating:
        ordered += [*training[: HELD_OUT - 1], record]
        training = training[HELD_OUT - 1 :]
    if len(training) >= HELD_OUT:  # what would fall to validation may be rare
        raise DataError("long tail: expected enough common images to validate on")
    return ImageSet(tail.data.root, tail.data.classes, (*ordered, *training))


def _records(places: Sequence[Place]) -> Iterator[ImageRecord]:
    """Yield each image with its dice of the list, as often as they stand there."""
    by_image: dict[int, tuple[ImageRecord, list[int]]] = {}
    for record, k in places:
        by_image.setdefault(id(record), (record, []))[1].append(k)
    for record, numbers in by_image.values():
        annotations, masks = (tuple(all_[k] for k in numbers) for all_ in (record.annotations, record.masks))
        yield replace(record, annotations=annotations, masks=masks)


def with_fill(tail: LongTail, filled: ImageSet, numbers: dict[str, Sequence[int]]) -> dict[str, Sequence[Place]]:
    """Return each rare class's own dice and the filled ones, of those the annotations with some instance numbers."""
    found: dict[str, list[Place]] = {name: list(tail.rare[name]) for name in TAILS}
    for record in filled.records:
        for k, annotation in enumerate(record.annotations):
            wanted = annotation.instance_id in numbers.get(record.key, ())
            if wanted and annotation.class_name in TAILS and annotation.visible_fraction >= 0.6:
                found[annotation.class_name].append((record, k))
    return dict(found)


def simulate(tail: LongTail, config: Config, count: int, out: Path, seed: int) -> dict[str, Sequence[Place]]:
    """Return dice of scenes that `simgen rare fill --how simulate` makes: `count` images for each rare class."""
    cells = tuple(Cell((Condition("class", among=(name,)),)) for name in TAILS)
    maker = HOW["simulate"].prepare(Task(tail.data, config, cells, seed))
    writer = _writer(out, tail, {"seed": seed, "count": count})
    done, numbers = writer.done(), {}
    for index in range(count * len(TAILS)):
        if index not in done:
            made = maker.make(index % len(TAILS), index // len(TAILS)).sample
            if made is None:
                continue
            writer.write(replace(made, index=index))
        meta = writer.metadata(index)
        places = meta["source"]["annotations"]
        numbers[f"{index:08d}.jpg"] = [meta["annotations"][place]["instance_id"] for place in places]
    writer.close()
    return with_fill(tail, read_images(out), numbers)


def rare_crops(tail: LongTail) -> Crops:
    """Return the crops of the rare dice that are left."""
    places = [place for name in TAILS for place in tail.rare[name]]
    return crops_of(ImageSet(tail.data.root, tail.data.classes, tuple(_records(places))))


def known_crops(tail: LongTail) -> Crops:
    """Return the crops of all dice whose class is known: what a generator may learn from."""
    places = [*tail.heads, *(place for name in TAILS for place in tail.rare[name])]
    return crops_of(ImageSet(tail.data.root, tail.data.classes, tuple(_records(places))), CropView(min_side_px=24))


def generator_of(tail: LongTail, config: PixelTraining, judge: RgbaClassifier, out: Path) -> CropGenerator:
    """Train a crop generator on the long-tailed set, or load it where that was done."""
    trained = train_crops(config, known_crops(tail), out, perceptual=judge.perceptual)
    return CropGenerator.load(trained.model)


def drawn_crops(
    generator: CropGenerator, count: int, gate: Gate | None, rng: Generator
) -> tuple[dict[str, Crops], float]:
    """Return up to `count` crops of each rare class that the gate lets in, and the share that it refuses."""
    found, tried, kept = {}, 0, 0
    for name in TAILS:
        crops, _ = generator.sample(Wish(name, _WHOLE), count * (1 if gate is None else 6), rng)
        good = range(len(crops)) if gate is None else [k for k, v in enumerate(gate.judge(crops)) if v.accepted]
        tried, kept = tried + len(crops), kept + len(good)
        found[name] = crops.take(list(good)[:count])
    return found, 1 - kept / tried


def pasted(tail: LongTail, crops: dict[str, Crops], count: int, out: Path, seed: int) -> dict[str, Sequence[Place]]:
    """Return dice placed into the set's own pictures: `count` of each rare class, by `simgen.rare.pixels.composite`."""
    writer = _writer(out, tail, {"seed": seed, "count": count})
    done, numbers = writer.done(), {}
    wanted = [(name, k % len(crops[name])) for k in range(count) for name in TAILS if len(crops[name])]
    hosts = stream(seed, 0, "bench.hosts").permutation(len(tail.data))
    for index in range(-(-len(wanted) // _PLACED)):
        if index not in done:
            host = tail.data[int(hosts[index % len(hosts)])]
            made = _placed(
                host, wanted[index * _PLACED : (index + 1) * _PLACED], crops, stream(seed, index, "bench.place")
            )
            writer.write(replace(made, index=index))
        placed = writer.metadata(index).get("placed", [])
        numbers[f"{index:08d}.jpg"] = [one["instance_id"] for one in placed]
    writer.close()
    return with_fill(tail, read_images(out), numbers)


def _placed(host: Sample, wanted: Sequence[tuple[str, int]], crops: dict[str, Crops], rng: Generator) -> Sample:
    try:
        composer = Composer(host, Placing(), rng)
    except DataError:  # no plane in sight
        return replace(host, metadata={})
    for name, number in wanted:
        composer.add(crops[name], number, rng, {"generator": "pixels"})
    return replace(composer.sample, metadata={"placed": composer.sample.metadata.get("placed", [])})


def _writer(out: Path, tail: LongTail, header: dict[str, int]) -> CocoWriter:
    out.parent.mkdir(parents=True, exist_ok=True)
    return CocoWriter(out, tail.data.classes, {"bench": header, "rare": {n: len(p) for n, p in tail.rare.items()}})


def random_generator(seed: int, left: int) -> Generator:
    """Return what chooses the dice that are left."""
    return np.random.Generator(np.random.PCG64([seed, left]))
