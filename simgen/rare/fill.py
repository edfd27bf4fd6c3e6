"""A dataset of rare cases: what a plan asks for, made in one of several ways; it goes on where it was stopped.

    result = fill(FillConfig(dataset, plan, out, how="simulate"))

A new way is an entry of `HOW`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import simgen
from simgen.config import Config, from_dict
from simgen.engine import Engine, LocalEngine
from simgen.errors import ConfigError, DataError, did_you_mean
from simgen.formats.coco import CocoWriter
from simgen.formats.imageset import ImageSet
from simgen.rare.gate import Gate
from simgen.rare.how import Maker, Task, Way
from simgen.rare.plan import Entry, Plan, header_of, source_of
from simgen.rare.simulate import Simulator
from simgen.samples import Sample
from simgen.scene import Plain

HOW: dict[str, Way] = {"simulate": Way(Simulator.prepare)}
"""The ways to make samples of rare cases, by name."""
_SHARD = 2
ROUNDS = 20
"""So often a sample that the gate refuses is made anew."""


@dataclass(frozen=True, eq=False)
class FillJob:
    """What a worker needs: plain data.

    Attributes:
        source: the config as plain data.
        root: the folder that its file names start from.
        header: what identifies the filled dataset.
        out: its folder.
        classes: its classes.
        makers: by the way's name.
        order: for each sample its way, its cell's place in the plan and its number among the cell's.
        gate: what samples must pass, or None.
        left: why a cell is left to `simulate`, by its place in the plan.
    """

    source: Plain
    root: Path
    header: Plain
    out: Path
    classes: tuple[str, ...]
    makers: Mapping[str, Maker]
    order: tuple[tuple[str, int, int], ...]
    gate: Gate | None = None
    left: Mapping[int, str] = field(default_factory=dict)

    def writer(self) -> CocoWriter:
        """Return a writer into the filled dataset's folder."""
        config = from_dict(self.source, self.root)
        out = config.output
        return CocoWriter(
            self.out,
            self.classes,
            self.header,
            image=out.image,
            quality=out.quality,
            layers=out.layers,
        )


@dataclass(frozen=True)
class Filled:
    """What was made of one cell, in this run and in earlier ones.

    Attributes:
        entry: of the plan.
        asked: samples.
        made: of them.
        tried: of each stage, the last one last: for all that were made, and for those that this run did not find.
        refused: reasons of the gate for every sample that it judged among these, none for those let in.
        weights: of all samples.
    """

    entry: Entry
    asked: int
    made: int
    tried: Mapping[str, int]
    refused: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]

    @property
    def acceptance(self) -> float | None:
        """The share of the last stage's tries that were let in; None where nothing was counted."""
        last = self.tried.get(self.last_stage, 0)
        return self.made / last if last else None

    @property
    def last_stage(self) -> str:
        """Its name, "" where nothing was counted."""
        return [*self.tried, ""][len(self.tried) - 1]

    @property
    def effective(self) -> float:
        """The effective number of samples under the weights (Kong 1992)."""
        squares = sum(weight**2 for weight in self.weights)
        return sum(self.weights) ** 2 / squares if squares else 0.0


def config_of(data: ImageSet, root: Path = Path()) -> Config:
    """Return the config that a dataset was generated from.

    Args:
        data: the dataset.
        root: the folder that file names in it start from.

    Raises:
        DataError: its dataset.json has none: it was not generated.
        ConfigError: it cannot be used.
    """
    return from_dict(source_of(data), root)


def scenes_for(data: ImageSet, scene: Config | None) -> Config:
    """Return the config of the scenes that a dataset is filled with: its own, or for other sets a given one.

    Args:
        data: the dataset.
        scene: of a generated dataset its folder alone counts, which file names start from.

    Raises:
        DataError: neither a generated dataset nor a scene.
    """
    if "config" in header_of(data):
        return config_of(data, Path() if scene is None else scene.root)
    if scene is None:
        raise DataError(
            f'dataset "{data.root}": was not generated, so no more of it can be simulated; to place crops of its '
            "objects in a scene, name that by --scene, with --how vae or gan"
        )
    return scene


