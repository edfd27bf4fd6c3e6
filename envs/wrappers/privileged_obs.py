"""`PrivilegedObs`: the truth beside what an agent may see, for a critic or a teacher."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from simgen.envs.base import Limits, SimEnv
from simgen.envs.wrappers.inner import arrays_of, boxes, inner
from simgen.errors import EnvError, did_you_mean


class PrivilegedObs(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Adds a vector, float32: the true state of now, then the domain's values in the order of `parameters`.

    A critic that sees it may teach an actor that does not (Pinto et al., Asymmetric Actor Critic for Image-Based Robot
    Learning, 2017). Numbers that only tell one draw from another (`*.draw`, `sensor.seed`) are left out.

    Attributes:
        parameters: names of the domain's values.
        state_size: how many numbers of the state come first; 0 where the environment has no "state".
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], key: str = "privileged", parameters: Sequence[str] = ("*",)
    ) -> None:
        """Wrap an environment of `simgen.envs`.

        Args:
            env: the environment.
            key: of the vector; an observation that is one array becomes "observation" beside it.
            parameters: names of the domain's values; they may hold "*".

        Raises:
            EnvError: another environment, a parameter that it lacks, or a key that is taken.
        """
        RecordConstructorArgs.__init__(self, key=key, parameters=tuple(parameters))
        gymnasium.ObservationWrapper.__init__(self, env)
        self._inner, self._key = inner(env, "PrivilegedObs"), key
        known = boxes(env, "PrivilegedObs")
        if key in known:
            raise EnvError(f'PrivilegedObs: expected a key that is free, got "{key}"')
        self.parameters = _chosen(self._inner, parameters)
        state = self._inner.vectors().get("state", (np.zeros(0, np.float32), np.zeros(0, np.float32)))
        self.state_size = len(state[0])
        low, high = _limits(self._inner, self.parameters, state)
        self.observation_space = spaces.Dict({**known, key: spaces.Box(low, high, dtype=np.float32)})
        self._low, self._high = low, high

    def observation(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Return the observation with the vector."""
        values = self._inner.domain.values
        state = [self._inner.vector("state")] if self.state_size else []
        numbers = np.array([values[name] for name in self.parameters], np.float32)
        truth = np.minimum(np.maximum(np.concatenate([*state, numbers]), self._low), self._high)
        return arrays_of(observation) | {self._key: truth}


def _chosen(env: SimEnv, patterns: Sequence[str]) -> tuple[str, ...]:
    known = [name for name in env.parameters if not name.endswith((".draw", ".seed"))]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise EnvError(f'PrivilegedObs: unknown parameter "{pattern}"{did_you_mean(pattern, known)}')
    return tuple(name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns))


def _limits(env: SimEnv, names: Sequence[str], state: Limits) -> Limits:
    low, high = ([getattr(env.parameters[name], side) for name in names] for side in ("low", "high"))
    ends = (np.concatenate([part, values]).astype(np.float32) for part, values in zip(state, (low, high), strict=True))
    return next(ends), next(ends)
