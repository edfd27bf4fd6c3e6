"""`--how scene`: scenes that a trained net proposes for a cell; simulator, renderer and labels judge them."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from simgen.config import from_dict
from simgen.errors import DataError, did_you_mean
from simgen.rare.cells import Cell
from simgen.rare.how import Made, Task
from simgen.rare.scenes.model import load_model
from simgen.rare.scenes.propose import ProposeConfig, Proposer, attempts
from simgen.rare.simulate import held
from simgen.scene import Plain

MOST = 200
"""After so many proposals a sample is given up."""
BOLDNESS = 0.2
"""What the acceptance was measured with: docs/rare_scenes.md."""


@dataclass(frozen=True, eq=False)
class SceneMaker:
    """Makes samples of cells from a net's proposals.

    Attributes:
        source: the config of the scenes, as plain data.
        root: the folder that its file names start from.
        model: the net's file.
        cells: what is looked for; the net knows them by their titles.
        config: how scenes are proposed.
    """

    source: Plain
    root: Path
    model: Path
    cells: tuple[Cell, ...]
    config: ProposeConfig

    @staticmethod
    def prepare(task: Task, model: Path, config: ProposeConfig | None = None) -> "SceneMaker":
        """Look at everything that making needs.

        Raises:
            CheckpointError: a file that is no net of scenes.
            DataError: the net was not trained for one of the cells, or saw it in fewer than 4 scenes.
        """
        chosen = replace(config or ProposeConfig(boldness=BOLDNESS), seed=task.seed)
        made = SceneMaker(task.config.source, task.config.root, model, task.cells, chosen)
        known = load_model(model).conditions
        for cell in task.cells:
            if cell.title not in known:
                raise DataError(
                    f'net of scenes "{model}": was not trained for the case "{cell.title}"'
                    f"{did_you_mean(cell.title, known)}; train it with this plan"
                )
        return made

    def make(self, order: int, number: int) -> Made:
        """Return the `number`-th sample of a cell: a pure function of the two and of the maker."""
        cell = self.cells[order]
        proposer = _proposer(self.model, cell.title, self.config, self.root)
        config = from_dict(self.source, self.root)
        tried = 0
        for attempt in attempts(proposer, lambda sample: bool(held(sample, cell)), config, first=number * MOST):
            tried += 1
            if attempt.sample is not None:
                sample = attempt.sample
                source = {**sample.metadata["source"], "cell": cell.title, "annotations": held(sample, cell)}
                metadata = {**sample.metadata, "source": source}
                return Made(replace(sample, metadata=metadata), {"proposed": tried})
            if tried == MOST:
                break
        return Made(None, {"proposed": tried})


@lru_cache(maxsize=16)
def _proposer(model: Path, title: str, config: ProposeConfig, root: Path) -> Proposer:
    return Proposer(load_model(model), title, config, root)
