"""A scripted expert for `Grasp` under the control "ee_delta": go above the object, down, grip, up.

Its gain is low enough for what the shipped randomizations do: with observations and actions that come four steps late
in all, a larger one would swing about the object.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ACTION_M = 0.05
"""Shift of an action of 1 by the control "ee_delta"."""
_OPEN, _CLOSED = 1.0, -1.0
_ABOVE_M = 0.1
_NEAR_M, _FAR_M = 0.01, 0.03
"""How far beside the object it may begin to go down; where it gives up and goes above it again."""
_DEEP_M = 0.01
"""How near to the object's middle it grips."""
_GAIN = 0.2
_FAST_M, _DOWN_M, _UP_M = 0.04, 0.015, 0.01
"""Most that it moves in a step."""
_CALM_STEPS, _CLOSE_STEPS = 3, 8
"""Steps that it has to be above the object, and that the fingers get to close, before it goes on."""


class GraspExpert:
    """Maps observations of `Grasp` with obs="state" to actions; `reset` it for each episode."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin an episode."""
        self._phase: Literal["above", "down", "up"] = "above"
        self._steps = 0

    def __call__(self, observation: Mapping[str, Any]) -> NDArray[np.float32]:
        """Return the action, (4,): the shift along x, y, z, and the fingers."""
        state = np.asarray(observation["observation"], float)
        shift = state[7:10] - state[:3]
        self._choose(float(np.hypot(*shift[:2])), float(shift[2]))
        if self._phase == "up":
            return _action((0.0, 0.0, _UP_M * (self._steps > _CLOSE_STEPS)), _CLOSED)
        if self._phase == "down":
            return _action((*_GAIN * shift[:2], np.clip(2 * _GAIN * shift[2], -_DOWN_M, _DOWN_M)), _OPEN)
        return _action(np.clip(_GAIN * (shift + np.array([0.0, 0.0, _ABOVE_M])), -_FAST_M, _FAST_M), _OPEN)

    def _choose(self, aside_m: float, up_m: float) -> None:
        """Go to the next phase where this one has come to its end, or begin anew where it went wrong."""
        lost = aside_m > _FAR_M or (self._phase == "up" and up_m < -_FAR_M)
        if self._phase != "above" and lost:
            self._begin("above")
        elif self._phase == "above":
            self._steps = self._steps + 1 if aside_m < _NEAR_M else 0
            if self._steps >= _CALM_STEPS:
                self._begin("down")
        elif self._phase == "down" and aside_m < _NEAR_M and abs(up_m) < _DEEP_M:
            self._begin("up")
        else:
            self._steps += 1

    def _begin(self, phase: Literal["above", "down", "up"]) -> None:
        self._phase, self._steps = phase, 0


def _action(shift_m: ArrayLike, fingers: float) -> NDArray[np.float32]:
    return np.array([*(np.asarray(shift_m) / _ACTION_M), fingers]).clip(-1.0, 1.0).astype(np.float32)
