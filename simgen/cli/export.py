"""`simgen export MODEL -o MODEL.onnx`: a trained model for runtimes without torch."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    checkpoint: Annotated[Path, typer.Argument(help="The model file of `simgen train`: RUN/model.pt.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The ONNX file; default: beside the model file.")
    ] = None,
) -> None:
    """Write a model as ONNX; task, classes, preprocessing and threshold lie in its metadata."""
    from simgen.adapters.export import export_onnx

    typer.echo(export_onnx(checkpoint, out or checkpoint.with_suffix(".onnx")))
