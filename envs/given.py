"""What a user hands to an environment, checked: the options of `reset`, actions and goals."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from simgen.envs.domain import Parameters
from simgen.errors import EnvError, did_you_mean

_OPTIONS = ("domain", "episode")


def options_of(options: Any, parameters: Parameters) -> tuple[dict[str, float], int | None]:
    """Return the values of the domain that are given, and the number of the episode or None.

    Raises:
        EnvError: an unknown option or parameter, or a value out of its limits.
    """
    if not isinstance(options, Mapping | None):
        raise EnvError(f"reset: options: expected a mapping, got {options!r:.80}")
    found = dict(options or {})
    for name in found:
        if name not in _OPTIONS:
            raise EnvError(f'reset: unknown option "{name}"{did_you_mean(str(name), _OPTIONS)}')
    given = parameters.checked(found.get("domain") or {}, "reset: domain")
    return given, _episode(found.get("episode"))


def _episode(number: Any) -> int | None:
    if number is None:
        return None
    whole = not isinstance(number, bool) and isinstance(number, int | float | np.integer) and number % 1 == 0
    if not whole or number < 0:
        raise EnvError(f"reset: episode: expected a whole number >= 0, got {number!r}")
    return int(number)


def action_in(space: spaces.Box, action: Any) -> NDArray[np.float64]:
    """Return an action within the limits of its space. Raises `EnvError`: a wrong shape, or numbers not finite."""
    try:
        found = np.asarray(action, np.float64)
    except (TypeError, ValueError):
        raise EnvError(f"action: expected {space.shape[0]} numbers, got {action!r:.80}") from None
    if found.shape != space.shape:
        raise EnvError(f"action: expected an array of shape {space.shape}, got one of shape {found.shape}")
    if not np.isfinite(found).all():
        raise EnvError(f"action: expected finite numbers, got {found.tolist()}")
    return np.minimum(np.maximum(found, space.low), space.high)


def given_goals(achieved: ArrayLike, desired: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return achieved and desired goals, (..., 3) float64 each, either perhaps one for all of the other's.

    Raises:
        EnvError: other shapes.
    """
    first, second = np.asarray(achieved, np.float64), np.asarray(desired, np.float64)
    ends = (first.shape[-1:], second.shape[-1:]) == ((3,), (3,))
    if not ends or not (first.ndim == 1 or second.ndim == 1 or first.shape == second.shape):
        raise EnvError(
            "compute_reward: expected achieved and desired goals of the shape (3,), or as many (n, 3) of both, "
            f"got {first.shape} and {second.shape}"
        )
    return first, second
