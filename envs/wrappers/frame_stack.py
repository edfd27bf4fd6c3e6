"""`FrameStack`: the last observations side by side."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from simgen.envs.observe import Observation
from simgen.envs.wrappers.inner import PLAIN, arrays_of, boxes, like, one_of, space_like
from simgen.errors import EnvError


class FrameStack(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Joins some arrays of the last observations along their last axis, the newest last.

    gymnasium's `FrameStackObservation` stacks all of a dict, along a new first axis. Here goals can stay as they are,
    so that `compute_reward` and hindsight replay go on working, and pictures stay pictures: (H, W, frames x channels).
    Before there are as many, the first observation of the episode is repeated. Works with any environment.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], frames: int, keys: Sequence[str] = (PLAIN,)) -> None:
        """Wrap an environment.

        Args:
            env: the environment.
            frames: how many observations, >= 1.
            keys: names of the arrays; "observation" is the only one of an environment without a dict.

        Raises:
            EnvError: an unknown array, or a number of frames below 1.
        """
        RecordConstructorArgs.__init__(self, frames=frames, keys=tuple(keys))
        gymnasium.Wrapper.__init__(self, env)
        if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
            raise EnvError(f"FrameStack: expected frames >= 1, got {frames!r}")
        known = boxes(env, "FrameStack")
        self._keys = tuple(one_of(known, key, "FrameStack") for key in keys)
        self._seen: deque[Observation] = deque(maxlen=frames)
        joined = {key: _joined_box([known[key]] * frames) for key in self._keys}
        self.observation_space = space_like(env.observation_space, known | joined)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._seen.extend([self._part(observation)] * (self._seen.maxlen or 1))
        return self._stacked(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._seen.append(self._part(observation))
        return self._stacked(observation), reward, terminated, truncated, info

    def _part(self, observation: Any) -> Observation:
        arrays = arrays_of(observation)
        return {key: arrays[key] for key in self._keys}

    def _stacked(self, observation: Any) -> Any:
        joined = {key: np.concatenate([seen[key] for seen in self._seen], -1) for key in self._keys}
        return like(observation, arrays_of(observation) | joined)


def _joined_box(several: list[spaces.Box]) -> spaces.Box:
    low, high = (np.concatenate(part, -1) for part in zip(*[(box.low, box.high) for box in several], strict=True))
    return spaces.Box(low, high, dtype=several[0].dtype.type)
