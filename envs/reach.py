"""`Reach`: bring the tool to a place in the air."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.envs.goal_env import GoalEnv
from simgen.envs.tabletop import marker, tabletop
from simgen.scene import SceneSpec

LOW_M, HIGH_M = (0.35, -0.22, 0.08), (0.65, 0.22, 0.42)
"""Corners of the box that goals are drawn in."""


class Reach(GoalEnv):
    """Bring the tool to the green ball."""

    def scene(self) -> SceneSpec:
        return tabletop(marker())

    def begin(self, rng: Generator) -> None:
        self.start_arm()
        self.set_goal(rng.uniform(LOW_M, HIGH_M))

    def achieved(self) -> NDArray[np.float64]:
        return self.arm.tool()[0]
