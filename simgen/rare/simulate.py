"""`--how simulate`: scenes of the generator in which a case occurs. The labels are the renderer's, so they are exact.

Scenes are drawn, chosen, let settle, chosen again, and rendered; the case is measured on the labels of what was
rendered, and only what holds it is kept. `simgen.rare.proposals` chooses.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from simgen.config import Config, from_dict
from simgen.errors import DataError, RenderError
from simgen.generate import draw_scene, render_scene
from simgen.rare.attributes import measure, places_of
from simgen.rare.cells import Cell
from simgen.rare.how import Made, Task
from simgen.rare.proposals.chances import Known
from simgen.rare.proposals.rough import settled
from simgen.rare.proposals.tilt import Tilt, pilot_scenes
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import Plain, SceneSpec

MOST = {"drawn": 20_000, "settled": 1_000, "rendered": 80}
"""After so many scenes a case counts as one that the generator does not make."""


def case_seed(seed: int, cell: Cell) -> int:
    """Return the seed of a cell's scenes: none of them is one of the dataset's own, or of another cell's."""
    return int(stream(seed, 0, f"rare.fill.{cell.title}").integers(2**31))


@dataclass(frozen=True, eq=False)
class Simulator:
    """Makes samples of cells with the generator that made the dataset.

    Attributes:
        source: the config as plain data.
        root: the folder that its file names start from.
        tilts: one for each cell.
        seed: of the fill.
    """

    source: Plain
    root: Path
    tilts: tuple[Tilt, ...]
    seed: int

    @staticmethod
    def prepare(task: Task) -> "Simulator":
        """Learn from the dataset's scenes how to choose.

        Raises:
            DataError: the images do not tell the scenes that they show.
        """
        known = Known.of(task.data, task.seed)
        if not known.owners:
            raise DataError(
                f'dataset "{task.data.root}": expected sampled scenes in meta/ to simulate more of, got none; '
                "--how vae or gan places crops of its objects"
            )
        pilot = pilot_scenes(task.config, int(stream(task.seed, 0, "rare.pilot").integers(2**31)))
        tilts = tuple(Tilt.of(cell, known, pilot) for cell in task.cells)
        return Simulator(task.config.source, task.config.root, tilts, task.seed)

    def make(self, order: int, number: int) -> Made:
        """Return a sample of a cell; see `simulated`."""
        tilt = self.tilts[order]
        return simulated(from_dict(self.source, self.root), tilt, case_seed(self.seed, tilt.cell), number)


def simulated(config: Config, tilt: Tilt, seed: int, index: int) -> Made:
    """Return a sample that holds a cell: a pure function of the arguments.

    Its metadata have the seed, index and attempt that `draw_scene` makes its scene from, and under "source" what it is
    and its weight: the generator's density of the scene over the proposal's, up to a factor that all samples of a cell
    have in common.

    Args:
        config: the generator.
        tilt: how scenes are chosen.
        seed: of the cell, see `case_seed`.
        index: of the sample among the cell's.
    """
    tried: Counter[str] = Counter(dict.fromkeys(MOST, 0))
    chooser = stream(seed, index, "rare.choose")
    for attempt, scene in _drawn(config, seed, index, tried):
        share = tilt.draw_share(scene)
        if chooser.random() >= share:
            continue
        made, at_rest = _rendered(config, tilt, scene, float(chooser.random()), tried)
        places = [] if made is None else held(made, tilt.cell)
        if made is not None and places:
            weight = round(tilt.mean / (share * at_rest), 6)
            source = {"generator": "simulate", "cell": tilt.cell.title, "weight": weight, "annotations": places}
            meta = {"seed": seed, "index": index, "attempt": attempt, **made.metadata}
            return Made(replace(made, metadata={**meta, "source": {**source, "tried": dict(tried)}}), dict(tried))
    return Made(None, dict(tried))


def _drawn(config: Config, seed: int, index: int, tried: Counter[str]) -> Iterator[tuple[int, SceneSpec]]:
    """Draw scenes until one of the limits is reached."""
    while all(tried[stage] < most for stage, most in MOST.items()):
        attempt = tried["drawn"]
        tried["drawn"] += 1
        yield attempt, draw_scene(config, seed, index, attempt)


def _rendered(
    config: Config, tilt: Tilt, scene: SceneSpec, level: float, tried: Counter[str]
) -> tuple[Sample | None, float]:
    """Return the sample of a scene if it is chosen at rest, too, and the probability of that choice."""
    tried["settled"] += 1
    rough = settled(config, scene)
    at_rest = 0.0 if rough is None else tilt.rest_share(scene, rough)
    if level >= at_rest:
        return None, at_rest
    tried["rendered"] += 1
    try:
        return render_scene(config, scene), at_rest
    except RenderError:
        return None, at_rest


def held(sample: Sample, cell: Cell) -> list[int]:
    """Return the places of the annotations that hold a cell, measured on the sample itself."""
    rows = measure(sample, cell.attributes)
    return [place for place, row in zip(places_of(sample), rows, strict=True) if cell.holds(row)]
