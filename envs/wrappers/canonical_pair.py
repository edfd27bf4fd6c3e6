"""`CanonicalPair`: what is seen, and how the same state looks where nothing visible is randomized."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from simgen.envs.base import MOST_LATENCY
from simgen.envs.observe import IMAGES, Observation
from simgen.envs.wrappers.inner import arrays_of, boxes, inner, one_of
from simgen.errors import EnvError


class CanonicalPair(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Adds canonical pictures of the state that the observation shows, also where that one is late.

    A network that learns to make the second of the first can do so of real pictures, too: RCAN (James et al.,
    Sim-to-Real via Sim-to-Sim, 2019), which learns depth and segmentation beside the colours.

    The canonical camera stands at its nominal place: where randomization moves cameras (`camera.*`), the two pictures
    do not lie on each other pixel by pixel.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], modes: Sequence[str] = ("rgb",)) -> None:
        """Wrap an environment of `simgen.envs` that observes pictures.

        Args:
            env: the environment.
            modes: of the canonical pictures: "rgb", "depth", "segmentation", ... Their keys are "canonical_<mode>",
                and with several cameras "canonical_<mode>_<camera>".

        Raises:
            EnvError: another environment, an unknown mode, or nothing seen.
        """
        RecordConstructorArgs.__init__(self, modes=tuple(modes))
        gymnasium.Wrapper.__init__(self, env)
        self._inner, known = inner(env, "CanonicalPair"), boxes(env, "CanonicalPair")
        views = tuple(self._inner.studio.views)
        self._parts = [
            (f"canonical_{mode}" + (f"_{camera}" if len(views) > 1 else ""), mode, camera)
            for mode in (one_of(IMAGES, name, "CanonicalPair: modes") for name in modes)
            for camera in views
        ]
        if not any(len(box.shape) == 3 for box in known.values()):
            raise EnvError('CanonicalPair: expected an environment that observes pictures, e.g. with obs="rgb"')
        self._seen: deque[Observation] = deque(maxlen=MOST_LATENCY + 1)
        self.observation_space = spaces.Dict({**known, **{key: self._box(mode) for key, mode, _ in self._parts}})

    def _box(self, mode: str) -> spaces.Box:
        image, (width, height) = IMAGES[mode], self._inner.settings.size_wh
        return spaces.Box(0, image.high, (height, width, image.channels), image.dtype)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._seen.clear()
        return self._paired(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._paired(observation), reward, terminated, truncated, info

    def _paired(self, observation: Any) -> Observation:
        self._seen.append(self._read())
        late = min(self._inner.late, len(self._seen) - 1)
        return arrays_of(observation) | {key: array.copy() for key, array in self._seen[-1 - late].items()}

    def _read(self) -> Observation:
        cameras = {camera for _, _, camera in self._parts}
        frames = {camera: self._inner.frame(camera, canonical=True) for camera in cameras}
        return {key: np.array(IMAGES[mode].read(frames[camera])) for key, mode, camera in self._parts}