def classes_of(data: ImageSet, config: Config) -> tuple[str, ...]:
    """Return the classes of a filled dataset: those of the scenes, and others that the dataset has."""
    return (*config.classes, *(name for name in data.classes if name not in config.classes))


def quotas(needs: Sequence[int], count: int | None) -> list[int]:
    """Return how many samples each cell gets: what it needs, or its share of `count` by largest remainders."""
    total = sum(needs)
    if count is None or not total:
        return list(needs)
    exact = np.array(needs, float) * count / total
    parts = np.floor(exact).astype(int)
    for place in np.argsort(-(exact - parts), kind="stable")[: count - int(parts.sum())]:
        parts[place] += 1
    return [int(part) for part in parts]


def left_of(plan: Plan, how: str, ways: Mapping[str, Way] = HOW) -> dict[int, str]:
    """Return why cells are left to `simulate`, by their place in the plan: a way may be unable to make them.

    Raises:
        ConfigError: an unknown way.
    """
    if how not in ways:
        raise ConfigError(f'--how: unknown way "{how}"{did_you_mean(how, ways)}')
    reasons = {number: ways[how].unable(entry) for number, entry in enumerate(plan.entries)}
    return {number: reason for number, reason in reasons.items() if reason}


def fill_job(
    data: ImageSet,
    plan: Plan,
    out: Path,
    how: str = "simulate",
    *,
    config: Config,
    count: int | None = None,
    seed: int = 0,
    gate: Gate | None = None,
    ways: Mapping[str, Way] = HOW,
) -> FillJob:
    """Return the job that fills a dataset's rare cells.

    Args:
        data: the dataset.
        plan: of this dataset.
        out: the folder of the filled samples, a dataset of its own.
        how: a key of `ways`.
        config: of the scenes, see `scenes_for`.
        count: images in all; default: what the plan's cells need.
        seed: of the fill.
        gate: what samples must pass, or None.
        ways: by name; `HOW` and those that need a trained generator.

    Raises:
        ConfigError: an unknown way, or a plan without anything to fill.
        DataError: the way cannot learn from this dataset.
    """
    numbers = quotas([entry.need for entry in plan.entries], count)
    if not sum(numbers):
        raise ConfigError("plan: expected a cell with fewer objects than its target, got none: nothing is rare")
    left = {cell: reason for cell, reason in left_of(plan, how, ways).items() if numbers[cell]}
    task = Task(data, config, tuple(entry.cell for entry in plan.entries), seed)
    # The way that was asked for is looked at even where every cell falls back: it may lack its generator.
    makers = {how: ways[how].prepare(task)}
    if left and how != "simulate":
        makers["simulate"] = _fallback(ways["simulate"], task, plan.entries[min(left)], left[min(left)])
    order = tuple(
        ("simulate" if cell in left else how, cell, k) for cell, number in enumerate(numbers) for k in range(number)
    )
    digest = hashlib.sha256(plan.to_json().encode()).hexdigest()[:16]
    fill = {"dataset": plan.dataset, "plan": digest, "how": how, "count": len(order), "gate": gate is not None}
    if gate is not None and gate.confidence:
        fill["gate_confidence"] = gate.confidence
    fill |= ways[how].identity
    header = {"config": config.source, "seed": seed, "version": simgen.__version__, "fill": fill}
    return FillJob(config.source, config.root, header, out, classes_of(data, config), makers, order, gate, left)


def _fallback(way: Way, task: Task, entry: Entry, reason: str) -> Maker:
    """Return the maker of what is left to a way; where it cannot, say why it was asked."""
    try:
        return way.prepare(task)
    except DataError as error:
        raise DataError(f'"{entry.cell.title}": {reason}, and it cannot be simulated: {error}') from None


