import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.export import export_onnx
from simgen.adapters.models import build_model
from simgen.cli.app import main

SMALL = {"kind": "residual", "stem": 8, "widths": [8, 12, 16], "depths": [1, 1, 1]}
ARCHITECTURES = {
    "detect": {"kind": "center_detector", "neck": 8, "backbone": SMALL},
    "segment": {"kind": "segmenter", "neck": 8, "backbone": SMALL},
    "classify": {"kind": "crop_classifier", "widths": [8, 12], "in_channels": 3},
    "features": {"kind": "vector_classifier", "widths": [8, 12], "in_features": 7},
}


def _saved(task: str, path: Path) -> torch.nn.Module:
    torch.manual_seed(3)
    module = build_model(ARCHITECTURES[task], 2).eval()
    view = {"view": {"input_size": 16, "grey": False, "margin": 0.0, "standardize": True}}
    save_model(path, ModelFile(task, ["a", "b"], ARCHITECTURES[task], view, 0.4, {"seed": 3}, module.state_dict()))
    return module


OUTPUTS = {
    "detect": ["heat", "box"],
    "segment": ["semantic", "centre", "offset"],
    "classify": ["logits"],
    "features": ["logits"],
}


@pytest.mark.parametrize(
    ("task", "shape"),
    [("detect", (3, 3, 96, 32)), ("segment", (1, 3, 32, 48)), ("classify", (5, 3, 16, 16)), ("features", (5, 7))],
)
def test_the_graph_says_what_the_module_says_at_any_size(task: str, shape: tuple[int, ...], tmp_path: Path):
    module = _saved(task, tmp_path / "model.pt")
    session = onnxruntime.InferenceSession(export_onnx(tmp_path / "model.pt", tmp_path / "model.onnx"))
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        output = module(images)
    expected = [output] if isinstance(output, torch.Tensor) else list(output)
    found = session.run(None, {"vectors" if task == "features" else "images": images.numpy()})
    assert [o.name for o in session.get_outputs()] == OUTPUTS[task]
    for ours, theirs in zip(expected, found, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["simgen.classes"]) == ["a", "b"]
    assert json.loads(metadata["simgen.threshold"]) == 0.4
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_the_command_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", str(tmp_path / "none.pt")]) == 2
    assert "there is no such model file" in capsys.readouterr().err
    _saved("classify", tmp_path / "model.pt")
    assert main(["export", str(tmp_path / "model.pt"), "-o", str(tmp_path / "no" / "model.onnx")]) == 2
    assert "cannot be written" in capsys.readouterr().err
