"""`--how vae` and `--how gan`: crops of a trained generator, let in by the gate, placed in new scenes of the dataset's.

The mask of a placed crop is what was drawn of it, so the label is exact as to where it is; as to what it is, the gate
answers. The case is measured again on the labels of the composed picture.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from numpy.random import Generator

from simgen.config import from_dict
from simgen.errors import DataError, RenderError
from simgen.formats import read_images
from simgen.generate import sample
from simgen.rare.cells import Cell
from simgen.rare.how import Made, Task
from simgen.rare.pixels.composite import Composer, Placing
from simgen.rare.pixels.crops import Crops, CropView, Pixels, crops_of
from simgen.rare.pixels.gate import Floats, Gate, GateRules
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.simulate import case_seed, held
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import Plain

SCENES = 20
"""So many scenes are tried for one sample."""
AT_ONCE = 16
"""Crops that are drawn for a scene."""


class Judge(Protocol):
    """A classifier of crops that was not trained with the generator's."""

    classes: tuple[str, ...]

    def probabilities(self, rgba: Pixels) -> Floats:
        """Return (N, C) of (N, S, S, 4) uint8 crops."""
        ...

    def features(self, rgba: Pixels) -> Floats:
        """Return (N, F), the space of the gate's distances."""
        ...


@dataclass(frozen=True, eq=False)
class Placer:
    """Makes samples of cells by placing crops.

    Attributes:
        source: the config of the scenes, as plain data.
        root: the folder that its file names start from.
        dataset: whose crops the gate compares with.
        generator: the crop generator's file.
        judge: returns the gate's classifier, and equals others that return the same; None opens the gate for all.
        cells: what is looked for.
        seed: of the fill.
        rules: of the gate.
        placing: of the crops.
    """

    source: Plain
    root: Path
    dataset: Path
    generator: Path
    judge: Callable[[], Judge] | None
    cells: tuple[Cell, ...]
    seed: int
    rules: GateRules = GateRules()
    placing: Placing = field(default_factory=Placing)

    @staticmethod
    def prepare(task: Task, generator: Path, judge: Callable[[], Judge] | None) -> "Placer":
        """Look at everything that making needs.

        Raises:
            CheckpointError: a file that is no crop generator or no classifier.
            DataError: the generator, the classifier and the dataset do not have the same classes, or a cell's class is
                none of them; a dataset without masks.
        """
        placer = Placer(task.config.source, task.config.root, task.data.root, generator, judge, task.cells, task.seed)
        known = placer.tools().generator.conditions.classes
        if known != task.data.classes:
            raise DataError(
                f'crop generator "{generator}": knows the classes {", ".join(known)}, '
                f"the dataset has {', '.join(task.data.classes)}"
            )
        for cell in task.cells:
            _classes(cell, task.data.classes)
        return placer

    def tools(self) -> "Tools":
        """Return what a process makes once of the placer's plain data."""
        return _tools(self.generator, self.dataset, self.judge, self.rules)

    def make(self, order: int, number: int) -> Made:
        """Return the `number`-th sample of a cell: a pure function of the two and of the placer."""
        tools, cell, config = self.tools(), self.cells[order], from_dict(self.source, self.root)
        seed, tried = case_seed(self.seed, cell), Counter[str]()
        for attempt in range(SCENES):
            index = number * SCENES + attempt
            try:
                scene = sample(config, seed, index)
            except RenderError:
                continue
            tried["rendered"] += 1
            made = self._placed(tools, cell, scene, stream(seed, index, "rare.place"), tried)
            if made is not None:
                source = {"generator": tools.generator.kind, "cell": cell.title, "weight": 1.0, "tried": dict(tried)}
                return Made(
                    replace(made, metadata={**made.metadata, "source": {**source, **_where(made)}}), dict(tried)
                )
        return Made(None, dict(tried))

    def _placed(self, tools: "Tools", cell: Cell, scene: Sample, rng: Generator, tried: Counter[str]) -> Sample | None:
        """Return the scene with a crop that the gate let in and that holds the cell, None where there is none."""
        names = _classes(cell, tools.generator.conditions.classes)
        wish = Wish(str(rng.choice(names)), _ranges(cell, tools.generator.conditions.names))
        crops, latents = tools.generator.sample(wish, AT_ONCE, rng)
        tried["drawn"] += len(crops)
        good = self._let_in(tools, crops, tried)
        try:
            for number in good:
                composer = Composer(scene, self.placing, rng)
                latent = [round(float(value), 4) for value in latents[number]]
                if composer.add(crops, number, rng, {"latent": latent, "attributes": _attributes(crops, number)}):
                    made = composer.sample
                    if len(made.annotations) - 1 in held(made, cell):
                        return made
        except DataError:  # a scene without a plane that things stand on
            return None
        return None

    def _let_in(self, tools: "Tools", crops: Crops, tried: Counter[str]) -> list[int]:
        if tools.gate is None:
            return list(range(len(crops)))
        verdicts = tools.gate.judge(crops)
        tried.update(f"refused: {verdict.reason}" for verdict in verdicts if verdict.reason)
        return [number for number, verdict in enumerate(verdicts) if verdict.accepted]


@dataclass(frozen=True, eq=False)
class Tools:
    """The generator, and the gate if there is one."""

    generator: CropGenerator
    gate: Gate | None


@lru_cache(maxsize=2)
def _tools(file: Path, dataset: Path, judge: Callable[[], Judge] | None, rules: GateRules) -> Tools:
    generator = CropGenerator.load(file)
    if judge is None:
        return Tools(generator, None)
    judging, known = judge(), crops_of(read_images(dataset), CropView(size=generator.size))
    if judging.classes != known.classes:
        raise DataError(
            f"gate: its classifier knows the classes {', '.join(judging.classes)}, "
            f"the dataset has {', '.join(known.classes)}"
        )
    return Tools(generator, Gate(known, judging.probabilities, judging.features, rules))


def _classes(cell: Cell, known: tuple[str, ...]) -> list[str]:
    """Return the classes that a cell may have."""
    named = [condition.among for condition in cell.conditions if condition.attribute == "class"]
    names = list(named[0]) if named else list(known)
    for name in names:
        if name not in known:
            raise DataError(f'cell "{cell.title}": the crop generator does not know the class "{name}"')
    return names


def _ranges(cell: Cell, known: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Return what a cell asks of the attributes that crops are drawn by."""
    ends = {"visible_fraction": (0.0, 1.0), "size_px": (16.0, 256.0), "light": (0.0, 1.0)}
    ranges = {}
    for condition in cell.conditions:
        name, factor = ("light", 255.0) if condition.attribute == "image_luma" else (condition.attribute, 1.0)
        if name in ends and name in known:
            low, high = (None if v is None else v / factor for v in (condition.low, condition.high))
            ranges[name] = (ends[name][0] if low is None else low, ends[name][1] if high is None else high)
    return ranges


def _attributes(crops: Crops, number: int) -> dict[str, float]:
    return {name: round(float(crops.attribute(name)[number]), 4) for name in crops.names}


def _where(made: Sample) -> Plain:
    return {"annotations": [len(made.annotations) - 1], "latent": made.metadata["placed"][-1]["latent"]}
