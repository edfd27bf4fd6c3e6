"""What holds for every method of the table, on every task where it is defined."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco, write_sides
from planes_for_tests import pose, write_plates
from torch import nn

from simgen.adapters.checkpoint import load_model
from simgen.adapters.crops import CropView
from simgen.adapters.methods import METHODS
from simgen.adapters.methods.base import rows, with_heads
from simgen.adapters.models import build_model
from simgen.adapters.models.detector import DetectorOutput
from simgen.adapters.settings import CropConfig, KeypointConfig, OptimizerConfig
from simgen.adapters.tasks.keypoints import Keypoints
from simgen.adapters.tasks.scores import Validation
from simgen.adapters.train import OnStep, train
from simgen.errors import CheckpointError, ConfigError, DataError
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageSet
from simgen.formats.vectors import vector_set
from simgen.rng import stream

CLASSES = ("square", "disc")
CLASSIFY = replace(
    TINY, model={"kind": "crop_classifier", "widths": [8, 16]}, optimizer=OptimizerConfig(warmup_steps=2)
)
SMALL = {"kind": "residual", "stem": 8, "widths": [8, 12, 16], "depths": [1, 1, 1]}
DETECT = replace(
    CLASSIFY,
    task="detect",
    model={"kind": "center_detector", "neck": 8, "backbone": SMALL},
    crop=CropConfig(crop_size=64, scale=(1.0, 1.0)),
)
SEGMENT = replace(DETECT, task="segment", model={"kind": "segmenter", "neck": 8, "backbone": SMALL})
FEATURES = replace(CLASSIFY, task="features", model={"kind": "vector_classifier", "widths": [8, 6]})
KEYPOINTS = replace(
    CLASSIFY,
    task="keypoints",
    model={"kind": "plane_net", "neck": 8, "backbone": SMALL},
    keypoints=KeypointConfig(crop_size=64, overview_px=96),
)
TASKS = {"classify": CLASSIFY, "detect": DETECT, "segment": SEGMENT, "features": FEATURES, "keypoints": KEYPOINTS}
ARGUMENTS = {"tent": {"passes": 9}, "mcd": {"alternate": True, "repeats": 1}}
DEFINED = [(kind, task) for kind in METHODS for task in TASKS if task not in METHODS[kind].undefined]


class _StopError(Exception):
    pass


def _stop_at(stop: int) -> OnStep:
    def on_step(step: int, total: int, losses: dict[str, float]) -> None:
        assert all(np.isfinite(list(losses.values())))
        if step == stop:
            raise _StopError

    return on_step


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Leave out the search for keypoints in whole pictures, which takes longest where nothing was learnt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Keypoints, "validate", lambda *_: Validation({"pck@1": 0.0}))
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = shapes(6)
    return write_sides(write_coco(tmp_path_factory.mktemp("source") / "set", images, CLASSES, masks=True), images)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> CocoDataset:
    images = [(255 - rgb, objects) for rgb, objects in shapes(5, seed=1)]
    return CocoDataset.read(write_coco(tmp_path_factory.mktemp("target") / "set", images, CLASSES))


@pytest.fixture(scope="module")
def pairs(source: Path, target: CocoDataset) -> dict[str, tuple[Path | ImageSet, ImageSet]]:
    """Source and target of each task."""
    x, y = stream(0, 0, "vectors").normal(size=(12, 5)), np.tile(CLASSES, 6)
    vectors = vector_set(x, y), vector_set(x[:9] + 1)
    plates = write_plates(source.parent / "plates", [pose(20), pose(140, 40), pose(-80, 10, 0.6)])
    photographs = CocoDataset.read(plates).subset([0, 2])
    return dict.fromkeys(TASKS, (source, target)) | {"features": vectors, "keypoints": (plates, photographs)}


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, tuple[Path | ImageSet, ImageSet]]
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("trained")
    return {task: train(config, pairs[task][0], folder / task) for task, config in TASKS.items()}


def _state(path: Path) -> dict[str, torch.Tensor]:
    return load_model(path).state_dict


@pytest.mark.parametrize(("kind", "task"), DEFINED)
def test_every_method_goes_on_to_the_same_model(
    kind: str,
    task: str,
    pairs: dict[str, tuple[Path | ImageSet, ImageSet]],
    trained: dict[str, Path],
    tmp_path: Path,
):
    source, target = pairs[task]
    config = replace(TASKS[task], method={"kind": kind, **ARGUMENTS.get(kind, {})})
    given = {"target": target, "init": trained[task]}
    whole = train(config, source, tmp_path / "whole", **given)
    with pytest.raises(_StopError):
        train(config, source, tmp_path / "parts", on_step=_stop_at(3), **given)
    parts = train(config, source, tmp_path / "parts", **given)
    first, second = _state(whole), _state(parts)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert load_model(whole).history["method"] == kind
    fresh = build_model(load_model(whole).architecture, 1 if task == "keypoints" else 2)
    fresh.load_state_dict(first)


@pytest.mark.parametrize("kind", [kind for kind, task in DEFINED if task == "classify"])
def test_no_method_depends_on_the_targets_labels(
    kind: str, source: Path, target: CocoDataset, trained: dict[str, Path], tmp_path: Path
):
    swapped = {"square": "disc", "disc": "square"}
    records = tuple(
        replace(r, annotations=tuple(replace(a, class_name=swapped[a.class_name]) for a in r.annotations))
        for r in target.records
    )
    other = CocoDataset(target.root, target.classes, records)
    config = replace(CLASSIFY, method={"kind": kind})
    models = [
        train(config, source, tmp_path / name, target=images, init=trained["classify"])
        for name, images in (("a", target), ("b", other))
    ]
    first, second = (_state(model) for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_method_that_lacks_something_says_what(source: Path, target: CocoDataset, tmp_path: Path):
    with pytest.raises(ConfigError, match=r'method "dann": expected target images .* \(--target\), got none'):
        train(replace(CLASSIFY, method={"kind": "dann"}), source, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"there is no kind 'dan_n'.*dann"):
        train(replace(CLASSIFY, method={"kind": "dan_n"}), source, tmp_path / "run")
    with pytest.raises(ConfigError, match=r'method dann: unknown key "wieght".*weight'):
        train(replace(CLASSIFY, method={"kind": "dann", "wieght": 1}), source, tmp_path / "run", target=target)
    with pytest.raises(ConfigError, match=r"method dann\.weight: expected a number, got 'high'"):
        train(replace(CLASSIFY, method={"kind": "dann", "weight": "high"}), source, tmp_path / "run", target=target)
    empty = CocoDataset(target.root, target.classes, ())
    with pytest.raises(DataError, match="expected target images to adapt to, but there are none"):
        train(replace(CLASSIFY, method={"kind": "dann"}), source, tmp_path / "run", target=empty)
    assert not (tmp_path / "run").exists()


def test_a_method_says_why_it_is_not_defined_for_a_task(
    source: Path, target: CocoDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(METHODS["dann"], "undefined", {"classify": "it needs a map of features"})
    with pytest.raises(ConfigError, match='method "dann": not defined for the task classify: it needs a map'):
        train(replace(CLASSIFY, method={"kind": "dann"}), source, tmp_path / "run", target=target)


def test_a_model_of_another_task_or_other_classes_is_no_start(source: Path, trained: dict[str, Path], tmp_path: Path):
    with pytest.raises(CheckpointError, match="expected a model of the task classify, got one of detect"):
        train(CLASSIFY, source, tmp_path / "run", init=trained["detect"])
    other = write_coco(tmp_path / "other", [(rgb, [("ring", (2, 2, 30, 30))]) for rgb, _ in shapes(4)], ["ring"])
    with pytest.raises(CheckpointError, match=r"knows the classes \[square, disc\].*labelled with \[ring\]"):
        train(CLASSIFY, other, tmp_path / "run", init=trained["classify"])


def test_a_model_that_sees_crops_in_another_way_is_no_start(source: Path, trained: dict[str, Path], tmp_path: Path):
    other = replace(CLASSIFY, view=CropView(input_size=16, grey=False))
    with pytest.raises(CheckpointError, match=r"expected one that sees crops as .*16.* got .*8.*\(--config\)"):
        train(other, source, tmp_path / "run", init=trained["classify"])


def test_a_model_may_start_another_that_averages_over_other_views(
    source: Path, trained: dict[str, Path], tmp_path: Path
):
    turned = replace(CLASSIFY.view, turned=True)
    whirled = replace(CLASSIFY.augment, flip=True, rotate_deg=90.0)
    path = train(
        replace(CLASSIFY, steps=1, view=turned, augment=whirled), source, tmp_path / "run", init=trained["classify"]
    )
    assert load_model(path).preprocess["view"]["turned"]
    assert not load_model(trained["classify"]).preprocess["view"]["turned"]


def test_answers_over_turned_views_need_a_model_that_learns_them(source: Path, tmp_path: Path):
    turned = replace(CLASSIFY, view=replace(CLASSIFY.view, turned=True))
    with pytest.raises(ConfigError, match=r"view\.turned: expected a model that learns turned .* got False and 0"):
        train(turned, source, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_from_the_weights_of_a_model_file(source: Path, trained: dict[str, Path], tmp_path: Path):
    still = replace(CLASSIFY, steps=1, optimizer=OptimizerConfig(lr=1e-12, warmup_steps=0))
    path = train(still, source, tmp_path / "run", init=trained["classify"])
    weights, before = _state(path), _state(trained["classify"])
    assert torch.allclose(weights["head.weight"], before["head.weight"], atol=1e-6)


def test_rows_of_tensors_and_named_tuples():
    output = DetectorOutput(torch.arange(4.0), torch.arange(4.0) + 10)
    assert rows(output, slice(1, 3)).box.tolist() == [11, 12]
    assert rows(torch.arange(4), slice(2, None)).tolist() == [2, 3]


def test_other_heads_leave_the_model_alone():
    model = build_model({"kind": "crop_classifier", "widths": [4]}, 2)
    twin = with_heads(model, nn.ModuleDict({"head": nn.Linear(4, 2)}))
    features = torch.ones(1, 4)
    assert not torch.equal(twin.predict(features), model.predict(features))
    assert twin.stages is model.stages
