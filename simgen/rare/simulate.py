"""`--how simulate`: scenes of the generator in which a case occurs. The labels are the renderer's, so they are exact.

Scenes are drawn, chosen, let settle, chosen again, and rendered; the case is measured on the labels of what was
rendered, and only what holds it is kept. `simgen.rare.proposals` chooses.
"""

from dataclasses import dataclass, replace
from typing import Any

from simgen.config import Config, from_dict
from simgen.errors import RenderError
from simgen.generate import draw_scene, render_scene
from simgen.rare.attributes import measure, places_of
from simgen.rare.cells import Cell
from simgen.rare.proposals.rough import settled
from simgen.rare.proposals.tilt import Tilt
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import SceneSpec

MOST_DRAWN, MOST_SETTLED, MOST_RENDERED = 20_000, 1_000, 80
"""After so many scenes a case counts as one that the generator does not make."""


@dataclass
class Tally:
    """How many scenes were drawn, let settle, rendered and accepted."""

    drawn: int = 0
    settled: int = 0
    rendered: int = 0
    accepted: int = 0

    @property
    def spent(self) -> bool:
        """Whether it is time to give up."""
        return self.drawn >= MOST_DRAWN or self.settled >= MOST_SETTLED or self.rendered >= MOST_RENDERED


def case_seed(seed: int, cell: Cell) -> int:
    """Return the seed of a cell's scenes: none of them is one of the dataset's own, or of another cell's."""
    return int(stream(seed, 0, f"rare.fill.{cell.title}").integers(2**31))


def simulated(config: Config, tilt: Tilt, seed: int, index: int, tally: Tally) -> Sample | None:
    """Return a sample that holds a cell: a pure function of all but the tally; None where none was found in time.

    Its metadata have the seed, index and attempt that `draw_scene` makes its scene from, and under "source" what it is
    and its weight: the generator's density of the scene over the proposal's, up to a factor that all samples of a cell
    have in common.

    Args:
        config: the generator.
        tilt: how scenes are chosen.
        seed: of the cell, see `case_seed`.
        index: of the sample among the cell's.
        tally: counts what it took.
    """
    start = replace(tally)
    spent = Tally()
    chooser = stream(seed, index, "rare.choose")
    for attempt in range(MOST_DRAWN):
        if spent.spent:
            break
        scene = draw_scene(config, seed, index, attempt)
        spent.drawn += 1
        share = tilt.draw_share(scene)
        if chooser.random() < share:
            made, share = _rendered(config, tilt, scene, share, float(chooser.random()), spent)
            places = [] if made is None else held(made, tilt.cell)
            if made is not None and places:
                spent.accepted = 1
                _add(tally, start, spent)
                source = _source(tilt, places, share, spent)
                meta = {"seed": seed, "index": index, "attempt": attempt, **made.metadata, "source": source}
                return replace(made, metadata=meta)
    _add(tally, start, spent)
    return None


def _rendered(
    config: Config, tilt: Tilt, scene: SceneSpec, share: float, level: float, spent: Tally
) -> tuple[Sample | None, float]:
    """Return the sample of a drawn scene that is chosen at rest, too, and the probability of both choices."""
    spent.settled += 1
    rough = settled(config, scene)
    if rough is None:
        return None, share
    at_rest = tilt.rest_share(scene, rough)
    if level >= at_rest:
        return None, share
    spent.rendered += 1
    try:
        return render_scene(config, scene), share * at_rest
    except RenderError:
        return None, share


def held(sample: Sample, cell: Cell) -> list[int]:
    """Return the places of the annotations that hold a cell, measured on the sample itself."""
    rows = measure(sample, cell.attributes)
    return [place for place, row in zip(places_of(sample), rows, strict=True) if cell.holds(row)]


def _source(tilt: Tilt, places: list[int], share: float, spent: Tally) -> dict[str, Any]:
    tried = {"drawn": spent.drawn, "settled": spent.settled, "rendered": spent.rendered}
    weight = round(tilt.mean / share, 6)
    return {"generator": "simulate", "cell": tilt.cell.title, "weight": weight, "annotations": places, "tried": tried}


def _add(tally: Tally, start: Tally, spent: Tally) -> None:
    for name in vars(spent):
        setattr(tally, name, getattr(start, name) + getattr(spent, name))
