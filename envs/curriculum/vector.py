"""`CurriculumVector`: a vector environment whose episodes follow a curriculum, while any agent trains in it."""

from typing import Any, cast

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from simgen.envs.curriculum.ranges import Curriculum, Draw
from simgen.errors import EnvError


class CurriculumVector(VectorWrapper):
    """Gives each episode a domain of the curriculum, and tells the curriculum how it ended.

    The environments are wrapped in `NextDomain`; that they begin a new episode by themselves, at the next step or at
    the same one, makes no difference: the domain of the coming episode always lies ready.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], curriculum: Curriculum, success: str = "is_success") -> None:
        """Wrap a vector environment: `gymnasium.make_vec(..., wrappers=[NextDomain])`.

        Args:
            env: the environments.
            curriculum: it changes while they are stepped; save it with the agent.
            success: the key of `info` that holds the result of an episode, 0 to 1, at its last step.

        Raises:
            EnvError: environments that are not wrapped.
        """
        super().__init__(env)
        self._vector = cast(Any, env.unwrapped)
        try:
            self._vector.get_attr("next_domain")
        except AttributeError:
            raise EnvError(
                "CurriculumVector: expected environments in NextDomain, as gymnasium.make_vec(..., "
                "wrappers=[NextDomain]) makes them, got others"
            ) from None
        self.curriculum, self._success = curriculum, success
        self._running: list[Draw | None] = [None] * env.num_envs
        self._next = [curriculum.draw() for _ in range(env.num_envs)]
        self._hand_out()

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, infos = self.env.reset(seed=seed, options=options)
        self._follow(infos)
        return observation, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observation, rewards, terminated, truncated, infos = self.env.step(actions)
        for slot in np.flatnonzero(terminated | truncated).tolist():
            self._finish(slot, infos.get("final_info", infos))
        self._follow(infos)
        return observation, rewards, terminated, truncated, infos

    def _finish(self, slot: int, infos: dict[str, Any]) -> None:
        draw = self._running[slot]
        if draw is None or _numbers(infos).get(slot) != draw.number:
            return
        if self._success not in infos:
            raise EnvError(f'CurriculumVector: expected "{self._success}" in the info of the last step, got none')
        self.curriculum.record(draw, float(infos[self._success][slot]))

    def _follow(self, infos: dict[str, Any]) -> None:
        """Note which episodes began, and leave a domain for those that come after them."""
        began = [slot for slot, number in _numbers(infos).items() if number == self._next[slot].number]
        for slot in began:
            self._running[slot], self._next[slot] = self._next[slot], self.curriculum.draw()
        if began:
            self._hand_out()

    def _hand_out(self) -> None:
        self._vector.set_attr("next_domain", [(draw.number, draw.values) for draw in self._next])


def _numbers(infos: dict[str, Any]) -> dict[int, int]:
    """Return the number of each environment's episode, for those that say one."""
    said = infos.get("curriculum")
    if said is None:
        return {}
    return {slot: int(said["number"][slot]) for slot in np.flatnonzero(said["_number"]).tolist()}
