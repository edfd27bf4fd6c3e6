"""The page of an evaluation: what it says it is about, and that nothing is hidden in its plots."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from adapter_fakes import shapes, write_coco

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.evaluate import evaluate, write_evaluation
from simgen.adapters.models import build_model
from simgen.adapters.report import pictures
from simgen.cli.app import main
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
DETECTOR = {
    "kind": "center_detector",
    "neck": 8,
    "backbone": {"kind": "residual", "stem": 4, "widths": [4, 6, 8], "depths": [1, 1, 1]},
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    state = build_model(DETECTOR, 2).state_dict()
    path = tmp_path / "run" / "model.pt"
    path.parent.mkdir()
    save_model(path, ModelFile("detect", list(CLASSES), DETECTOR, {"box": {}}, 0.3, {"steps": 0}, state))
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "photos <1>", shapes(4), CLASSES)


def heading(report: Path) -> str:
    found = re.search(r"<h1>(.*?)</h1>", report.read_text("utf-8"))
    assert found is not None
    return found[1]


def test_the_heading_names_set_split_and_model(model, images, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["evaluate", str(model), str(images), "-o", str(out), "--split", "last:3", "--repeats", "0"]) == 0
    page = (out / "report.html").read_text("utf-8")
    assert heading(out / "report.html") == "Score on real images: photos &lt;1&gt;, split last:3"
    assert f"<p>Model: <code>{model}</code></p>" in page
    assert "<p>3 images" in page
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["set"], metrics["split"], metrics["model"]) == ("photos <1>", "last:3", str(model))


def test_synthetic_images_are_not_called_real(model, images, tmp_path):
    result = evaluate(model, CocoDataset.read(images), repeats=0, synthetic=True)
    assert heading(write_evaluation(result, tmp_path / "out")) == "Score on synthetic images: photos &lt;1&gt;"


def test_the_legend_covers_no_curve(monkeypatch):
    figures = []
    monkeypatch.setattr(pictures, "_png", figures.append)
    pictures.curves_plot(np.tile(np.linspace(1, 0, 101), (12, 1)), [f"class {i}" for i in range(12)])
    (figure,) = figures
    figure.canvas.draw()
    (axes,), (legend,) = figure.axes, figure.legends
    assert legend.get_window_extent().y1 <= axes.get_window_extent().y0
    assert len(legend.get_texts()) == 12
    assert axes.get_legend() is None
