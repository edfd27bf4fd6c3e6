"""`Latency`: observations and actions that come late, in any environment."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import ArrayLike

from simgen.envs.observe import Observation
from simgen.envs.wrappers.inner import PLAIN, arrays_of, boxes, like, one_of
from simgen.errors import EnvError


class Latency(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Delays arrays of the observation, and actions, by whole steps. Works with any environment.

    Until the first is late enough, the first observation of the episode is repeated, and the action `still` is carried
    out. Rewards, `info` and the arrays that are not named belong to the state of now. A latency that varies is a term
    of the randomization: `observation.latency_steps`, `action.latency_steps`.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        observation_steps: int = 0,
        action_steps: int = 0,
        keys: Sequence[str] = (PLAIN,),
        still: ArrayLike | None = None,
    ) -> None:
        """Wrap an environment.

        Args:
            env: the environment.
            observation_steps: by how many steps observations are late, >= 0.
            action_steps: by how many steps actions are late, >= 0.
            keys: names of the arrays that are late; "observation" is the only one of an environment without a dict.
            still: the action until the first one arrives; default: zeros, where they are an action.

        Raises:
            EnvError: an unknown array, a number of steps below 0, or no action to begin with.
        """
        said = None if still is None else np.asarray(still).tolist()
        RecordConstructorArgs.__init__(
            self, observation_steps=observation_steps, action_steps=action_steps, keys=tuple(keys), still=said
        )
        gymnasium.Wrapper.__init__(self, env)
        for name, steps in (("observation_steps", observation_steps), ("action_steps", action_steps)):
            if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
                raise EnvError(f"Latency: expected {name} >= 0, got {steps!r}")
        known = boxes(env, "Latency")
        self._keys = tuple(one_of(known, key, "Latency") for key in keys)
        self._still = _still(env.action_space, said) if action_steps else None
        self._seen: deque[Observation] = deque(maxlen=observation_steps + 1)
        self._sent: deque[Any] = deque(maxlen=action_steps + 1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._seen.clear()
        self._sent.clear()
        self._sent.extend([self._still] * ((self._sent.maxlen or 1) - 1))
        return self._late(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self._sent.append(action)
        observation, reward, terminated, truncated, info = self.env.step(self._sent[0])
        return self._late(observation), reward, terminated, truncated, info

    def _late(self, observation: Any) -> Any:
        arrays = arrays_of(observation)
        self._seen.append({key: arrays[key] for key in self._keys})
        return like(observation, arrays | {key: array.copy() for key, array in self._seen[0].items()})


def _still(space: spaces.Space[Any], said: Any) -> Any:
    """Return the action that was said, or zeros, as the space has it. Raises `EnvError` if that is no action."""
    wanted = np.zeros(space.shape or ()) if said is None else np.asarray(said)
    found = wanted.astype(space.dtype)
    if isinstance(space, spaces.Discrete):
        found = found[()]
    if not space.contains(found):
        raise EnvError(f"Latency: still: expected an action of the space {space!r:.80}, got {wanted.tolist()}")
    return found