@dataclass(frozen=True)
class Outcome:
    """What was tried for one sample, and what the gate said each time; a written one's metadata have it, too."""

    tried: Mapping[str, int]
    refused: tuple[tuple[str, ...], ...]

    @staticmethod
    def of(source: Plain) -> "Outcome":
        """Return that of a written sample, from what its metadata have under "source"."""
        return Outcome(source.get("tried", {}), tuple(tuple(reasons) for reasons in source.get("refused", ())))

    def noted(self, sample: Sample) -> Sample:
        """Return a sample whose metadata have it."""
        source = {**sample.metadata["source"], "tried": dict(self.tried)}
        if self.refused:
            source["refused"] = [list(reasons) for reasons in self.refused]
        return replace(sample, metadata={**sample.metadata, "source": source})


def make_fill_shard(job: FillJob, indices: tuple[int, ...]) -> list[tuple[int, Outcome]]:
    """Make and write some samples; return what came of each. Runs in a worker process."""
    import cv2

    cv2.setNumThreads(1)
    writer = job.writer()
    asked = Counter(cell for _, cell, _ in job.order)
    return [(index, _made(job, writer, index, asked[job.order[index][1]])) for index in indices]


def _made(job: FillJob, writer: CocoWriter, index: int, asked: int) -> Outcome:
    """Make a sample until the gate lets it in; its number in later rounds follows on those of the first."""
    way, cell, number = job.order[index]
    tried: Counter[str] = Counter()
    refused: list[tuple[str, ...]] = []
    for turn in range(1 if job.gate is None else ROUNDS):
        made = job.makers[way].make(cell, number + turn * asked)
        tried.update(made.tried)
        if made.sample is None:
            break
        if job.gate is not None:
            refused.append(tuple(job.gate.refusals(made.sample, made.sample.metadata["source"]["annotations"])))
        if not refused or not refused[-1]:
            found = Outcome(dict(tried), tuple(refused))
            writer.write(replace(found.noted(made.sample), index=index))
            return found
    return Outcome(dict(tried), tuple(refused))


def fill(
    job: FillJob, plan: Plan, engine: Engine | None = None, progress: Callable[[int], None] | None = None
) -> list[Filled]:
    """Make the samples that are not there yet; return what came of each cell that was asked for.

    Args:
        job: of `fill_job`.
        plan: it was made of.
        engine: where the shards run; default: this process.
        progress: called with the number of samples (first with those found).

    Raises:
        OutputError: the folder holds other data.
    """
    writer = job.writer()
    report = progress or (lambda _: None)
    done = writer.done()
    missing = [index for index in range(len(job.order)) if index not in done]
    report(len(job.order) - len(missing))
    outcomes: dict[int, Outcome] = {}
    shards = [tuple(missing[i : i + _SHARD]) for i in range(0, len(missing), _SHARD)]
    for shard, results in (engine or LocalEngine(1)).run(make_fill_shard, job, shards):
        outcomes.update(results)
        report(len(shard))
    writer.close()
    weights: dict[int, float] = {}
    for index in sorted(writer.done()):
        source = writer.metadata(index)["source"]
        weights[index], outcomes[index] = float(source["weight"]), Outcome.of(source)
    parts: dict[int, list[int]] = {}
    for index, (_, cell, _) in enumerate(job.order):
        parts.setdefault(cell, []).append(index)
    return [_filled(plan.entries[cell], parts[cell], outcomes, weights) for cell in sorted(parts)]


def _filled(
    entry: Entry, indices: Sequence[int], outcomes: Mapping[int, Outcome], weights: Mapping[int, float]
) -> Filled:
    """Put together what came of a cell's samples: those that are written have weights."""
    tried: Counter[str] = Counter()
    found = [outcomes[index] for index in indices if index in outcomes]
    for one in found:
        tried.update(one.tried)
    refused = tuple(reasons for one in found for reasons in one.refused)
    kept = tuple(weights[index] for index in indices if index in weights)
    # A stage tries what the one before has left: where ways take turns, the stages of both fall into one order.
    stages = dict(sorted(tried.items(), key=lambda stage: -stage[1]))
    return Filled(entry, len(indices), len(kept), stages, refused, kept)
