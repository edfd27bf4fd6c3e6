"""`RecordDataset`: episodes to a labelled dataset, in the format that the generator writes."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from pydantic_core import to_jsonable_python

import simgen
from simgen.envs.wrappers.inner import inner, one_of
from simgen.envs.wrappers.labelled import sample_of
from simgen.errors import EnvError
from simgen.formats.coco import CocoWriter

_UNLABELLED = ("table",)


class RecordDataset(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Writes what a camera sees, with boxes, masks and poses of the bodies, while an agent acts.

    A folder, in simgen's COCO format, holds the episodes of one seed, one environment and one camera; one process
    writes it at a time. A sample's number follows from its episode and its order therein. A complete episode is never
    written again, and one that was interrupted is written anew: a recording that was killed and is repeated ends in
    the same bytes. `done` says which episodes are complete, `reset(options={"episode": k})` goes to one that is not,
    and `close` makes annotations.json.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        folder: str | Path,
        camera: str | None = None,
        every: int = 1,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Wrap an environment of `simgen.envs` that `gymnasium.make` made: its episodes have a last step.

        Args:
            env: the environment.
            folder: of the dataset; it is made, or gone on with, when the first episode begins.
            camera: which of the environment's; default: its first.
            every: write each `every`-th step, and always the first and the last of an episode.
            labels: names of the bodies that are annotated, each a class; default: all but the table.

        Raises:
            EnvError: another environment, one without a limit of steps, an unknown camera or body, `every` below 1.
        """
        said = None if labels is None else tuple(labels)
        RecordConstructorArgs.__init__(self, folder=str(folder), camera=camera, every=every, labels=said)
        gymnasium.Wrapper.__init__(self, env)
        self._inner, self._folder = inner(env, "RecordDataset"), Path(folder)
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise EnvError(f"RecordDataset: expected every >= 1, got {every!r}")
        if env.spec is None or env.spec.max_episode_steps is None:
            raise EnvError("RecordDataset: expected an environment with a limit of steps, as gymnasium.make gives one")
        self._every, self._stride = every, 10 ** len(str(env.spec.max_episode_steps // every + 2))
        views = self._inner.studio.views
        self._camera = one_of(views, camera or next(iter(views)), "RecordDataset: camera")
        bodies = [body.spec.name for body in self._inner.sim.world.bodies]
        chosen = [name for name in bodies if name not in _UNLABELLED] if said is None else said
        self._labels = tuple(one_of(bodies, name, "RecordDataset: body") for name in chosen)
        self._writer: CocoWriter | None = None
        self._seed, self._episode, self._order, self._recording = 0, 0, 0, False
        self._done: set[int] = set()

    def done(self) -> set[int]:
        """Return the numbers of the complete episodes; they are known once an episode has begun."""
        return set(self._done)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Raises:
            EnvError: another seed than the folder's.
            OutputError: the folder holds another dataset.
        """
        observation, info = self.env.reset(seed=seed, options=options)
        writer = self._opened(int(info["seed"]))
        self._episode, self._order = int(info["episode_number"]), 0
        self._recording = self._episode not in self._done
        if self._recording:
            start = self._episode * self._stride
            writer.discard(range(start, start + self._stride))
            self._write({"step": 0, "last": False})
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        step, last = self._inner.steps, terminated or truncated
        if self._recording and (last or step % self._every == 0):
            said = {"action": np.asarray(action, float).tolist(), "reward": float(reward), "terminated": terminated}
            self._write({"step": step, "last": last, **said})
        if self._recording and last:
            self._done.add(self._episode)
            self._recording = False
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Write what spans the samples, and close the environment; may be called again."""
        if self._writer is not None:
            self._writer.close()
        super().close()

    def _opened(self, seed: int) -> CocoWriter:
        if self._writer is None:
            self._seed, self._writer = seed, CocoWriter(self._folder, self._labels, self._header(seed))
            complete = self._writer.done()
            self._done = {i // self._stride for i in complete if self._writer.metadata(i)["last"]}
        if seed != self._seed:
            raise EnvError(f"RecordDataset: expected the folder's seed {self._seed}, got {seed}; choose another folder")
        return self._writer

    def _header(self, seed: int) -> dict[str, Any]:
        spec = self._inner.spec
        said = {"id": spec and spec.id, "settings": to_jsonable_python(asdict(self._inner.settings))}
        picture = {"camera": self._camera, "every": self._every, "numbers_an_episode": self._stride}
        return {"environment": said, **picture, "seed": seed, "version": simgen.__version__}

    def _write(self, said: dict[str, Any]) -> None:
        if self._order >= self._stride:
            raise EnvError(f"RecordDataset: expected at most {self._stride} pictures an episode; limit its steps")
        index, self._order = self._episode * self._stride + self._order, self._order + 1
        assert self._writer is not None
        self._writer.write(sample_of(self._inner, self._camera, self._labels, index, said))
