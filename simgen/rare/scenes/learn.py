"""From a dataset's metadata to what a net learns from, and from accepted proposals to more of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simgen.errors import DataError
from simgen.rare.scenes.batch import SceneBatch, batch_of
from simgen.rare.scenes.encode import SceneCodec
from simgen.rare.scenes.model import SceneModel
from simgen.rare.scenes.rest import at_rest, scene_of
from simgen.rare.scenes.train import OnStep, SceneData, SceneTrainConfig, train_scenes
from simgen.samples import Sample


def scene_data(
    metadata: Sequence[Mapping[str, Any]],
    held: Mapping[str, Sequence[bool]],
    measured: Mapping[str, Sequence[float]] | None = None,
    *,
    rest: bool = True,
) -> SceneData:
    """Return what a net learns from.

    Args:
        metadata: of n simulated samples: "scene", and "poses" if `rest`.
        held: n answers of each predicate, by its name.
        measured: n numbers of each attribute that the net is told, by its name; they are standardised.
        rest: whether bodies start where they settled, and not where they were thrown from.

    Raises:
        DataError: no samples, metadata without scenes, an answer missing.
    """
    columns: dict[str, Sequence[float]] = {**held, **(measured or {})}
    for name, values in columns.items():
        if len(values) != len(metadata):
            raise DataError(f'"{name}": expected {len(metadata)} values, one a sample, got {len(values)}')
    scenes = [
        at_rest(dict(data), f"sample {k}") if rest else scene_of(dict(data), f"sample {k}")
        for k, data in enumerate(metadata)
    ]
    codec = SceneCodec.learn(scenes)
    condition = torch.tensor([list(map(float, columns[name])) for name in columns]).reshape(len(columns), -1).T
    condition[:, len(held) :] = _standardised(condition[:, len(held) :])
    batch = batch_of([codec.encode(scene) for scene in scenes], condition.contiguous())
    return SceneData(codec, batch, torch.ones(len(scenes), dtype=torch.bool), tuple(columns), len(held))


def with_accepted(model: SceneModel, accepted: Sequence[Sample], predicate: str) -> SceneData:
    """Return the scenes of a model and some accepted samples of its proposals, for the next round.

    They are read at rest, and marked as not drawn by the generator itself. Their conditions are those of the scene that
    each was moved from: it is known of them that `predicate` holds, and no more was measured.
    """
    encoded = [model.codec.encode(at_rest(sample.metadata)) for sample in accepted]
    starts = torch.tensor([int(sample.metadata["source"]["start"]) for sample in accepted], dtype=torch.int64)
    condition = model.scenes.condition[starts].clone()
    condition[:, model.conditions.index(predicate)] = 1.0
    scenes = _joined(model.scenes, batch_of(encoded, condition)) if encoded else model.scenes
    drawn = torch.cat([model.drawn, torch.zeros(len(encoded), dtype=torch.bool)])
    return SceneData(model.codec, scenes, drawn, model.conditions, model.predicates)


def refit(
    model: SceneModel,
    accepted: Sequence[Sample],
    predicate: str,
    config: SceneTrainConfig,
    out: Path,
    on_step: OnStep | None = None,
) -> SceneModel:
    """Train on with the accepted samples of a round among the scenes, from the weights that the model has.

    Rounds of proposing, keeping what is rare and learning from it are the cross-entropy method's (Rubinstein 1999); the
    accepted scenes are examples that the next round moves from. Arguments and errors as of `train_scenes`.
    """
    return train_scenes(with_accepted(model, accepted, predicate), config, out, on_step, start=model)


def _joined(first: SceneBatch, second: SceneBatch) -> SceneBatch:
    longest = max(first.types.shape[1], second.types.shape[1])
    parts = [_padded(batch, longest) for batch in (first, second)]
    return SceneBatch(**{name: torch.cat([getattr(part, name) for part in parts]) for name in vars(first)})


def _padded(batch: SceneBatch, longest: int) -> SceneBatch:
    more = longest - batch.types.shape[1]
    pad = torch.nn.functional.pad
    types = pad(batch.types, (0, more), value=-1)
    items, known = pad(batch.items, (0, 0, 0, more)), pad(batch.items_known, (0, 0, 0, more))
    return replace(batch, types=types, items=items, items_known=known)


def _standardised(columns: Tensor) -> Tensor:
    if not columns.numel():
        return columns
    return (columns - columns.mean(0)) / columns.std(0, unbiased=False).clamp(min=1e-6)
