"""A dataset of rare cases: what a plan asks for, made in one of several ways; it goes on where it was stopped.

    result = fill(FillConfig(dataset, plan, out, how="simulate"))

A new way is an entry of `HOW`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import simgen
from simgen.config import Config, from_dict
from simgen.engine import Engine, LocalEngine
from simgen.errors import ConfigError, DataError, did_you_mean
from simgen.formats.coco import CocoWriter
from simgen.formats.imageset import ImageSet
from simgen.rare.gate import Gate
from simgen.rare.how import LEAST_EXAMPLES, Maker, Task, Way
from simgen.rare.plan import Entry, Plan, header_of
from simgen.rare.simulate import Simulator
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
        makers: by the way's name.
        order: for each sample its way, its cell's place in the plan and its number among the cell's.
        gate: what samples must pass, or None.
    """

    source: Plain
    root: Path
    header: Plain
    out: Path
    makers: Mapping[str, Maker]
    order: tuple[tuple[str, int, int], ...]
    gate: Gate | None = None

    def writer(self) -> CocoWriter:
        """Return a writer into the filled dataset's folder."""
        config = from_dict(self.source, self.root)
        out = config.output
        return CocoWriter(
            self.out,
            config.classes,
            self.header,
            image=out.image,
            quality=out.quality,
            layers=out.layers,
        )


@dataclass(frozen=True)
class Filled:
    """What was made of one cell in this run.

    Attributes:
        entry: of the plan.
        asked: samples, those of earlier runs with them.
        made: of them, those of earlier runs with them.
        tried: of each stage, in this run.
        accepted: samples of this run.
        refused: reasons of the gate for every sample that was made in this run, none for those let in.
        weights: of all samples.
    """

    entry: Entry
    asked: int
    made: int
    tried: Mapping[str, int]
    accepted: int
    refused: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]

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
    source = header_of(data).get("config")
    if not isinstance(source, dict):
        raise DataError(f'dataset "{data.root}": expected a generated one, with its config in dataset.json, got none')
    return from_dict(source, root)


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


def ways_of(plan: Plan, how: str, ways: Mapping[str, Way] = HOW) -> list[str]:
    """Return the way of each cell: a learned one falls back to `simulate` where there are fewer than 4 examples.

    Raises:
        ConfigError: an unknown way.
    """
    if how not in ways:
        raise ConfigError(f'--how: unknown way "{how}"{did_you_mean(how, ways)}')
    few = [ways[how].learned and entry.count < LEAST_EXAMPLES for entry in plan.entries]
    return ["simulate" if lacking else how for lacking in few]


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
        config: that the dataset was generated from.
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
    chosen = ways_of(plan, how, ways)
    task = Task(data, config, tuple(entry.cell for entry in plan.entries), seed)
    # The way that was asked for is looked at even where every cell falls back: it may lack its generator.
    used = {how, *(way for way, number in zip(chosen, numbers, strict=True) if number)}
    makers = {way: ways[way].prepare(task) for way in sorted(used)}
    order = tuple((chosen[cell], cell, k) for cell, number in enumerate(numbers) for k in range(number))
    digest = hashlib.sha256(plan.to_json().encode()).hexdigest()[:16]
    fill = {"dataset": plan.dataset, "plan": digest, "how": how, "count": len(order), "gate": gate is not None}
    if gate is not None and gate.confidence:
        fill["gate_confidence"] = gate.confidence
    fill |= ways[how].identity
    header = {"config": config.source, "seed": seed, "version": simgen.__version__, "fill": fill}
    return FillJob(config.source, config.root, header, out, makers, order, gate)


@dataclass(frozen=True)
class Outcome:
    """What came of one sample: its cell, whether it was written, what was tried, and what the gate said each time."""

    cell: int
    written: bool
    tried: Mapping[str, int]
    refused: tuple[tuple[str, ...], ...]


def make_fill_shard(job: FillJob, indices: tuple[int, ...]) -> list[Outcome]:
    """Make and write some samples. Runs in a worker process."""
    import cv2

    cv2.setNumThreads(1)
    writer = job.writer()
    asked = Counter(cell for _, cell, _ in job.order)
    return [_made(job, writer, index, asked[job.order[index][1]]) for index in indices]


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
            writer.write(replace(made.sample, index=index))
            return Outcome(cell, True, dict(tried), tuple(refused))
    return Outcome(cell, False, dict(tried), tuple(refused))


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
    outcomes: dict[int, list[Outcome]] = {}
    shards = [tuple(missing[i : i + _SHARD]) for i in range(0, len(missing), _SHARD)]
    for shard, results in (engine or LocalEngine(1)).run(make_fill_shard, job, shards):
        for one in results:
            outcomes.setdefault(one.cell, []).append(one)
        report(len(shard))
    writer.close()
    weights: dict[int, list[float]] = {}
    for index in sorted(writer.done()):
        weights.setdefault(job.order[index][1], []).append(float(writer.metadata(index)["source"]["weight"]))
    asked = Counter(cell for _, cell, _ in job.order)
    return [
        _filled(plan.entries[cell], asked[cell], outcomes.get(cell, []), weights.get(cell, []))
        for cell in sorted(asked)
    ]


def _filled(entry: Entry, asked: int, outcomes: Sequence[Outcome], weights: Sequence[float]) -> Filled:
    tried: Counter[str] = Counter()
    for one in outcomes:
        tried.update(one.tried)
    refused = tuple(reasons for one in outcomes for reasons in one.refused)
    accepted = sum(one.written for one in outcomes)
    return Filled(entry, asked, len(weights), dict(tried), accepted, refused, tuple(weights))
