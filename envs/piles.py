"""Piles: things that were dropped into the bin and have come to rest.

A pile is a pure function of (the things, its number). It comes to rest once, in a simulation without an arm and under
the nominal dynamics, and is kept as poses: to put it into the bin again takes no time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.bullet import p
from simgen.envs.bins import AWAY_M, CENTER_M, INNER_M, PITCH_M
from simgen.envs.simulation import Simulation
from simgen.geometry import quat_multiply
from simgen.rng import stream
from simgen.scene import SceneSpec

Array = NDArray[np.float64]
_MOST_KEPT = 4096
_LOWEST_M, _LAYER_M, _MARGIN_M = 0.06, 0.07, 0.06
"""Things are dropped one over another, that far from the walls."""
_MOST_STEPS, _LOOK_EVERY, _QUIET, _SLOW_M_S = 400, 20, 3, 0.003
"""They have come to rest when they were as slow three times: a thing that leans on another may tip slowly at first."""
_ROLLING = 0.003
"""Rolling and spinning friction of the things: without it a ball in the bin never comes to rest."""
_HALF_TURN = (0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Pile:
    """Things at rest in the bin.

    Attributes:
        things: their numbers, in ascending order.
        places_m: (n, 3).
        quats_xyzw: (n, 4).
    """

    things: tuple[int, ...]
    places_m: Array
    quats_xyzw: Array

    def turned(self) -> "Pile":
        """Return the pile after half a turn about the bin's middle, in which it rests as well."""
        places = self.places_m * (-1, -1, 1) + (2 * CENTER_M[0], 2 * CENTER_M[1], 0)
        return Pile(self.things, places, np.array([quat_multiply(_HALF_TURN, quat) for quat in self.quats_xyzw]))


class Piles:
    """The piles of some things, by number."""

    def __init__(self, scene: SceneSpec, things: Sequence[str], count: tuple[int, int], seed: int) -> None:
        """Build the simulation that they come to rest in.

        Args:
            scene: with a bin and the things.
            things: their names.
            count: least and most things in a pile.
            seed: of the piles.
        """
        self._sim = Simulation(scene, visuals=False)
        self._things, self._count, self._seed = things, count, seed
        roll_slowly(self._sim, things)
        self.pile = lru_cache(maxsize=_MOST_KEPT)(self._settled)
        """The pile of a number >= 0, as it fell or after half a turn."""

    def _settled(self, number: int, turned: bool) -> Pile:
        """Return the pile of a number >= 0, perhaps after half a turn."""
        if turned:
            return self.pile(number, False).turned()
        self._sim.restore()
        present = self._drop(stream(self._seed, number, "pile"))
        names = [self._things[thing] for thing in present]
        quiet = 0
        for _ in range(_MOST_STEPS // _LOOK_EVERY):
            self._sim.advance(_LOOK_EVERY)
            quiet = quiet + 1 if at_rest(self._sim, names, _SLOW_M_S) else 0
            if quiet == _QUIET:
                break
        places, quats = zip(*(self._sim.pose(name) for name in names), strict=True)
        return Pile(present, np.array(places), np.array(quats))

    def _drop(self, rng: Generator) -> tuple[int, ...]:
        """Place some things over the bin. Returns their numbers."""
        least, most = self._count
        chosen = rng.choice(len(self._things), int(rng.integers(least, most + 1)), replace=False)
        present = tuple(sorted(chosen.tolist()))
        put_away(self._sim, [name for number, name in enumerate(self._things) if number not in present])
        spread = 0.5 * np.array(INNER_M) - _MARGIN_M
        for layer, thing in enumerate(rng.permutation(present)):
            place, turn = CENTER_M + rng.uniform(-spread, spread), rng.normal(size=4)
            height = _LOWEST_M + _LAYER_M * layer
            self._sim.place(self._things[thing], (*place, height), turn / np.linalg.norm(turn))
        return present

    def close(self) -> None:
        """Free the simulation; may be called again."""
        self._sim.close()


def put_away(sim: Simulation, names: Sequence[str]) -> None:
    """Put things where no camera sees them and where they touch nothing: they fall, side by side."""
    x, y, z = AWAY_M
    for order, name in enumerate(names):
        sim.place(name, (x + PITCH_M * order, y, z))


def roll_slowly(sim: Simulation, names: Sequence[str]) -> None:
    """Give things the friction under which they come to rest when they roll."""
    for name in names:
        body = sim.body(name).id
        p.changeDynamics(body, -1, rollingFriction=_ROLLING, spinningFriction=_ROLLING, physicsClientId=sim.client)


def at_rest(sim: Simulation, names: Sequence[str], slow_m_s: float) -> bool:
    """Return whether all of some things move slower than that; a ball may go on spinning where it lies."""
    return all(sim.speed_m_s(name) < slow_m_s for name in names)
