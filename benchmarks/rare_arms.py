"""What `benchmarks/rare.py` compares: ways to have more dice of the rare faces, each with labels of its own."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from rare_tail import TAILS, LongTail, Place, Places, known_crops, rare_crops

from simgen.config import Config
from simgen.errors import DataError
from simgen.formats import read_images
from simgen.formats.coco import CocoWriter
from simgen.formats.imageset import ImageRecord
from simgen.rare.cells import Cell, Condition
from simgen.rare.how import Maker, Task
from simgen.rare.job import HOW
from simgen.rare.pixels.composite import Composer
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.gate import Gate, rejection_rates
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.pixels.settings import PixelTraining
from simgen.rare.pixels.spots import Placing
from simgen.rare.pixels.train import train_crops
from simgen.rare.pixels.vae import TensorFeatures
from simgen.rare.scenes.learn import scene_data
from simgen.rare.scenes.maker import SceneMaker
from simgen.rare.scenes.train import SceneTrainConfig, train_scenes
from simgen.rare.scenes.vae import VaeConfig
from simgen.rng import stream
from simgen.samples import Sample

CELLS = tuple(Cell((Condition("class", among=(name,)),)) for name in TAILS)
_SEEN = 0.6
"""Less visible dice are not learned from, in any arm."""
_PLACED = 6
_WHOLE = {"visible_fraction": (0.9, 1.0)}
_DRAWS = 20
"""Crops drawn for each that is wanted, where a gate chooses."""


@dataclass(frozen=True, eq=False)
class Fill:
    """Dice of the rare classes that an arm made.

    Attributes:
        places: of each rare class.
        said: what is to be told of how they were made.
    """

    places: Places
    said: dict[str, Any]


def simulate(tail: LongTail, config: Config, count: int, out: Path, seed: int) -> Fill:
    """Return up to `count` dice of each rare class in scenes that `simgen rare fill --how simulate` makes."""
    return _scenes(tail, lambda: HOW["simulate"].prepare(Task(tail.data, config, CELLS, seed)), count, out, seed)


def scene(tail: LongTail, config: Config, count: int, out: Path, seed: int, steps: int, strict: bool) -> Fill:
    """Return the same in scenes that `simgen rare fill --how scene` makes; the net's examples are what is left.

    In the examples' pictures lie other dice of the rare faces, of which nobody knows the class, and so do they in those
    that are made of them. If `strict`, only what comes of the dice that are left is taken: an object keeps its number.
    """

    def prepare() -> Maker:
        meta = [_meta(record) for record in tail.data.records]
        held = {
            cell.title: [any(record is mine for mine, _ in tail.rare[name]) for record in tail.data.records]
            for cell, name in zip(CELLS, TAILS, strict=True)
        }
        settings = SceneTrainConfig(vae=VaeConfig(hidden=64), steps=steps, batch=16, seed=seed)
        train_scenes(scene_data(meta, held), settings, out.with_name("net"))
        return SceneMaker.prepare(Task(tail.data, config, CELLS, seed), out.with_name("net") / "model.pt")

    left = {(record.key, record.annotations[k].instance_id) for some in tail.rare.values() for record, k in some}

    def stems(place: Place) -> bool:
        record, k = place
        start = tail.data.records[_meta(record)["source"]["start"]]
        return (start.key, record.annotations[k].instance_id) in left

    return _scenes(tail, prepare, count, out, seed, stems if strict else None)


def _meta(record: ImageRecord) -> dict[str, Any]:
    """Return the metadata of a generated picture."""
    found: dict[str, Any] = json.loads(
        (record.path.parents[1] / "meta" / f"{record.path.stem}.json").read_text("utf-8")
    )
    return found


def _scenes(
    tail: LongTail,
    prepare: Callable[[], Maker],
    count: int,
    out: Path,
    seed: int,
    wanted: Callable[[Place], bool] | None = None,
) -> Fill:
    """Make scenes of the two cells in turn until there are enough dice of both; return those that are wanted."""
    writer = _writer(out, tail, {"seed": seed, "count": count})
    done, found, index, maker = writer.done(), dict.fromkeys(TAILS, 0), 0, None
    while min(found.values()) < count and index < 2 * count:
        if index not in done:
            maker = maker or prepare()
            made = maker.make(index % len(TAILS), index // len(TAILS)).sample
            if made is not None:
                writer.write(replace(made, index=index))
                done.add(index)
        if index in done:
            for annotation in writer.metadata(index)["annotations"]:
                name = tail.data.classes[annotation["category_id"] - 1]
                if name in found and annotation["visible_fraction"] >= _SEEN:
                    found[name] += 1
        index += 1
    writer.close()
    filled = read_images(out)
    places: dict[str, list[Place]] = {name: [] for name in TAILS}
    for record in filled.records:
        for k, annotation in enumerate(record.annotations):
            seen = annotation.visible_fraction >= _SEEN and not annotation.ignore
            if seen and annotation.class_name in TAILS and (wanted is None or wanted((record, k))):
                places[annotation.class_name].append((record, k))
    return Fill({name: some[:count] for name, some in places.items()}, {"images": len(filled)})


def copy_paste(tail: LongTail, count: int, out: Path, seed: int) -> Fill:
    """Return `count` pasted dice of each rare class: those that are left, in other pictures of the set."""
    own = rare_crops(tail)
    crops = {name: own.take(np.flatnonzero(own.labels == own.classes.index(name))) for name in TAILS}
    return Fill(pasted(tail, crops, count, out, seed), {})


def generator_of(
    tail: LongTail, config: PixelTraining, heads: int, perceptual: TensorFeatures, out: Path
) -> tuple[CropGenerator, Crops]:
    """Train a crop generator on the long-tailed set, or load it where that was done; return what it learned from."""
    crops = known_crops(tail, heads, config.view)
    trained = train_crops(config, crops, out, perceptual=perceptual)
    return CropGenerator.load(trained.model), crops


def drawn(
    tail: LongTail, generator: CropGenerator, gate: Gate | None, count: int, out: Path, seed: int, rng: Generator
) -> Fill:
    """Return up to `count` pasted dice of each rare class, of the generator's crops those that the gate lets in."""
    crops: dict[str, Crops] = {}
    verdicts, cells = [], []
    for name in TAILS:
        made, _ = generator.sample(Wish(name, _WHOLE), count * (1 if gate is None else _DRAWS), rng)
        if gate is not None:
            judged = gate.judge(made)
            verdicts, cells = [*verdicts, *judged], [*cells, *[name] * len(judged)]
            made = made.take([k for k, verdict in enumerate(judged) if verdict.accepted][:count])
        crops[name] = made
    said = {} if gate is None else {"gate": rejection_rates(verdicts, cells)}
    return Fill(pasted(tail, crops, count, out, seed), said)


