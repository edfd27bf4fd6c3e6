"""The task "segment" from end to end: trained on a few tiny pictures, scored, and shown on a page."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from adapter_fakes import OFF, shapes, write_coco

from simgen.adapters.checkpoint import ModelFile, load_model, save_model
from simgen.adapters.evaluate import evaluate
from simgen.adapters.gap.eye import Eye
from simgen.adapters.metrics import iou_figures
from simgen.adapters.models import build_model
from simgen.adapters.segments.predict import predict_segments
from simgen.adapters.settings import (
    CropConfig,
    OptimizerConfig,
    RuntimeConfig,
    TrainConfig,
    ValidationConfig,
)
from simgen.adapters.tasks import TASKS
from simgen.adapters.train import train
from simgen.cli.app import main
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
SMALL = {"kind": "residual", "stem": 8, "widths": [12, 16, 24], "depths": [1, 1, 1]}
CONFIG = TrainConfig(
    task="segment",
    model={"kind": "segmenter", "neck": 16, "backbone": SMALL},
    steps=110,
    batch_size=4,
    crop=CropConfig(crop_size=64, scale=(1.0, 1.0)),
    augment=replace(OFF, flip=True),
    optimizer=OptimizerConfig(lr=1e-2, warmup_steps=10, ema_decay=0.9),
    validation=ValidationConfig(fraction=0.2),
    runtime=RuntimeConfig(accelerator="cpu", precision="32-true", threads=1, workers=0),
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "photos <1>", shapes(6), CLASSES, masks=True)


@pytest.fixture(scope="module")
def model(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(CONFIG, images, tmp_path_factory.mktemp("trained") / "run")


def test_a_few_tiny_pictures_are_learnt(model: Path, images: Path):
    dataset = CocoDataset.read(images)
    result = evaluate(model, dataset, repeats=20)
    scores = {name: score.value for name, score in result.scores.items()}
    assert scores["miou"] > 0.9
    assert min(scores["iou/square"], scores["iou/disc"], scores["iou_background"]) > 0.8
    assert scores["map50"] > 0.99
    assert scores["f1"] == 1
    assert result.pixels.shape == (6, 3, 3)
    assert result.pixels.sum() == 6 * 128 * 128
    assert iou_figures(result.pixels.sum(0))["miou"] == scores["miou"]
    validation = load_model(model).history["validation"]
    assert validation["miou"] > 0.9
    assert validation["map50"] == 1


def test_validation_and_evaluation_agree(model: Path, images: Path):
    dataset = CocoDataset.read(images)
    file = load_model(model)
    module = build_model(file.architecture, 2)
    module.load_state_dict(file.state_dict)
    found = TASKS["segment"](CLASSES, CONFIG).validate(module, dataset.records)
    scores = evaluate(model, dataset, repeats=0).scores
    assert found.metrics["miou"] == pytest.approx(scores["miou"].value)
    assert found.metrics["map50"] == pytest.approx(scores["map50"].value, abs=0.01)


def test_the_page_shows_masks_and_the_file_has_every_figure(
    model: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "report"
    assert main(["evaluate", str(model), str(images), "-o", str(out), "--repeats", "20"]) == 0
    assert "miou" in capsys.readouterr().out
    page = (out / "report.html").read_text("utf-8")
    assert "photos &lt;1&gt;" in page
    assert page.count('alt="plot"') == 3  # objects, precision over recall, pixels
    assert page.count("<figcaption>") == 6
    captions = [float(value) for value in re.findall(r"0 wrong class, 0 false, 0 missed, mIoU ([\d.]+)", page)]
    assert captions == sorted(captions)
    assert 'class="examples segment"' in page
    metrics = json.loads((out / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert np.array(metrics["pixel_confusion"]).shape == (3, 3)
    assert metrics["scores"]["miou"]["low"] <= metrics["scores"]["miou"]["value"] <= metrics["scores"]["miou"]["high"]
    assert {"iou/square", "ap/disc", "ap50/disc", "recall/square"} <= set(metrics["scores"])


def test_objects_that_are_to_be_ignored_change_nothing(model: Path, images: Path, tmp_path: Path):
    content = json.loads((images / "annotations.json").read_text())
    content["annotations"][1] |= {"iscrowd": 1}
    del content["annotations"][1]["segmentation"]
    other = shutil.copytree(images, tmp_path / "ignored")
    (other / "annotations.json").write_text(json.dumps(content))
    result = evaluate(model, CocoDataset.read(other), repeats=0)
    assert result.scores["recall"].value == result.scores["precision"].value == 1
    assert 0 < 6 * 128 * 128 - result.pixels.sum() < 30 * 30


def test_sets_without_masks_are_refused_before_anything_is_scored(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    bare = write_coco(tmp_path / "bare", shapes(2), CLASSES)
    assert main(["evaluate", str(model), str(bare), "-o", str(tmp_path / "out")]) == 2
    assert "expected a mask of every object, got one without" in capsys.readouterr().err
    assert main(["train", str(bare), "-o", str(tmp_path / "run"), "--task", "segment", "--steps", "1"]) == 2
    assert "expected a mask of every object, got one without" in capsys.readouterr().err


def test_an_untrained_model_has_a_page_of_what_it_missed(images: Path, tmp_path: Path):
    architecture = {"kind": "segmenter", "neck": 8, "backbone": SMALL}
    state = build_model(architecture, 2).state_dict()
    save_model(tmp_path / "m.pt", ModelFile("segment", list(CLASSES), architecture, {}, None, {}, state))
    assert main(["evaluate", str(tmp_path / "m.pt"), str(images), "-o", str(tmp_path / "out"), "--repeats", "0"]) == 0
    assert (tmp_path / "out" / "report.html").read_text("utf-8").count("2 missed") == 6


def test_the_gap_s_eye_sees_what_the_segmenter_found(model: Path, images: Path):
    record = CocoDataset.read(images).records[0]
    features, answers = Eye(model).look(record, 3, trained_on=True)
    (found,) = predict_segments(load_model(model), [record])
    assert features.shape == (1, 24)
    assert sorted(answers.said.tolist()) == sorted(answers.true.tolist()) == [0, 1]
    assert answers.confidence.tolist() == found.objects.scores[: len(answers.said)].tolist()
