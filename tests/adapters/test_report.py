"""The page of an evaluation: what it says it is about, and that nothing is hidden in its plots."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from adapter_fakes import shapes, write_coco

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.evaluate import evaluate, write_evaluation
from simgen.adapters.metrics import Score, reliability
from simgen.adapters.metrics.paired import Difference, Gap, McNemar
from simgen.adapters.models import build_model
from simgen.adapters.report import pictures, words
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
    monkeypatch.setattr(pictures, "png_uri", figures.append)
    pictures.curves_plot(np.tile(np.linspace(1, 0, 101), (12, 1)), [f"class {i}" for i in range(12)])
    (figure,) = figures
    figure.canvas.draw()
    (axes,), (legend,) = figure.axes, figure.legends
    assert legend.get_window_extent().y1 <= axes.get_window_extent().y0
    assert len(legend.get_texts()) == 12
    assert axes.get_legend() is None


CLASSIFIER = {"kind": "crop_classifier", "widths": [4, 8]}


def test_a_classifier_s_page_and_file_have_areas_calibration_and_classes(images, tmp_path):
    state = build_model(CLASSIFIER, 3).state_dict()
    view = {"view": {"input_size": 8}}
    save_model(tmp_path / "c.pt", ModelFile("classify", [*CLASSES, "never <seen>"], CLASSIFIER, view, None, {}, state))
    assert main(["evaluate", str(tmp_path / "c.pt"), str(images), "-o", str(tmp_path / "out"), "--repeats", "20"]) == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    rows = dict(re.findall(r"<tr><th>(.*?)</th>(.*?)</tr>", page, re.DOTALL))
    assert rows["never &lt;seen&gt;"].count("–") == 5
    assert rows["square"].count("–") == 0
    assert page.count('alt="plot"') == 2  # confusion and reliability
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["scores"]["roc_auc/never <seen>"]["value"] is None
    assert sum(metrics["reliability"]["weight"]) == 8
    result = evaluate(tmp_path / "c.pt", CocoDataset.read(images), repeats=0)
    assert result.probabilities.shape == (8, 3)
    assert metrics["scores"]["ece"]["value"] == result.reliability.ece
    assert metrics["scores"]["accuracy"]["value"] == (result.said == result.true).mean()


def test_an_object_that_is_to_be_ignored_is_not_scored(images, tmp_path):
    content = json.loads((images / "annotations.json").read_text())
    content["annotations"][0]["iscrowd"] = 1
    (images / "annotations.json").write_text(json.dumps(content))
    state = build_model(CLASSIFIER, 2).state_dict()
    save_model(
        tmp_path / "c.pt",
        ModelFile("classify", list(CLASSES), CLASSIFIER, {"view": {"input_size": 8}}, None, {}, state),
    )
    result = evaluate(tmp_path / "c.pt", CocoDataset.read(images), repeats=0)
    assert len(result.true) == 7
    assert write_evaluation(result, tmp_path / "out").is_file()


def test_the_reliability_plot_has_a_bar_for_each_bin_that_holds_something(monkeypatch):
    figures = []
    monkeypatch.setattr(pictures, "png_uri", figures.append)
    pictures.reliability_plot(reliability(np.array([0.55, 0.95, 0.96]), np.array([True, True, False]), bins=10))
    upper, lower = figures[0].axes
    assert [(round(p.get_x(), 6), p.get_height()) for p in upper.patches] == [(0.5, 1), (0.9, 0.5)]
    assert sum(p.get_height() for p in lower.patches) == 3
    assert "ECE 0.453" in upper.get_title()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.score_text(Score(None)), "–"),
        (words.score_text(Score(0.5)), "0.500"),
        (words.difference_text(Difference(0.1, -0.05, 0.2, 0.0341)), "+0.100 [-0.050, +0.200], p = 0.034"),
        (words.difference_text(Difference(-0.1, -0.2, -0.05, 0.0002)), "-0.100 [-0.200, -0.050], p < 0.001"),
        (words.difference_text(Difference(None)), "–"),
        (words.gap_text(Gap(0.714, 0.4, 1.03)), "71 % [40 %, 103 %]"),
        (words.gap_text(Gap(0.714)), "71 %"),
        (words.gap_text(Gap(None)), "–"),
        (words.mcnemar_text(McNemar(12, 5, 0.143)), "12 : 5, p = 0.14"),
    ],
)
def test_figures_are_written_for_people(text, expected):
    assert text.replace(words.SPACE, " ") == expected
