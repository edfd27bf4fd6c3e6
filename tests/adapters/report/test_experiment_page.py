"""The page of an experiment: complete, offline, escaped, and without what makes no sense for a task."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco
from planes_for_tests import pose, write_plates

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.experiment import Trained, examine
from simgen.adapters.models import build_model
from simgen.adapters.outcomes import Arm, Outcome
from simgen.adapters.report.experiment import write_experiment
from simgen.adapters.settings import KeypointConfig, TrainConfig, VectorConfig
from simgen.adapters.sweep import Material, plan, sweep
from simgen.formats import read_images
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageSet
from simgen.formats.vectors import vector_set
from simgen.rng import stream

NASTY = "a<script>alert(1)</script>"
CLASSES = ("square", "disc")
BACKBONE = {"kind": "residual", "stem": 4, "widths": [4, 6, 8], "depths": [1, 1, 1]}
FAST = replace(TINY, steps=3)


def _ids(page: str) -> list[str]:
    """Return the sections that a page has, and check that those it links to are the same."""
    found = re.findall(r'<h2 id="(\w+)"', page)
    assert found == re.findall(r'<a href="#(\w+)"', page)
    return found


def _page(trained: Trained, **options: Any) -> str:
    return write_experiment(examine(trained, **options), "Experiment", trained.out / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("sets")
    source = CocoDataset.read(write_coco(folder / "source", shapes(12), CLASSES))
    real = CocoDataset.read(write_coco(folder / "real <1>", shapes(18, seed=1), CLASSES))
    material = Material(source, real.subset(range(12)), real.subset(range(12)), real.subset(range(12, 18)))
    arms = plan(["source_only", "dann", "oracle"], [0, 1], [2], material)
    outcomes = [*sweep(FAST, arms, material, folder / "out"), Outcome(Arm("coral", 0), problem=NASTY)]
    return Trained(FAST, material, outcomes, folder / "out", f"simgen sweep {NASTY}")


@pytest.fixture(scope="module")
def page(trained: Trained) -> str:
    return _page(trained, repeats=20)


def test_a_classifier_s_page_has_every_section(page: str, trained: Trained):
    shown = ["labels", "choice", "training", "confusion", "embeddings", "examples", "gap", "failed"]
    assert _ids(page) == ["scores", *shown, "repeat"]
    assert "Gap closed between source_only and oracle" in page
    assert "Difference to source_only" in page
    assert '<a href="gap/gap.html">' in page
    assert (trained.out / "gap" / "gap.html").is_file()
    assert "finetune-2" in page
    assert "seeds</th><td>0, 1</td>" in page
    assert "batch_size" in page


def test_the_page_is_one_file_that_opens_offline(page: str):
    assert all(source.startswith("data:image/") for source in re.findall(r'<img[^>]* src="([^"]*)', page))
    assert page.count("<img") > 8
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)


def test_everything_shown_is_escaped(page: str):
    assert page.count("a&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert "real &lt;1&gt;" in page
    assert "real <1>" not in page


def test_the_choice_says_what_the_labels_would_have_chosen(trained: Trained, page: str):
    choice = examine(trained, repeats=0).choice
    assert choice is not None
    assert f"<b>{choice.selected}</b>" in page
    assert f"{choice.judged[choice.best].real:.3f}" in page


def test_without_labelled_photographs_the_page_says_how_to_draw_the_curve(trained: Trained):
    alone = [o for o in trained.outcomes if o.arm.method in ("source_only", "dann")]
    text = _page(replace(trained, outcomes=alone, material=replace(trained.material, labelled=None)), repeats=0)
    assert "--shots 5,20,50" in text
    assert "Gap closed" not in text


def test_without_photographs_the_held_out_figures_are_shown(tmp_path: Path):
    source = CocoDataset.read(write_coco(tmp_path / "source", shapes(4), CLASSES))
    outcomes = list(sweep(FAST, [Arm("source_only", 0)], Material(source), tmp_path / "out"))
    text = _page(Trained(FAST, Material(source), outcomes, tmp_path / "out"))
    assert _ids(text) == ["scores", "training", "repeat"]
    assert "validation accuracy" in text


def test_a_sweep_that_failed_has_a_page(tmp_path: Path, trained: Trained):
    failed = [Outcome(Arm("dann", 0), problem=NASTY)]
    text = _page(Trained(FAST, trained.material, failed, tmp_path))
    assert _ids(text) == ["scores", "failed", "repeat"]
    assert "data:image" not in text
    assert "<script" not in text


def _made(task: str, architecture: dict[str, Any], preprocess: dict[str, Any], out: Path, data: ImageSet) -> Trained:
    """Write two untrained models as a sweep leaves them."""
    outcomes = []
    for seed, method in enumerate(("source_only", "degrade")):
        torch.manual_seed(seed)
        arm = Arm(method, 0)
        arm.folder(out).mkdir(parents=True)
        history = {"method": method, "seed": 0, "validation": {"map50": 0.5}}
        state = build_model(architecture, len(data.classes)).state_dict()
        model = ModelFile(task, list(data.classes), architecture, preprocess, 0.3, history, state)
        save_model(arm.folder(out) / "model.pt", model)
        outcomes.append(Outcome(arm, {"map50": 0.1 * seed, "miou": 0.1 * seed}))
    config = TrainConfig(task=task, runtime=FAST.runtime)  # type: ignore[arg-type]
    return Trained(config, Material(data, data.subset([0, 1]), None, data.subset([2, 3])), outcomes, out)


@pytest.mark.parametrize(("task", "kind"), [("detect", "center_detector"), ("segment", "segmenter")])
def test_models_of_whole_images_show_photographs(task: str, kind: str, tmp_path: Path):
    data = read_images(write_coco(tmp_path / "set", shapes(4), CLASSES, masks=True))
    architecture = {"kind": kind, "neck": 8, "backbone": BACKBONE}
    text = _page(_made(task, architecture, {"box": {}}, tmp_path / "out", data), repeats=3)
    assert _ids(text) == ["scores", "labels", "choice", "confusion", "examples", "gap", "repeat"]
    assert "image/jpeg" in text
    assert ">mAP50<" in text if task == "detect" else ">mIoU<" in text


def test_points_have_no_confusion_no_embedding_and_no_choice(tmp_path: Path):
    data = read_images(write_plates(tmp_path / "set", [pose(20 * k, 10, 0.5) for k in range(4)]))
    config = TrainConfig(
        task="keypoints",
        model={"kind": "plane_net", "neck": 8, "backbone": BACKBONE},
        steps=2,
        batch_size=2,
        keypoints=KeypointConfig(crop_size=64),
        runtime=FAST.runtime,
    )
    material = Material(data, report=data)
    outcomes = list(sweep(config, plan(["source_only", "degrade"], [0], [], material), material, tmp_path / "out"))
    text = _page(Trained(config, material, outcomes, tmp_path / "out"), repeats=3)
    assert {"confusion", "embeddings"}.isdisjoint(_ids(text))
    assert {"training", "examples"} <= set(_ids(text))
    assert "rotation, degrees" in text


def test_vectors_have_no_pictures_and_no_gap(tmp_path: Path):
    rows, names = stream(0, 0, "x").normal(size=(60, 5)), np.array(["ant", "bee"] * 30)
    data = vector_set(rows, names)
    config = TrainConfig(
        task="features",
        model={"kind": "vector_classifier", "widths": [8]},
        steps=3,
        batch_size=8,
        vectors=VectorConfig(),
        runtime=FAST.runtime,
    )
    material = Material(data.subset(range(30)), data.subset(range(30, 45)), None, data.subset(range(45, 60)))
    outcomes = list(sweep(config, plan(["source_only", "coral"], [0], [], material), material, tmp_path / "out"))
    text = _page(Trained(config, material, outcomes, tmp_path / "out"), repeats=3)
    assert {"choice", "confusion", "embeddings"} <= set(_ids(text))
    assert "gap" not in _ids(text)
    assert "15 vectors" in text
