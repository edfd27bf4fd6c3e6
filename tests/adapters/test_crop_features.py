"""A classifier's look at crops: what its head gets, what it says, and what it is refused for."""

from typing import Any

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.crop_features import CropModel, crop_embedding
from simgen.adapters.models import build_model
from simgen.adapters.predict import predict_classes
from simgen.adapters.tasks import TASKS
from simgen.cli.app import main
from simgen.errors import CheckpointError
from simgen.formats.coco import CocoDataset
from simgen.rare.patches import crops_of
from simgen.rare.survey import survey

CLASSES = ("square", "disc")
CROPS = {"kind": "crop_classifier", "in_channels": 3, "widths": [4, 8]}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> CocoDataset:
    return CocoDataset.read(write_coco(tmp_path_factory.mktemp("set") / "a", shapes(4), CLASSES))


def _file(task: str, architecture: dict[str, Any]) -> ModelFile:
    torch.manual_seed(0)
    state = build_model(architecture, 2).state_dict()
    return ModelFile(task, list(CLASSES), architecture, TASKS[task](CLASSES, TINY).preprocess(), None, {}, state)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory):
    file = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(file, _file("classify", CROPS))
    return file


def test_features_and_probabilities_are_those_of_an_evaluation(images: CocoDataset, path):
    model, embedding = CropModel(path), crop_embedding(path)
    (expected,) = predict_classes(model._module, [images.records[1]], view=model.view)
    crops = crops_of(images[1], [0, 1], embedding.side_px, embedding.extent)
    np.testing.assert_allclose(model.probabilities(crops), expected.probabilities, atol=0.02)
    assert model.probabilities(crops).sum(axis=1) == pytest.approx([1, 1])
    found = survey(images, ["class"], embedding)
    assert found.embedded is not None
    assert found.embedded.shape == (8, 8)
    np.testing.assert_allclose(found.embedded[2:4], embedding.describe(crops), atol=1e-6)
    assert np.ptp(found.embedded, axis=0).max() > 0


def test_a_model_can_be_the_embedding_of_the_command(images: CocoDataset, path, tmp_path):
    words = ["rare", "find", str(images.root), "-o", str(tmp_path / "out"), "--model", str(path)]
    assert main([*words, "--bins", "class", "--no-likelihood"]) == 0
    assert (tmp_path / "out" / "rare.json").is_file()


def test_other_tasks_and_other_classes_are_refused(images: CocoDataset, path, tmp_path):
    model = CropModel(path)
    model.require_classes(images)
    others = CocoDataset.read(write_coco(tmp_path / "b", [], (*CLASSES, "ring")))
    with pytest.raises(CheckpointError, match=r"knows the classes \[square, disc\], but .* has ring, too"):
        model.require_classes(others)
    state = build_model(CROPS, 2).state_dict()
    save_model(tmp_path / "d.pt", ModelFile("detect", list(CLASSES), CROPS, {}, None, {}, state))
    with pytest.raises(CheckpointError, match="expected a model of task classify, got one of detect"):
        CropModel(tmp_path / "d.pt")
