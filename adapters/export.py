"""A model file as an ONNX file, for runtimes without torch.

Inputs and outputs are those of the module: pixels as `ModelFile.preprocess` describes them, or vectors, in; raw maps
or logits out.
What a reader needs beside the graph (task, classes, preprocess, threshold) lies in the file's metadata, as JSON.
"""

import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from simgen.adapters.checkpoint import ModelFile, load_model
from simgen.adapters.crops import CropView
from simgen.adapters.predict import build_module
from simgen.errors import OutputError

_LOGGER = "torch.onnx._internal.exporter._registration"


def export_onnx(checkpoint: Path, out: Path) -> Path:
    """Write a model file as ONNX; return `out`.

    The batch is of any size; a detector's images are of any height and width that are multiples of its largest stride.

    Raises:
        CheckpointError: a model file that cannot be read.
        ModuleNotFoundError: the packages onnx and onnxscript are missing (the extra [export]).
        OutputError: `out` cannot be written.
    """
    import onnxscript  # noqa: F401  (torch would ask for it after half the work)

    model = load_model(checkpoint)
    module = build_module(model)
    program = _exported(module, _signature(model, module))
    program.model.metadata_props.update(_metadata(model))
    partial = out.with_name(out.name + ".part")
    try:
        program.save(str(partial))
        os.replace(partial, out)
    except OSError as error:
        raise OutputError(f'output "{out}": cannot be written: {error.strerror}') from None
    return out


class _Signature(NamedTuple):
    """An example of the input, the names of input and outputs, and which dimensions are free."""

    example: Tensor
    input_name: str
    outputs: list[str]
    free: dict[int, Any]


class _Flat(nn.Module):
    """Named tuples are no outputs of a graph; tuples are."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Tensor) -> Any:
        output = self.module(inputs)
        return output if isinstance(output, Tensor) else tuple(output)


def _exported(module: nn.Module, signature: _Signature) -> Any:
    logger = logging.getLogger(_LOGGER)  # says for each of torchvision's operators that torchvision is not there
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.onnx.export(
                _Flat(module).eval(),
                (signature.example,),
                dynamo=True,
                input_names=[signature.input_name],
                output_names=signature.outputs,
                dynamic_shapes=(signature.free,),
                verbose=False,
            )
    finally:
        logger.setLevel(level)


def _signature(model: ModelFile, module: Any) -> _Signature:
    batch = torch.export.Dim("batch")
    if model.task == "features":
        return _Signature(torch.zeros(2, module.in_features), "vectors", ["logits"], {0: batch})
    if model.task == "classify":
        size = CropView.from_preprocess(model.preprocess).input_size
        return _Signature(torch.zeros(2, module.in_channels, size, size), "images", ["logits"], {0: batch})
    step = int(module.size_multiple)
    rows, columns = (step * torch.export.Dim(name) for name in ("rows", "columns"))
    example = torch.zeros(2, 3, 4 * step, 6 * step)
    with torch.no_grad():
        names = list(module(example)._fields)
    return _Signature(example, "images", names, {0: batch, 2: rows, 3: columns})


def _metadata(model: ModelFile) -> dict[str, str]:
    names = ("task", "classes", "preprocess", "threshold", "history")
    return {f"simgen.{name}": json.dumps(getattr(model, name), sort_keys=True) for name in names}
