"""The model file: what training writes and evaluation reads. Plain data and tensors, never code.

`torch.load(weights_only=True)` reads it, so that a file from elsewhere cannot run anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from simgen.errors import CheckpointError, did_you_mean
from simgen.torchfile import read_plain, write_plain

FORMAT = "simgen-model/1"
TASK_NAMES = ("classify", "detect", "segment", "keypoints", "features")


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A trained model.

    Attributes:
        task: "detect", "segment", "classify", "keypoints" or "features".
        classes: the class names; the module's class k is `classes[k]`.
        architecture: {"kind": name in MODELS, ...arguments}; see `build_model`.
        preprocess: how images become the module's input, and the habits of the boxes it was trained on.
        threshold: the score with the best F1 on the synthetic validation set, or None where the task has none.
        history: a plain summary, e.g. {"steps": 3000, "seed": 0, "validation": {"map50": 0.9}}.
        state_dict: the module's (averaged) weights and buffers, on the CPU.
        format: the version of this layout.
    """

    task: str
    classes: list[str]
    architecture: dict[str, Any]
    preprocess: dict[str, Any]
    threshold: float | None
    history: dict[str, Any]
    state_dict: dict[str, Tensor]
    format: str = FORMAT


_TYPES: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "classes": (list,),
    "architecture": (dict,),
    "preprocess": (dict,),
    "threshold": (float, int, type(None)),
    "history": (dict,),
    "state_dict": (dict,),
}


def save_model(path: Path, model: ModelFile) -> None:
    """Write the model file in one move: a killed run leaves the old file or the new one, nothing between.

    Raises:
        TypeError: a setting is not plain data (it could be written but never read again).
    """
    for name in ("classes", "architecture", "preprocess", "threshold", "history"):
        _require_plain(getattr(model, name), name)
    content = {f.name: getattr(model, f.name) for f in fields(model)}
    content["state_dict"] = {k: v.detach().cpu().contiguous() for k, v in model.state_dict.items()}
    write_plain(path, content)


def load_model(path: Path) -> ModelFile:
    """Read a model file, on the CPU.

    Raises:
        CheckpointError: missing, unreadable, holds code, or is not a simgen model.
    """
    content = load_plain(path)
    if not isinstance(content, dict) or "format" not in content:
        raise CheckpointError(f"{path}: expected a simgen model file, but it is another kind of torch file")
    if content["format"] != FORMAT:
        raise CheckpointError(f"{path}: expected the format {FORMAT}, but got {content['format']!r:.60}")
    missing = sorted(set(_TYPES) - set(content))
    if missing:
        raise CheckpointError(f"{path}: a simgen model file must hold {', '.join(missing)}, but does not")
    for name, types in _TYPES.items():
        if not isinstance(content[name], types):
            got = type(content[name]).__name__
            raise CheckpointError(f"{path}: expected {name} to be a {types[0].__name__}, but got a {got}")
    if content["task"] not in TASK_NAMES:
        nearest = did_you_mean(content["task"], TASK_NAMES)
        raise CheckpointError(f"{path}: the model was trained for an unknown task {content['task']!r:.60}{nearest}")
    return ModelFile(**{name: content[name] for name in [*_TYPES, "format"]})


def load_plain(path: Path) -> Any:
    """Read a torch file that must hold nothing but plain data and tensors.

    Raises:
        CheckpointError: missing, truncated, or holds anything that reading could execute.
    """
    return read_plain(path, "model file")


def _require_plain(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _require_plain(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _require_plain(inner, f"{where}[{number}]")
    elif type(value) not in (str, int, float, bool, type(None)):
        raise TypeError(f"expected {where} to be plain data, but got {type(value).__name__}")
