"""The way that takes a trained net of scenes, for `simgen.rare.job`."""

from functools import cache
from pathlib import Path

from simgen.errors import ConfigError
from simgen.rare.how import Maker, Task, Way, identity_of
from simgen.rare.plan import Entry
from simgen.rare.scenes.maker import SceneMaker
from simgen.rare.scenes.model import load_model
from simgen.rare.scenes.propose import too_few_scenes


def scene_ways(model: Path | None) -> dict[str, Way]:
    """Return the way "scene" of a net's file; without one, preparing says that it lacks."""

    def prepare(task: Task) -> Maker:
        if model is None:
            raise ConfigError("--how scene: expected --generator, the model file of simgen rare train, got none")
        return SceneMaker.prepare(task, model)

    @cache
    def scenes() -> dict[str, int]:
        """In how many scenes each case is: several objects of a cell may be in one."""
        known = None if model is None else load_model(model)
        return {} if known is None else {name: len(known.rare(name)) for name in known.conditions}

    def unable(entry: Entry) -> str:
        title = entry.cell.title
        return too_few_scenes(scenes()[title]) if title in scenes() else ""

    return {"scene": Way(prepare, unable, identity_of(model))}
