"""`GoalEnv`: an arm that brings something to a goal; observations are dicts, as hindsight replay needs them.

Source: multi-goal environments of Plappert et al. (2018), hindsight experience replay of Andrychowicz et al. (2017).
"""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from simgen.envs.arm_env import ArmEnv
from simgen.envs.observe import Observation
from simgen.envs.settings import GoalSettings


class GoalEnv(ArmEnv):
    """An environment with a goal: a place in the world.

    The observation is a dict: what was asked for, "achieved_goal" and "desired_goal", (3,) float32 metres each.

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
        """Return the place (3,) that is to be at the goal."""

    def set_goal(self, place_m: ArrayLike) -> None:
        """Set the goal, and show it; call it at the end of `begin`."""
        self._desired = np.asarray(place_m, np.float32)
        self.sim.place("goal", self._desired)
        self._measure()

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
        """Return the reward of places (3,), a float, or of places (n, 3), an array (n,) float64."""
        distance = _distance(achieved_goal, desired_goal)
        reward = -distance if self.settings.reward == "dense" else np.where(distance < self.near_m, 0.0, -1.0)
        return reward if np.ndim(reward) else float(reward)

    def judge(self) -> tuple[float, bool]:
        reward = self.compute_reward(self._achieved, self._desired)
        return reward, self.settings.terminate and self._is_near()

    def details(self) -> dict[str, float]:
        return {"is_success": float(self._is_near())}

    def _is_near(self) -> bool:
        return bool(_distance(self._achieved, self._desired) < self.near_m)


def _distance(achieved: ArrayLike, desired: ArrayLike) -> NDArray[np.float64]:
    shift = np.asarray(achieved, np.float64) - np.asarray(desired, np.float64)
    return np.asarray(np.sqrt((shift**2).sum(-1)))
