"""A scripted expert for `Grasp` under the control "ee_delta": go above the object, down, grip, up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP_M = 0.05
"""Shift of an action of 1 by the control "ee_delta"."""
_OPEN, _CLOSED = 1.0, -1.0
_ABOVE_M = 0.09
_ASIDE_M = 0.012
"""How far beside the object it may go down."""
_DEEP_M = 0.012
"""How near to the object's middle it grips."""
_GAIN = 0.5
_SLOW_M = 0.02
"""Most that it moves in a step with the hand near the object."""
_PATIENCE = 8
"""Steps that the fingers get to close."""


class GraspExpert:
    """Maps observations of `Grasp` with obs="state" to actions; make one for each episode, or `reset` it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin an episode."""
        self._closing = 0

    def __call__(self, observation: Mapping[str, Any]) -> NDArray[np.float32]:
        """Return the action, (4,): the shift along x, y, z, and the fingers."""
        state = np.asarray(observation["observation"], float)
        tool, thing = state[:3], state[7:10]
        shift = thing - tool
        aside, down = float(np.hypot(*shift[:2])), -float(shift[2])
        if self._closing and (aside > 3 * _ASIDE_M or down > 3 * _DEEP_M):
            self._closing = 0  # it slipped: once more
        if not self._closing and aside < _ASIDE_M and down < _DEEP_M:
            self._closing = 1
        if self._closing:
            self._closing += 1
            return _action((0.0, 0.0, _SLOW_M if self._closing > _PATIENCE else 0.0), _CLOSED)
        if aside > _ASIDE_M and down < _ABOVE_M / 2:
            return _action((0.0, 0.0, _SLOW_M), _OPEN)
        height = _ABOVE_M if aside > _ASIDE_M else 0.0
        wanted = _GAIN * (shift + (0.0, 0.0, height))
        return _action(np.clip(wanted, -_SLOW_M, _SLOW_M) if down < _ABOVE_M else wanted, _OPEN)


def _action(shift_m: Any, fingers: float) -> NDArray[np.float32]:
    return np.clip([*(np.asarray(shift_m) / STEP_M), fingers], -1.0, 1.0).astype(np.float32)
