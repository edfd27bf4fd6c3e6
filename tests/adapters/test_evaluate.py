"""Generated images are scored as the model was trained on them: their scale, their boxes, what counts."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapter_fakes import shapes, write_coco

from simgen.adapters import evaluate as scoring
from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.evaluate import evaluate
from simgen.adapters.models import build_model
from simgen.adapters.predict import Classified, Detections
from simgen.cli.app import main
from simgen.errors import CheckpointError
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageRecord, ImageSet

CLASSES = ("square", "disc")
HABIT = {"square": True, "slack": 1.5, "min_visible": 0.5}
DETECTOR = {
    "kind": "center_detector",
    "neck": 8,
    "backbone": {"kind": "residual", "stem": 4, "widths": [4, 6, 8], "depths": [1, 1, 1]},
}


def _model(folder: Path, task: str, architecture: dict[str, Any], preprocess: dict[str, Any]) -> Path:
    state = build_model(architecture, 2).state_dict()
    file = ModelFile(task, list(CLASSES), architecture, preprocess, 0.3, {"steps": 0}, state)
    save_model(folder / f"{task}.pt", file)
    return folder / f"{task}.pt"


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    return _model(tmp_path, "detect", DETECTOR, {"box": HABIT, "train_scale": [0.25, 1.0]})


@pytest.fixture
def images(tmp_path: Path) -> ImageSet:
    """Three pictures; the first object of each is 20 pixels wide and 10 high, the second hardly visible."""
    whole = CocoDataset.read(write_coco(tmp_path / "set", shapes(3), CLASSES))

    def changed(record: ImageRecord) -> ImageRecord:
        first, second = record.annotations
        box = np.array([30.0, 40.0, 50.0, 50.0])
        return replace(record, annotations=(replace(first, box_xyxy=box), replace(second, visible_fraction=0.4)))

    return ImageSet(whole.root, whole.classes, tuple(changed(record) for record in whole.records))


def _perfect_on(boxes: Sequence[float], seen: dict[str, Any]) -> Any:
    """Return a detector that finds a square in a box, and nothing else."""

    def predict(model: ModelFile, records: Sequence[ImageRecord], *, scale: float, progress: Any) -> list[Detections]:
        seen["scale"] = scale
        return [Detections(np.array([boxes], float), np.array([0.9]), np.array([0])) for _ in records]

    return predict


@pytest.mark.parametrize(
    ("synthetic", "boxes", "scale"),
    [(True, [25.0, 30.0, 55.0, 60.0], 0.5), (False, [30.0, 40.0, 50.0, 50.0], 1.0)],
)
def test_a_generated_set_has_the_scale_and_the_boxes_of_the_training(
    synthetic: bool, boxes: list[float], scale: float, detector: Path, images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(scoring, "predict_detections", _perfect_on(boxes, seen))
    result = evaluate(detector, images, repeats=0, synthetic=synthetic)
    assert seen["scale"] == pytest.approx(scale)
    assert result.scores["precision"].value == 1
    # The hardly visible discs are missed where they count.
    assert result.scores["recall"].value == pytest.approx(1.0 if synthetic else 0.5)
    assert result.scores["map"].value == pytest.approx(1.0 if synthetic else 0.5)


def test_a_classifier_sees_the_boxes_it_was_trained_on(
    tmp_path: Path, images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture = {"kind": "crop_classifier", "widths": [4], "in_channels": 3}
    model = _model(tmp_path, "classify", architecture, {"box": HABIT, "view": {}})
    seen: list[list[list[float]]] = []

    def predict(model: ModelFile, records: Sequence[ImageRecord], *, progress: Any) -> list[Classified]:
        seen.append([r.annotations[0].box_xyxy.tolist() for r in records])
        return [Classified(np.eye(2)) for _ in records]

    monkeypatch.setitem(scoring.CLASSIFYING, "classify", predict)
    for synthetic, box, count in ((True, [25, 30, 55, 60], 3), (False, [30, 40, 50, 50], 6)):
        result = evaluate(model, images, repeats=0, synthetic=synthetic)
        assert seen.pop() == [box] * 3
        assert len(result.true) == count


def test_the_command_says_that_the_images_are_generated(detector: Path, images: ImageSet, tmp_path: Path) -> None:
    for option in ([], ["--synthetic"]):
        out = tmp_path / f"report{len(option)}"
        assert main(["evaluate", str(detector), str(images.root), "-o", str(out), "--repeats", "0", *option]) == 0
        assert json.loads((out / "metrics.json").read_text())["synthetic"] == bool(option)
        assert ("on synthetic images" in (out / "report.html").read_text("utf-8")) == bool(option)


def test_habits_that_cannot_be_read_are_one_sentence(tmp_path: Path, images: ImageSet) -> None:
    model = _model(tmp_path, "detect", DETECTOR, {"box": {"slack": "wide"}})
    with pytest.raises(CheckpointError, match=r"detect\.pt: its habits of boxes cannot be read"):
        evaluate(model, images, repeats=0, synthetic=True)
