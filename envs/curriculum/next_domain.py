"""`NextDomain`: each episode begins with the domain that was left for it."""

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

FREE = -1.0
"""The number of an episode whose domain nobody left."""


class NextDomain(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Hands `next_domain` to every reset: vector environments reset by themselves, and without options.

    Works with any environment whose `reset` takes options={"domain": {parameter: value}}.

    Attributes:
        next_domain: (number, values) for the coming episodes, or None. Values that a caller gives to `reset` win.
            `info["curriculum"]["number"]` tells which number an episode has, -1 where there is none.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)
        self.next_domain: tuple[int, dict[str, float]] | None = None
        self._number = FREE

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        given = dict(options or {})
        self._number = FREE
        if self.next_domain is not None and not given.get("domain"):
            number, values = self.next_domain
            given["domain"], self._number = dict(values), float(number)
        observation, info = self.env.reset(seed=seed, options=given)
        return observation, self._numbered(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated, truncated, self._numbered(info)

    def _numbered(self, info: dict[str, Any]) -> dict[str, Any]:
        return {**info, "curriculum": {"number": self._number}}
