"""`ActuatedEnv`: what goes wrong on the way from an action to what carries it out: it comes late, and with noise."""

from abc import abstractmethod
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simgen.envs.base import MOST_LATENCY, SimEnv
from simgen.envs.domain import Parameter

Array = NDArray[np.float64]


class ActuatedEnv(SimEnv):
    """An environment in which an action moves something: an arm, or a camera.

    A subclass calls `start_actuators` from `begin`, and takes `arrived(action)` in place of the action.
    """

    memory = (*SimEnv.memory, "_queue", "_noise")

    @abstractmethod
    def still(self, action: Array) -> Array:
        """Return the action, of the shape of the one that is given, that changes nothing now."""

    def domain_parameters(self) -> Iterable[Parameter]:
        yield from super().domain_parameters()
        yield Parameter("action.latency_steps", 0.0, 0.0, MOST_LATENCY, whole=True)
        yield Parameter("action.noise", 0.0, 0.0, 1.0)

    def start_actuators(self) -> None:
        """Forget the actions of the episode before."""
        self._queue: list[Array] = []
        self._noise = self.episode_stream("action.noise")

    def arrived(self, action: Array) -> Array:
        """Return what arrives in this step, in which an action was sent."""
        return self.noisy(self._late(action))

    def _late(self, action: Array) -> Array:
        """Return the action that arrives now; before the first has arrived nothing moves."""
        self._queue = [*self._queue[-MOST_LATENCY:], action]
        late = int(self.domain.values["action.latency_steps"])
        return self._queue[-1 - late] if late < len(self._queue) else self.still(action)

    def noisy(self, action: Array) -> Array:
        """Return the action with the actuators' noise. It is drawn always, so that its strength moves nothing else."""
        noise = self._noise.standard_normal(len(action))
        strength = self.domain.values["action.noise"]
        return np.clip(action + strength * noise, -1.0, 1.0) if strength else action
