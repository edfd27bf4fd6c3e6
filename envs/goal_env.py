"""`GoalEnv`: an arm that brings something to a goal; observations are dicts, as hindsight replay needs them.

Source: multi-goal environments of Plappert et al. (2018), hindsight experience replay of Andrychowicz et al. (2017).
"""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from simgen.envs.arm_env import ArmEnv
from simgen.envs.given import given_goals
from simgen.envs.observe import Observation
from simgen.envs.settings import GoalSettings


class GoalEnv(ArmEnv):
    """An environment with a goal: a place in the world.

    The observation is a dict: what was asked for, "achieved_goal" and "desired_goal", (3,) float32 each: places in
    metres, where a subclass says nothing else.

    Attributes:
        near_m: how near is at the goal.
        goal: the body that shows the goal.
    """

    settings_type = GoalSettings
    settings: GoalSettings
    memory = (*ArmEnv.memory, "_desired", "_achieved")
    ghosts = ("goal",)
    near_m: ClassVar[float] = 0.05
    _desired: NDArray[np.float32]
    _achieved: NDArray[np.float32]

    @abstractmethod
    def achieved(self) -> NDArray[np.float64]:
        """Return what (3,) is to be the goal: a place."""

    def set_goal(self, goal: ArrayLike) -> None:
        """Set the goal, and show it; call it at the end of `begin`."""
        self._desired = np.asarray(goal, np.float32)
        self.sim.place("goal", self.shown(self._desired))
        self._measure()

    def shown(self, goal: NDArray[np.float32]) -> Iterable[float]:
        """Return the place (3,) of the body that shows a goal."""
        return goal

    def missing(self, achieved: NDArray[np.float64], desired: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much of goals (..., 3) is missing, (...) metres: the distance."""
        return np.asarray(np.sqrt(((achieved - desired) ** 2).sum(-1)))

    def act(self, action: NDArray[np.float64]) -> None:
        super().act(action)
        self._measure()

    def _measure(self) -> None:
        self._achieved = np.minimum(np.maximum(self.achieved(), -2.0), 2.0).astype(np.float32)

    def observations(self) -> spaces.Dict:
        place = spaces.Box(-2.0, 2.0, (3,), np.float32)
        return spaces.Dict({**self._observer.boxes(), "achieved_goal": place, "desired_goal": place})

    def observed(self, arrays: Observation) -> dict[str, NDArray[Any]]:
        return arrays | {"achieved_goal": self._achieved.copy(), "desired_goal": self._desired.copy()}

    def compute_reward(self, achieved_goal: ArrayLike, desired_goal: ArrayLike, info: Any = None) -> Any:
        """Return the reward of goals (3,), a float, or of goals (n, 3), an array (n,) float64.

        Raises:
            EnvError: goals of other shapes, or as many of one as not of the other.
        """
        missing = self.missing(*given_goals(achieved_goal, desired_goal))
        reward = -missing if self.settings.reward == "dense" else np.where(missing < self.near_m, 0.0, -1.0)
        return reward if np.ndim(reward) else float(reward)

    def judge(self) -> tuple[float, bool]:
        reward = self.compute_reward(self._achieved, self._desired)
        return reward, self.settings.terminate and self._is_near()

    def details(self) -> dict[str, float]:
        return {"is_success": float(self._is_near())}

    def _is_near(self) -> bool:
        return bool(self.missing(self._achieved.astype(float), self._desired.astype(float)) < self.near_m)
