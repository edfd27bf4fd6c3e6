"""What training leaves: the codec, the net, and the scenes it was trained on. Plain data and tensors, never code."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from simgen.errors import CheckpointError, SimgenError
from simgen.rare.scenes.batch import SceneBatch, Shape
from simgen.rare.scenes.encode import SceneCodec
from simgen.rare.scenes.vae import SceneVae, VaeConfig
from simgen.registry import validate
from simgen.torchfile import read_plain, write_plain

FORMAT = "simgen-scene-vae/1"
_BATCH = ("scene", "known", "types", "items", "items_known", "condition")


@dataclass(frozen=True, eq=False)
class SceneModel:
    """A trained net and its scenes.

    Attributes:
        codec: of its scenes.
        vae: the net.
        scenes: those it was trained on, encoded; their posteriors together are the aggregate posterior.
        drawn: (B,) bool: scenes of the generator itself; False for scenes that were proposed by an earlier net.
        conditions: names of the C numbers of a condition: predicates (0 or 1), then attributes.
        predicates: how many of them are predicates.
        note: why training ended early; or empty.
    """

    codec: SceneCodec
    vae: SceneVae
    scenes: SceneBatch
    drawn: Tensor
    conditions: tuple[str, ...]
    predicates: int
    note: str = ""

    def rare(self, predicate: str) -> Tensor:
        """Return the numbers of the scenes that a predicate holds for. Raises `KeyError` for an unknown one."""
        if predicate not in self.conditions:
            raise KeyError(predicate)
        return torch.nonzero(self.scenes.condition[:, self.conditions.index(predicate)] > 0.5)[:, 0]


def save_model(path: Path, model: SceneModel) -> None:
    """Write a model in one move: a killed run leaves the old file or the new one, nothing between."""
    write_plain(path, {
        "format": FORMAT,
        "codec": json.dumps(model.codec.plain(), sort_keys=True),
        "vae": asdict(model.vae.config),
        "state": model.vae.state_dict(),
        "scenes": {name: getattr(model.scenes, name) for name in _BATCH},
        "drawn": model.drawn,
        "conditions": list(model.conditions),
        "predicates": model.predicates,
        "note": model.note,
    })  # fmt: skip


def load_model(path: Path) -> SceneModel:
    """Return the model of a file. Raises `CheckpointError`: missing, damaged, or something else."""
    content = read_plain(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a model of scenes ({FORMAT}), but it is another kind of file")
    try:
        codec = SceneCodec.of(json.loads(content["codec"]))
        conditions = tuple(str(name) for name in content["conditions"])
        vae = SceneVae(Shape.of(codec, len(conditions)), validate(VaeConfig, content["vae"], "vae"))
        vae.load_state_dict(content["state"])
        scenes = SceneBatch(**{name: content["scenes"][name] for name in _BATCH})
        known = conditions, int(content["predicates"]), str(content["note"])
        return SceneModel(codec, vae.eval(), scenes, content["drawn"], *known)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, SimgenError) as error:
        raise CheckpointError(f"{path}: is damaged as a model of scenes ({str(error).splitlines()[0]:.80})") from None
