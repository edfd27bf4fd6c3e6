"""`ObservationNoise`: white noise and a constant error on what is observed."""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from simgen.envs.wrappers.inner import PLAIN, arrays_of, boxes, inner, like, one_of
from simgen.errors import EnvError

Strength = float | Mapping[str, float]


class ObservationNoise(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Adds normal noise to arrays of the observation, and keeps the result within the space.

    The noise of a step is a pure function of the environment's settings, seed, episode and step: it repeats with the
    episode, also after `restore_state`, and moves nothing else. Noise of pixels is `sensor.noise`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], std: Strength = 0.0, bias: Strength = 0.0) -> None:
        """Wrap an environment of `simgen.envs`.

        Args:
            env: the environment.
            std: standard deviation of the noise that is drawn at every step, in the array's unit: a number for the
                array "observation", or numbers by array.
            bias: standard deviation of the error that is drawn at every reset and stays for the episode.

        Raises:
            EnvError: another environment, an unknown array, or a strength that is not a number >= 0.
        """
        RecordConstructorArgs.__init__(self, std=std, bias=bias)
        gymnasium.ObservationWrapper.__init__(self, env)
        self._inner, self._boxes = inner(env, "ObservationNoise"), boxes(env, "ObservationNoise")
        self._std, self._bias = self._strengths(std, "std"), self._strengths(bias, "bias")

    def _strengths(self, given: Strength, name: str) -> dict[str, float]:
        if not isinstance(given, Mapping) and given == 0:
            return {}
        found = dict(given) if isinstance(given, Mapping) else {PLAIN: given}
        for key, value in found.items():
            one_of(self._boxes, key, f"ObservationNoise: {name}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise EnvError(f"ObservationNoise: {name}.{key}: expected a number >= 0, got {value!r:.80}")
        return found

    def observation(self, observation: Any) -> Any:
        """Return the observation with noise."""
        arrays = arrays_of(observation)
        return like(observation, arrays | {key: self._noisy(key, arrays[key]) for key in {**self._std, **self._bias}})

    def _noisy(self, key: str, array: NDArray[Any]) -> NDArray[Any]:
        white = self._inner.episode_stream(f"noise.{key}.{self._inner.steps}")
        constant = self._inner.episode_stream(f"bias.{key}")
        noisy = array + self._std.get(key, 0.0) * white.standard_normal(array.shape)
        noisy += self._bias.get(key, 0.0) * constant.standard_normal(array.shape)
        box = self._boxes[key]
        whole = np.rint(noisy) if np.issubdtype(box.dtype, np.integer) else noisy
        return np.clip(whole, box.low, box.high).astype(box.dtype)