def pasted(tail: LongTail, crops: dict[str, Crops], count: int, out: Path, seed: int) -> dict[str, list[Place]]:
    """Return dice placed into the set's own pictures: `count` of each rare class, by `simgen.rare.pixels.composite`."""
    writer = _writer(out, tail, {"seed": seed, "count": count})
    done, numbers = writer.done(), {}
    wanted = [(name, k % len(crops[name])) for k in range(count) for name in TAILS if len(crops[name])]
    hosts = stream(seed, 0, "bench.hosts").permutation(len(tail.data))
    for index in range(-(-len(wanted) // _PLACED)):
        if index not in done:
            host = tail.data[int(hosts[index % len(hosts)])]
            some = wanted[index * _PLACED : (index + 1) * _PLACED]
            writer.write(replace(_placed(host, some, crops, stream(seed, index, "bench.place")), index=index))
        placed = writer.metadata(index).get("placed", [])
        numbers[f"{index:08d}.jpg"] = [one["instance_id"] for one in placed]
    writer.close()
    return _numbered(read_images(out).records, numbers) if numbers else {name: [] for name in TAILS}


def _numbered(records: Sequence[ImageRecord], numbers: dict[str, list[int]]) -> dict[str, list[Place]]:
    """Return the annotations with some instance numbers."""
    found: dict[str, list[Place]] = {name: [] for name in TAILS}
    for record, k in _every(records):
        annotation = record.annotations[k]
        wanted = annotation.instance_id in numbers.get(record.key, ())
        if wanted and annotation.class_name in TAILS and annotation.visible_fraction >= _SEEN:
            found[annotation.class_name].append((record, k))
    return found


def _every(records: Sequence[ImageRecord]) -> Iterator[Place]:
    return ((record, k) for record in records for k in range(len(record.annotations)))


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
    return CocoWriter(out, tail.data.classes, {"bench": header})
