"""`--how vae` and `--how gan`: crops of a trained generator, placed in new scenes of the dataset's.

The mask of a placed crop is what was drawn of it, so the label is exact as to where it is; what it is, the gate asks a
classifier (`simgen.rare.gate`). The case is measured again on the labels of the composed picture.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from numpy.random import Generator

from simgen.config import from_dict
from simgen.errors import DataError, RenderError
from simgen.generate import sample
from simgen.rare.attributes import ATTRIBUTES
from simgen.rare.cells import Cell
from simgen.rare.how import Made, Task
from simgen.rare.pixels.composite import Composer
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.gate import Judge
from simgen.rare.pixels.generator import CropGenerator, Floats, Wish
from simgen.rare.pixels.spots import Placing
from simgen.rare.pixels.supply import supply
from simgen.rare.simulate import case_seed, held
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import Plain

SCENES = 20
"""So many scenes are tried for one sample."""
AT_ONCE = 4
"""Crops that are tried in a scene."""
_WHOLE = (1.0, 1.0)
"""The visible fraction of crops that are placed: what hides them must stand in the scene, where it is measured. A crop
that was drawn as a hidden one lies in the open with a piece missing, and how much is missing nobody has measured."""


@dataclass(frozen=True, eq=False)
class Placer:
    """Makes samples of cells by placing crops.

    Attributes:
        source: the config of the scenes, as plain data.
        root: the folder that its file names start from.
        generator: the crop generator's file.
        cells: what is looked for.
        seed: of the fill.
        placing: of the crops.
        gate: judges them before they are placed, or None.
    """

    source: Plain
    root: Path
    generator: Path
    cells: tuple[Cell, ...]
    seed: int
    placing: Placing = field(default_factory=Placing)
    gate: Judge | None = None

    @staticmethod
    def prepare(task: Task, generator: Path, gate: Judge | None = None) -> "Placer":
        """Look at everything that making needs.

        Raises:
            CheckpointError: a file that is no crop generator.
            DataError: it does not have the dataset's classes, or a cell's class is none of them.
        """
        placer = Placer(task.config.source, task.config.root, generator, task.cells, task.seed, gate=gate)
        known = placer.trained.conditions.classes
        if known != task.data.classes:
            raise DataError(
                f'crop generator "{generator}": knows the classes {", ".join(known)}, '
                f"the dataset has {', '.join(task.data.classes)}"
            )
        for cell in task.cells:
            _classes(cell, task.data.classes)
        return placer

    @property
    def trained(self) -> CropGenerator:
        """The generator, read once in a process."""
        return _generator(self.generator)

    def make(self, order: int, number: int) -> Made:
        """Return the `number`-th sample of a cell: a pure function of the two and of the placer."""
        cell, config = self.cells[order], from_dict(self.source, self.root)
        seed, judged = case_seed(self.seed, cell), ("of another class", "unsure", "let in") if self.gate else ()
        tried = Counter(dict.fromkeys(("crops", *judged, "rendered"), 0))
        for attempt in range(SCENES):
            index = number * SCENES + attempt
            rng = stream(seed, index, "rare.place")
            crops, latents = self._drawn(cell, rng, tried)
            if not len(crops):
                continue
            try:
                scene = sample(config, seed, index)
            except RenderError:
                continue
            tried["rendered"] += 1
            made = self._placed(cell, scene, crops, latents, rng)
            if made is not None:
                source = {"generator": self.trained.kind, "cell": cell.title, "weight": 1.0, "tried": dict(tried)}
                return Made(
                    replace(made, metadata={**made.metadata, "source": {**source, **_where(made)}}), dict(tried)
                )
        return Made(None, dict(tried))

    def _drawn(self, cell: Cell, rng: Generator, tried: Counter[str]) -> tuple[Crops, Floats]:
        """Return crops for one scene and their latents; with a gate perhaps fewer than are tried, or none."""
        known = self.trained.conditions
        wish = Wish(str(rng.choice(_classes(cell, known.classes))), _ranges(cell, known.names))
        found = supply(self.trained, wish, AT_ONCE, self.gate, rng)
        tried["crops"] += len(found.verdicts) or AT_ONCE
        if self.gate is not None:
            tried["of another class"] += sum(not verdict.likeliest for verdict in found.verdicts)
            tried["unsure"] += sum(verdict.likeliest and not verdict.accepted for verdict in found.verdicts)
            tried["let in"] += sum(verdict.accepted for verdict in found.verdicts)
        return found.crops, found.latents

    def _placed(self, cell: Cell, scene: Sample, crops: Crops, latents: Floats, rng: Generator) -> Sample | None:
        """Return the scene with a crop that holds the cell, None where there is none."""
        placing = replace(self.placing, visible=_visible(cell, self.placing.visible))
        try:
            for number, row in enumerate(latents):
                composer = Composer(scene, placing, rng)
                origin = {"latent": row.round(4).tolist(), "attributes": _attributes(crops, number)}
                if composer.add(crops, number, rng, origin):
                    made = composer.sample
                    if len(made.annotations) - 1 in held(made, cell):
                        return made
        except DataError:  # a scene without a plane that things stand on
            return None
        return None


_generator = lru_cache(maxsize=2)(CropGenerator.load)


def known_of_crops(name: str) -> bool:
    """Whether an attribute is known of a placed crop: it has neither a pose nor a sampled object."""
    return ATTRIBUTES[name].needs not in ("poses", "sampled scenes") if name in ATTRIBUTES else name[:6] == "scene."


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
    ends = {"size_px": (16.0, 256.0), "light": (0.0, 1.0)}
    ranges = {"visible_fraction": _WHOLE} if "visible_fraction" in known else {}
    for condition in cell.conditions:
        name, factor = ("light", 255.0) if condition.attribute == "image_luma" else (condition.attribute, 1.0)
        if name in ends and name in known:
            low, high = (None if v is None else v / factor for v in (condition.low, condition.high))
            first = ends[name][0] if low is None else low
            last = ends[name][1] if high is None else high
            ranges[name] = (min(first, last), max(first, last))  # an open end may lie beyond the usual ones
    return ranges


def _visible(cell: Cell, usual: tuple[float, float]) -> tuple[float, float]:
    """Return how much of a crop must be seen where it is placed: what the cell says, or as usual."""
    for condition in cell.conditions:
        if condition.attribute == "visible_fraction":
            return max(condition.low or 0.0, 0.0), 1.0 if condition.high is None else min(max(condition.high, 0.0), 1.0)
    return usual


def _attributes(crops: Crops, number: int) -> dict[str, float]:
    return {name: round(float(crops.attribute(name)[number]), 4) for name in crops.names}


def _where(made: Sample) -> Plain:
    return {"annotations": [len(made.annotations) - 1], "latent": made.metadata["placed"][-1]["latent"]}
