"""`Push`: push a cube to a place on the table."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.envs.goal_env import GoalEnv
from simgen.envs.tabletop import block, marker, tabletop
from simgen.geometry import quat_about
from simgen.scene import SceneSpec

EDGE_M = 0.05
LOW_M, HIGH_M = (0.42, -0.16), (0.62, 0.16)
"""Corners of the part of the table that cubes and goals are drawn in."""
_APART_M = 0.08


class Push(GoalEnv):
    """Push the red cube to the green ball with the closed hand."""

    start_m = (0.36, 0.0, 0.12)

    def scene(self) -> SceneSpec:
        cube = block("object", (EDGE_M, EDGE_M, EDGE_M), (205, 45, 40), (0.5, 0.0, 0.3))
        return tabletop(marker(), cube)

    def begin(self, rng: Generator) -> None:
        self.start_arm()
        start = goal = rng.uniform(LOW_M, HIGH_M)
        while np.hypot(*(goal - start)) < _APART_M:
            goal = rng.uniform(LOW_M, HIGH_M)
        self.sim.place("object", (*start, EDGE_M / 2), quat_about((0, 0, 1), rng.uniform(-np.pi, np.pi)))
        self.set_goal((*goal, EDGE_M / 2))

    def achieved(self) -> NDArray[np.float64]:
        return self.sim.pose("object")[0]

    def state_limits(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        place, turn, speed, spin = (np.full(n, high) for n, high in ((3, 2.0), (4, 1.0), (3, 10.0), (3, 100.0)))
        return [(-part, part) for part in (place, turn, speed, spin)]

    def state_parts(self) -> list[NDArray[np.float64]]:
        """Return the cube's place, quaternion (xyzw), velocity and spin."""
        return [*self.sim.pose("object"), *self.sim.velocity("object")]
