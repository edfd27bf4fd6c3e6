"""The mistakes that a run can be given, by command, on every task: one sentence each, or a run that copes."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from adapter_fakes import shapes, write_coco
from planes_for_tests import pose, write_plates

from simgen.adapters.checkpoint import load_model, load_plain
from simgen.cli.app import main
from simgen.rng import stream

CLASSES = ("square", "disc")
QUICK = ["runtime.accelerator=cpu", "runtime.precision=32-true", "runtime.threads=1", "runtime.workers=0"]
SMALL = "{kind: residual, stem: 4, widths: [4, 6, 8], depths: [1, 1, 1]}"
MODELS = {
    "classify": ["model={kind: crop_classifier, widths: [4, 8]}", "view={input_size: 8, grey: false}"],
    "detect": [f"model={{kind: center_detector, neck: 4, backbone: {SMALL}}}", "crop.crop_size=64"],
    "segment": [f"model={{kind: segmenter, neck: 4, backbone: {SMALL}}}", "crop.crop_size=64"],
    "keypoints": [f"model={{kind: plane_net, neck: 4, backbone: {SMALL}}}", "keypoints.crop_size=96"],
    "features": ["model={kind: vector_classifier, widths: [8, 6]}"],
}
TASKS = tuple(MODELS)
PICTURES = ("classify", "detect", "segment")
ADAPTED = (*PICTURES, "features")


@dataclass(frozen=True)
class World:
    """Good sets and models, made once; `sets[task]` and `models[task]` are paths."""

    sets: dict[str, Path]
    models: dict[str, Path]


def _train(task: str, data: Path, out: Path, *options: str, settings: tuple[str, ...] = ()) -> int:
    chosen = [*QUICK, "validation.fraction=0.34", "steps=4", "batch_size=4", *MODELS[task], *settings]
    words = ["train", str(data), "--task", task, "-o", str(out), *options]
    return main([*words, *(part for setting in chosen for part in ("--set", setting))])


def _vectors(path: Path, rows: int, columns: int = 5, names: tuple[str, ...] = CLASSES) -> Path:
    x = stream(0, rows, "vectors").normal(size=(rows, columns))
    np.savez(path, x=x, y=np.resize(names, rows))
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    images = write_coco(root / "images", shapes(6), CLASSES, masks=True)
    plates = write_plates(root / "plates", [pose(20), pose(140, 40), pose(-80, 10, 0.6)])
    sets = dict.fromkeys(PICTURES, images) | {"keypoints": plates, "features": _vectors(root / "rows.npz", 12)}
    for task in TASKS:
        assert _train(task, sets[task], root / task) == 0
    return World(sets, {task: root / task / "model.pt" for task in TASKS})


@pytest.fixture
def sentence(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what the one error line says."""

    def read() -> str:
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1
        return lines[0]

    return read


@pytest.mark.parametrize("task", TASKS)
def test_a_run_that_diverges_stops_and_keeps_its_last_good_checkpoint(
    task: str, world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    wild = ("optimizer.lr=1e30", "optimizer.warmup_steps=0", "runtime.checkpoint_every=1", "steps=30")
    assert _train(task, world.sets[task], tmp_path / "run", settings=wild) == 2
    said = sentence()
    assert "so training stopped and the last good checkpoint was kept; try a lower optimizer.lr than 1e+30" in said
    kept = load_plain(tmp_path / "run/last.ckpt")
    assert f"step {kept['global_step'] + 1}: the " in said
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values() if value.is_floating_point())
    assert not (tmp_path / "run/model.pt").exists()


