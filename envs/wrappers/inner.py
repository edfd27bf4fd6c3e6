"""What the wrappers share: the environment inside, and observations as named arrays whether they are dicts or not."""

from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium
from gymnasium import spaces

from simgen.envs.base import SimEnv
from simgen.envs.observe import Observation
from simgen.errors import EnvError, did_you_mean

PLAIN = "observation"
"""The name of an observation that is one array."""


def inner(env: gymnasium.Env[Any, Any], wrapper: str) -> SimEnv:
    """Return the environment of simgen inside of wrappers. Raises `EnvError` where there is another one."""
    found = env.unwrapped
    if not isinstance(found, SimEnv):
        raise EnvError(f"{wrapper}: expected an environment of simgen.envs, got {type(found).__name__}")
    return found


def boxes(env: gymnasium.Env[Any, Any], wrapper: str) -> dict[str, spaces.Box]:
    """Return the space of each array that is observed. Raises `EnvError` for what is neither a box nor boxes."""
    space = env.observation_space
    parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {PLAIN: space}
    found = {name: part for name, part in parts.items() if isinstance(part, spaces.Box)}
    if len(found) < len(parts):
        raise EnvError(f"{wrapper}: expected arrays as observations, got the space {space!r:.80}")
    return found


def one_of(known: Iterable[str], name: str, what: str) -> str:
    """Return a name if it is among the known ones; `what` says where it stands. Raises `EnvError`."""
    options = list(known)
    if name not in options:
        raise EnvError(f'{what}: unknown name "{name}"{did_you_mean(str(name), options)}')
    return name


def arrays_of(observation: Any) -> Observation:
    """Return an observation's arrays by name."""
    return dict(observation) if isinstance(observation, Mapping) else {PLAIN: observation}


def like(observation: Any, arrays: Observation) -> Any:
    """Return the arrays as the observation that they were made of: a dict, or the only one of them."""
    return arrays if isinstance(observation, Mapping) else arrays[PLAIN]


def space_like(space: spaces.Space[Any], found: Mapping[str, spaces.Box]) -> spaces.Space[Any]:
    """Return the boxes as the space that they were made of: a dict, or the only one of them."""
    return spaces.Dict(dict(found)) if isinstance(space, spaces.Dict) else found[PLAIN]
