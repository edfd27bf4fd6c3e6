"""The way that takes a trained net of scenes, for `simgen.rare.fill`."""

from pathlib import Path

from simgen.errors import ConfigError
from simgen.rare.how import Maker, Task, Way, identity_of
from simgen.rare.scenes.maker import SceneMaker


def scene_ways(model: Path | None) -> dict[str, Way]:
    """Return the way "scene" of a net's file; without one, preparing says that it lacks."""

    def prepare(task: Task) -> Maker:
        if model is None:
            raise ConfigError("--how scene: expected --generator, the model file of simgen rare train, got none")
        return SceneMaker.prepare(task, model)

    return {"scene": Way(prepare, learned=True, identity=identity_of(model))}