def test_a_run_that_diverges_before_its_first_checkpoint_says_so(
    world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    wild = ("optimizer.lr=1e30", "optimizer.warmup_steps=0", "steps=30")
    assert _train("classify", world.sets["classify"], tmp_path / "run", settings=wild) == 2
    assert "training stopped before its first checkpoint (runtime.checkpoint_every, 200 steps); try" in sentence()
    assert not (tmp_path / "run/last.ckpt").exists()


@pytest.mark.parametrize("task", TASKS)
def test_a_set_with_other_classes_is_refused(
    task: str, world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    if task == "features":
        other = _vectors(tmp_path / "other.npz", 12, names=("ring", "star"))
    else:
        other = tmp_path / "other"
        shutil.copytree(world.sets[task], other)
        content = json.loads((other / "annotations.json").read_text())
        for category in content["categories"]:
            category["name"] += " of another kind"
        (other / "annotations.json").write_text(json.dumps(content))
    assert _train(task, other, tmp_path / "run", "--init", str(world.models[task])) == 2
    assert "knows the classes [" in sentence()
    assert main(["evaluate", str(world.models[task]), str(other), "-o", str(tmp_path / "report")]) == 2
    assert "are labelled with [" in sentence()
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("task", TASKS)
def test_an_empty_target_is_refused(task: str, world: World, tmp_path: Path, sentence: Callable[[], str]) -> None:
    if task == "features":
        empty = tmp_path / "empty.npz"
        np.savez(empty, x=np.zeros((0, 5)))
    else:
        empty = write_coco(tmp_path / "empty", [], CLASSES)
    assert _train(task, world.sets[task], tmp_path / "run", "--method", "dann", "--target", str(empty)) == 2
    assert "empty" in sentence()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["cdan", "mcd", "jan", "shot", "tent"])
def test_methods_of_class_probabilities_say_why_keypoints_have_none(
    method: str, world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    plates = world.sets["keypoints"]
    assert _train("keypoints", plates, tmp_path / "run", "--method", method, "--target", str(plates)) == 2
    assert "it looks at the probabilities of classes, and the task has a single class" in sentence()


def test_nothing_chooses_keypoints_by_their_classes(world: World, tmp_path: Path, sentence: Callable[[], str]) -> None:
    plates, information = world.sets["keypoints"], ("selection.kind=information",)
    assert _train("keypoints", plates, tmp_path / "run", "--target", str(plates), settings=information) == 2
    assert "selection.kind: information compares classes, and the task keypoints has one" in sentence()


@pytest.mark.parametrize("task", ADAPTED)
@pytest.mark.parametrize("method", ["cdan", "mean_teacher"])
def test_a_class_that_is_missing_in_every_batch_ends_no_run(
    task: str, method: str, world: World, tmp_path: Path
) -> None:
    """All objects that are learnt from are squares, or nearly all vectors."""
    if task == "features":
        data, x = tmp_path / "rows.npz", stream(1, 0, "vectors").normal(size=(40, 5))
        np.savez(data, x=x, y=np.array(["square"] * 38 + ["disc"] * 2))
    else:
        squares = [(rgb, found[:1]) for rgb, found in shapes(6)]
        data = write_coco(tmp_path / "squares", squares, CLASSES, masks=True)
    assert _train(task, data, tmp_path / "run", "--method", method, "--target", str(world.sets[task])) == 0
    state = load_model(tmp_path / "run/model.pt").state_dict
    assert all(torch.isfinite(value).all() for value in state.values() if value.is_floating_point())


@pytest.mark.parametrize("task", PICTURES)
def test_a_target_of_other_sizes_and_channel_counts_will_do(task: str, world: World, tmp_path: Path) -> None:
    """A picture without colour, one with transparency, one of 16 bits, one larger and one smaller than a crop."""
    noise = stream(0, 0, "noise").integers(0, 255, (5, 300, 300, 3)).astype(np.uint8)
    sides = (128, 128, 128, 300, 20)
    pictures = [(rgb[:side, :side], [("disc", (2.0, 2.0, 15.0, 15.0))]) for rgb, side in zip(noise, sides, strict=True)]
    target = write_coco(tmp_path / "target", pictures, CLASSES)
    grey, alpha, deep, *_ = sorted((target / "images").iterdir())
    cv2.imwrite(str(grey), noise[0, :128, :128, 0])
    cv2.imwrite(str(alpha), np.dstack([noise[1, :128, :128], np.full((128, 128), 128, np.uint8)]))
    cv2.imwrite(str(deep), noise[2, :128, :128].astype(np.uint16) * 257)
    assert _train(task, world.sets[task], tmp_path / "run", "--method", "dann", "--target", str(target)) == 0


@pytest.mark.parametrize("task", PICTURES)
def test_a_bare_folder_of_photographs_is_a_target(task: str, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, (rgb, _) in enumerate(shapes(4, seed=3)):
        cv2.imwrite(str(folder / f"{number}.jpg"), rgb[..., ::-1])
    assert _train(task, world.sets[task], tmp_path / "run", "--method", "dann", "--target", str(folder)) == 0
    assert load_model(tmp_path / "run/model.pt").classes == list(CLASSES)


@pytest.mark.parametrize(
    ("method", "setting", "said"),
    [
        ("dann", "weight=-1", "weight: expected a number >= 0, got -1"),
        ("mixstyle", "p=3", "p: expected a number in [0, 1], got 3"),
        ("adain", "p=-1", "p: expected a number in [0, 1], got -1"),
        ("mean_teacher", "burn_in=5", "burn_in: expected a number in [0, 1], got 5"),
        ("fda", "beta=9", "beta: expected a number in [0, 0.5], got 9"),
        ("mcd", "strength=-2", "strength: expected a number >= 0, got -2"),
    ],
)
def test_a_method_s_argument_out_of_bounds_is_named(
    method: str, setting: str, said: str, world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    data = world.sets["classify"]
    more = ["--set", f"method.{setting}"]
    assert _train("classify", data, tmp_path / "run", "--method", method, "--target", str(data), *more) == 2
    assert said in sentence()
    assert not (tmp_path / "run").exists()


def test_target_vectors_of_another_length_are_refused(
    world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    other = _vectors(tmp_path / "other.npz", 9, columns=7)
    assert _train("features", world.sets["features"], tmp_path / "run", "--method", "dann", "--target", str(other)) == 2
    assert "expected vectors of 5 numbers, as the model takes, got 7" in sentence()


@pytest.mark.parametrize("task", TASKS)
def test_corrupted_checkpoints_and_model_files_are_named(
    task: str, world: World, tmp_path: Path, sentence: Callable[[], str]
) -> None:
    half = tmp_path / "half.pt"
    half.write_bytes(world.models[task].read_bytes()[:2000])
    assert _train(task, world.sets[task], tmp_path / "run", "--init", str(half)) == 2
    assert "half.pt: cannot be read as a torch file; it may be truncated" in sentence()
    assert main(["evaluate", str(half), str(world.sets[task]), "-o", str(tmp_path / "report")]) == 2
    assert "half.pt: cannot be read as a torch file; it may be truncated" in sentence()
    shutil.copytree(world.models[task].parent, tmp_path / "stopped")
    (tmp_path / "stopped/model.pt").unlink()
    (tmp_path / "stopped/last.ckpt").write_bytes(half.read_bytes())
    assert _train(task, world.sets[task], tmp_path / "stopped") == 2
    assert "last.ckpt: cannot be read as a torch file; it may be truncated" in sentence()


@pytest.mark.parametrize("task", TASKS)
def test_fewer_samples_than_a_batch_will_do(task: str, world: World, tmp_path: Path) -> None:
    if task == "keypoints":
        data = write_plates(tmp_path / "few", [pose(20), pose(140, 40)])
    elif task == "features":
        data = _vectors(tmp_path / "few.npz", 4)
    else:
        data = write_coco(tmp_path / "few", shapes(2), CLASSES, masks=True)
    options = ["--method", "dann", "--target", str(data)]
    assert _train(task, data, tmp_path / "run", *options, settings=("batch_size=16", "steps=2")) == 0
    assert (tmp_path / "run/model.pt").is_file()
