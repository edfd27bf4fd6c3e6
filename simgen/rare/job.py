"""The job of filling a dataset's rare cells: which cell is made in which way, in what order, in scenes of which config.

A new way is an entry of `HOW`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import simgen
from simgen.config import Config, from_dict
from simgen.errors import ConfigError, DataError, did_you_mean
from simgen.formats.coco import CocoWriter
from simgen.formats.imageset import ImageSet
from simgen.rare.gate import Gate
from simgen.rare.how import Maker, Task, Way
from simgen.rare.plan import Plan, header_of, source_of
from simgen.rare.simulate import Simulator
from simgen.scene import Plain

HOW: dict[str, Way] = {"simulate": Way(Simulator.prepare)}
"""The ways to make samples of rare cases, by name."""


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
        left: why a cell is not made in the way that was asked for, by its place in the plan: it is left to `simulate`,
            or left out where nothing can be simulated.
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
    needs = [entry.need for entry in plan.entries]
    if not sum(needs):
        raise ConfigError("plan: expected a cell with fewer objects than its target, got none: nothing is rare")
    left = {cell: reason for cell, reason in left_of(plan, how, ways).items() if needs[cell]}
    if "config" not in header_of(data):
        needs = [0 if cell in left else need for cell, need in enumerate(needs)]
        if not sum(needs):
            cell = min(left)
            raise DataError(
                f'"{plan.entries[cell].cell.title}": {left[cell]}, and nothing can be simulated for a set that was not '
                "generated; nor can any other cell of the plan be made"
            )
    numbers = quotas(needs, count)
    task = Task(data, config, tuple(entry.cell for entry in plan.entries), seed)
    # The way that was asked for is looked at even where every cell falls back: it may lack its generator.
    makers = {how: ways[how].prepare(task)}
    if any(numbers[cell] for cell in left):
        makers["simulate"] = ways["simulate"].prepare(task)
    order = tuple(
        ("simulate" if cell in left else how, cell, k) for cell, number in enumerate(numbers) for k in range(number)
    )
    fill: Plain = {"dataset": plan.dataset, "how": how, **ways[how].identity, "plan": plan.digest}
    fill["gate"] = False if gate is None else gate.identity or True
    if gate is not None and gate.confidence:
        fill["gate_confidence"] = gate.confidence
    fill["count"] = len(order)
    header = {"config": config.source, "seed": seed, "version": simgen.__version__, "fill": fill}
    return FillJob(config.source, config.root, header, out, classes_of(data, config), makers, order, gate, left)
