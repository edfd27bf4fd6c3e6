"""`RecordMinari`: episodes to a Minari dataset, for learning from what was done before (offline, by imitation)."""

import re
import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from simgen.envs.wrappers.inner import boxes, inner, one_of
from simgen.errors import EnvError

ABOUT = ("author", "author_email", "algorithm_name", "description", "code_permalink")
"""What a dataset may say of itself."""


class RecordMinari(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Writes what an agent sees, does and earns, and the numbers of `info`, while it acts.

    Minari (Younis et al., 2024) keeps datasets in the folder of the variable MINARI_DATASETS_PATH, by default in the
    user's home; `minari.load_dataset(dataset_id)` reads them. An episode is written when it is over: one that was
    broken off is not. A complete one is never written again, so that a recording that was stopped goes on with the
    same calls. Its metadata holds what `reset` needs to begin it again: the seed, and {"episode": number} as options.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        dataset_id: str,
        about: Mapping[str, str] | None = None,
        jpeg: bool = False,
    ) -> None:
        """Wrap an environment of `simgen.envs`.

        Args:
            env: the environment.
            dataset_id: "name-v0" or "namespace/name-v0".
            about: who made it, how, and why; the names are those of `ABOUT`.
            jpeg: whether colour pictures are compressed, with losses; from 32 pixels on, as Minari has it.

        Raises:
            EnvError: another environment, a malformed id, an unknown name, other pictures to compress, or Minari is
                missing.
        """
        said = dict(about or {})
        RecordConstructorArgs.__init__(self, dataset_id=dataset_id, about=said, jpeg=jpeg)
        gymnasium.Wrapper.__init__(self, env)
        inner(env, "RecordMinari")
        if not re.fullmatch(r"([-\w]+/)*[-\w]+-v\d+", str(dataset_id)):
            raise EnvError(f'RecordMinari: expected a dataset_id like "namespace/name-v0", got "{dataset_id}"')
        for key, box in boxes(env, "RecordMinari").items() if jpeg else ():
            if len(box.shape) == 3 and box.shape[2] != 3:
                raise EnvError(
                    f'RecordMinari: jpeg: expected pictures of three channels, got {box.shape[2]} in "{key}"'
                )
        self._id, self._jpeg = dataset_id, jpeg
        self._about = {one_of(ABOUT, name, "RecordMinari: about"): str(value) for name, value in said.items()}
        self._minari = _minari()
        self._dataset = self._existing()
        self._done = _recorded(self._dataset)
        self._key = (0, 0)
        self._steps: list[dict[str, Any]] | None = None

    def done(self) -> set[tuple[int, int]]:
        """Return the seeds and numbers of the episodes in the dataset."""
        return set(self._done)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._key = (int(info["seed"]), int(info["episode_number"]))
        self._steps = None if self._key in self._done else [{"observations": observation, "infos": info}]
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self._steps is not None:
            acted = {"actions": np.array(action, self.env.action_space.dtype), "rewards": float(reward)}
            ends = {"terminations": terminated, "truncations": truncated}
            self._steps.append({"observations": observation, "infos": info, **acted, **ends})
            if terminated or truncated:
                self._write(self._steps)
                self._steps = None
        return observation, reward, terminated, truncated, info

    def _existing(self) -> Any:
        """Return the dataset if there is one. Raises `EnvError` if it is of another environment."""
        if self._id not in self._minari.list_local_datasets():
            return None
        found = self._minari.load_dataset(self._id)
        assert self.env.spec is not None
        if found.env_spec is None or found.env_spec.to_json() != self.env.spec.to_json():
            raise EnvError(
                f'RecordMinari: "{self._id}" holds another environment\'s episodes; choose another dataset_id'
            )
        return found

    def _write(self, steps: list[dict[str, Any]]) -> None:
        seed, number = self._key
        columns = {name: [step[name] for step in steps if name in step] for name in steps[-1]}
        columns |= {name: _columns(columns[name]) for name in ("observations", "infos")}
        buffer = self._minari.data_collector.EpisodeBuffer(seed=seed, options={"episode": number}, **columns)
        if self._dataset is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of what the dataset does not say about itself
                self._dataset = self._minari.create_dataset_from_buffers(
                    self._id, [buffer], env=self.env, jpeg_encoding=self._jpeg, **self._about
                )
        else:
            self._dataset.update_dataset_from_buffer([buffer])
        self._done.add(self._key)


def _columns(rows: list[Any]) -> Any:
    """Return dicts, which may hold dicts, as one of lists."""
    if not isinstance(rows[0], Mapping):
        return rows
    return {name: _columns([row[name] for row in rows]) for name in rows[0]}


def _recorded(dataset: Any) -> set[tuple[int, int]]:
    """Return the seeds and numbers of a dataset's episodes."""
    if dataset is None:
        return set()
    metadata = dataset.storage.get_episode_metadata(range(dataset.storage.total_episodes))
    return {(int(one["seed"]), int(one["options"]["episode"])) for one in metadata}


def _minari() -> Any:
    try:
        import h5py  # noqa: F401 (what it writes with)
        import minari
        import PIL  # noqa: F401 (what it compresses with)
    except ImportError:
        raise EnvError("RecordMinari: expected Minari: pip install 'simgen-robotics[minari]'") from None
    return minari
