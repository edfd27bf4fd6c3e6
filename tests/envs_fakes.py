"""What the tests of environments share."""

import gc
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import load_env_creator

import simgen.envs
from simgen.envs.goal_env import GoalEnv

MAX = 12
ARMLESS = ("simgen/PoseEstimation-v0", "simgen/ActiveView-v0")
ALL = tuple(name for name in simgen.envs.ENVS if name not in ARMLESS)
"""Those with an arm."""
GOALS = tuple(name for name in ALL if issubclass(load_env_creator(simgen.envs.ENVS[name].entry_point), GoalEnv))
"""Those in which an arm is controlled until a goal is reached."""
SHAKEN = {
    "shared": True,
    "terms": {
        "*.friction": [0.2, 1.0],
        "*.mass_kg": {"distribution": [0.5, 2], "operation": "scale"},
        "action.noise": {"distribution": [0, 0.1], "when": "step"},
        "gravity_m_s2": {"distribution": [-1, 1], "operation": "add", "when": "interval", "every_steps": 3},
    },
}
"""Dynamics that vary, also within an episode."""


def make(name: str, **settings: Any) -> Any:
    """Return an environment without gymnasium's wrappers."""
    return gymnasium.make(name, **settings).unwrapped


def quietly(check: Callable[[Any], None], env: Any) -> None:
    """Run a check; a warning is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        check(env)


def resident_kb() -> int:
    """Return the memory that this process holds, after a collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def flat(observation: Any) -> bytes:
    """Return the bytes of an observation."""
    arrays = observation if isinstance(observation, Mapping) else {"": observation}
    return b"".join(np.ascontiguousarray(arrays[key]).tobytes() for key in sorted(arrays))


def episode(env: Any, seed: int | None, steps: int = MAX, options: Any = None) -> list[Any]:
    """Return all that an environment says in an episode of fixed actions."""
    observation, info = env.reset(seed=seed, options=options)
    said = [(flat(observation), info)]
    rng = np.random.default_rng(7)
    for _ in range(1 if env.spec.id == "simgen/BinPick-v0" else steps):
        action = rng.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
        if action.shape == (3,):
            action[2] -= 0.4  # towards the table, so that things touch
        observation, *rest, info = env.step(action)
        said.append((flat(observation), *rest, info))
    return said
