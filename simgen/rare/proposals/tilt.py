"""Which drawn scenes to go on with, so that a cell comes often and every scene that holds it still may come.

A scene goes on with probability g(scene): the scenes that arrive are of the density p(scene) g(scene) / Z, and
Z / g(scene) is the importance weight that turns their law back into that of the generator (Robert and Casella 2004,
"Monte Carlo statistical methods", 3.3). g is high where the learned chances are, as in the cross-entropy method
(Rubinstein 1999), and has a floor: a model that is wrong makes the search slower, not the set biased. What a drawn or
settled scene rules out for certain is dropped: it could never be accepted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.config import Config
from simgen.generate import draw_scene
from simgen.rare.attributes import at_path, value_of
from simgen.rare.cells import Cell, Condition
from simgen.rare.proposals.chances import Chance, Known, joined, learned
from simgen.rare.proposals.numbers import object_numbers, scene_numbers
from simgen.rare.proposals.rough import Rough
from simgen.scene import SceneSpec, scene_to_dict

Array = NDArray[np.float64]
PASS_SHARE = 1 / 24
"""Of the drawn scenes, about so many go on: drawing one costs a fiftieth of rendering it."""
_PILOT = 300
_FLOOR_SHARE = 0.05
"""Of those that go on, about so many do because of the floor."""
ROUGH_FLOOR = 0.005
_MARGINS = {"visible_fraction": 0.05, "neighbours": 1.0, "touching": 1.0, "touching_same_class": 1.0, "count": 1.0}
_SIZE_MARGIN = 0.05
_EXACT = frozenset({"class", "view_side", "view_tilt_deg", "yaw_deg", "lean_deg", "wall_gap_m"})
"""Attributes of poses: known exactly once a scene is at rest."""
_PIXELS = frozenset({"image_luma", "object_luma"})


def pilot_scenes(config: Config, seed: int) -> list[SceneSpec]:
    """Return 300 drawn scenes."""
    return [draw_scene(config, seed, index) for index in range(_PILOT)]


@dataclass(frozen=True, eq=False)
class Tilt:
    """How the scenes of one cell are chosen.

    Attributes:
        cell: what is looked for.
        chances: the model of each of its conditions.
        ceiling: the chance from which on every drawn scene goes on.
        floor: the least probability of one that may hold the cell.
        mean: of g over what the generator draws: Z.
    """

    cell: Cell
    chances: tuple[Chance, ...]
    ceiling: float
    floor: float
    mean: float

    @staticmethod
    def of(cell: Cell, known: Known, pilot: Sequence[SceneSpec]) -> "Tilt":
        """Learn how to choose from a dataset's objects, and set the levels by some drawn scenes."""
        chances = tuple(learned(known, condition) for condition in cell.conditions)
        bare = Tilt(cell, chances, 1.0, 0.0, 1.0)
        found = np.array([bare.chance(scene) for scene in pilot])
        ceiling = _ceiling(found)
        floor = _FLOOR_SHARE * PASS_SHARE
        mean = float(np.where(found > 0, np.clip(found / ceiling, floor, 1), 0).mean())
        return Tilt(cell, chances, ceiling, floor, max(mean, 1e-6))

    def chance(self, scene: SceneSpec) -> float:
        """Return how likely a drawn scene holds the cell; 0 where it cannot."""
        data = scene_to_dict(scene) if any("." in name for name in self.cell.attributes) else {}
        labelled = [order for order, body in enumerate(scene.objects) if body.labelled]
        numbers = joined(scene_numbers(scene), object_numbers(scene)[labelled])
        chances = np.ones(len(labelled))
        for condition, model in zip(self.cell.conditions, self.chances, strict=True):
            certain = [_drawn(condition, scene, data, order) for order in labelled]
            chances *= [c if c is not None else m for c, m in zip(certain, model.of(numbers), strict=True)]
        return float(1 - np.prod(1 - chances))

    def draw_share(self, scene: SceneSpec) -> float:
        """Return g of a drawn scene."""
        chance = self.chance(scene)
        return 0.0 if chance <= 0 else float(np.clip(chance / self.ceiling, self.floor, 1))

    def rest_share(self, scene: SceneSpec, rough: Rough) -> float:
        """Return g of a scene at rest.

        It is 1 if an object that seems to hold the cell is also the likeliest to have what only the picture shows.
        """
        found = rough.sample.annotations
        possible = np.array([self._rough(rough, place, exact=True) for place in range(len(found))], bool)
        if not possible.any():
            return ROUGH_FLOOR if rough.hidden else 0.0
        likely = np.array([self._rough(rough, place, exact=False) for place in range(len(found))], bool) & possible
        unseen = self._unseen(scene, [a.instance_id - 1 for a in found])
        return float(np.clip((likely * unseen / unseen.max()).max(), ROUGH_FLOOR, 1))

    def _rough(self, rough: Rough, place: int, *, exact: bool) -> bool:
        """Whether an object at rest fulfils what is known of it: exactly, or roughly and so with some margin."""
        for condition in self.cell.conditions:
            name = condition.attribute
            if name in _PIXELS or exact == (name not in _EXACT and "." not in name):
                continue
            value = value_of(rough.sample, place, name)
            if not (condition if exact else widened(condition)).holds(value):
                return False
        return True

    def _unseen(self, scene: SceneSpec, bodies: list[int]) -> Array:
        """Return the (n,) chances of what only the picture shows."""
        numbers = joined(scene_numbers(scene), object_numbers(scene)[bodies])
        chances = np.ones(len(bodies))
        for condition, model in zip(self.cell.conditions, self.chances, strict=True):
            if condition.attribute in _PIXELS:
                chances *= model.of(numbers)
        return chances


def widened(condition: Condition) -> Condition:
    """Return the condition with its margin on either side: rough values lie around the true ones."""
    name = condition.attribute
    if condition.among:
        return condition
    low, high = condition.low, condition.high
    if name == "size_px":
        low, high = low and low * (1 - _SIZE_MARGIN), high and high * (1 + _SIZE_MARGIN)
    else:
        margin = _MARGINS.get(name, 0.0)
        # Counts from 1 on stay: half of what touches nothing would pass.
        keep = margin == 1.0
        low = low if keep or low is None else low - margin
        high = high if high is None else high + margin
    return Condition(name, low, high)


def _drawn(condition: Condition, scene: SceneSpec, data: dict[str, object], order: int) -> float | None:
    """Return 1 or 0 where a drawn scene says for certain whether a condition holds for one of its bodies, else None."""
    name = condition.attribute
    if name == "class":
        known = scene.objects[order].class_name
        return None if known is None else float(condition.holds(known))
    first, dot, rest = name.partition(".")
    if not dot:
        return None
    objects = data["objects"]
    assert isinstance(objects, list)
    return float(condition.holds(at_path(data if first == "scene" else objects[order], rest.split("."))))


def _ceiling(pilot: Array) -> float:
    """Return the level of chances at which about `PASS_SHARE` of what is possible goes on."""
    possible = pilot[pilot > 0]
    if not len(possible):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        too_many = np.clip(possible / middle, 0, 1).mean() > PASS_SHARE
        low, high = (middle, high) if too_many else (low, middle)
    return high
