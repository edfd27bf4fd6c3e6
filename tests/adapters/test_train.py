import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import OFF, shapes, write_coco

from simgen.adapters import train as training
from simgen.adapters.checkpoint import load_model
from simgen.adapters.crops import CropView
from simgen.adapters.fit import learning_rate, update_average
from simgen.adapters.methods.base import parameter_groups
from simgen.adapters.models import build_model
from simgen.adapters.predict import build_module
from simgen.adapters.settings import CropConfig, OptimizerConfig, RuntimeConfig, TrainConfig, ValidationConfig
from simgen.adapters.tasks import TASKS
from simgen.adapters.train import resolve_precision, split, train, train_with
from simgen.config import load_section
from simgen.errors import CheckpointError, ConfigError, DataError, OutputError, TrainingError
from simgen.formats.coco import CocoDataset
from simgen.formats.vectors import vector_set

CLASSES = ("square", "disc")
SMALL = {"kind": "residual", "stem": 8, "widths": [16, 24, 32], "depths": [1, 1, 1]}
RUNTIME = RuntimeConfig(accelerator="cpu", precision="32-true", threads=1, workers=0, checkpoint_every=4)
CONFIG = TrainConfig(
    task="classify",
    model={"kind": "crop_classifier", "widths": [8, 16], "dropout": 0.2},
    steps=10,
    batch_size=4,
    view=CropView(input_size=8, grey=False),
    augment=OFF,
    optimizer=OptimizerConfig(warmup_steps=2),
    validation=ValidationConfig(fraction=0.34, every=5),
    runtime=RUNTIME,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "set", shapes(6), CLASSES)


class _StopError(Exception):
    pass


def _stop_at(stop: int) -> training.OnStep:
    def on_step(step: int, total: int, losses: dict[str, float]) -> None:
        if step == stop:
            raise _StopError

    return on_step


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return load_model(path).state_dict


def _assert_same(first: Path, second: Path) -> None:
    a, b = _weights(first), _weights(second)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_detector_overfits_four_tiny_pictures(tmp_path: Path):
    data = write_coco(tmp_path / "set", shapes(5, size=96), CLASSES)
    config = replace(
        CONFIG,
        task="detect",
        model={
            "kind": "center_detector",
            "neck": 16,
            "backbone": SMALL,
        },
        steps=120,
        batch_size=4,
        crop=CropConfig(crop_size=96, scale=(1.0, 1.0), background=0.0),
        optimizer=OptimizerConfig(lr=5e-3, warmup_steps=10, ema_decay=0.9),
        validation=ValidationConfig(fraction=0.2),
    )
    model = load_model(train(config, data, tmp_path / "run"))
    dataset = CocoDataset.read(data)
    kept, held_out = split(len(dataset), config, data)
    assert (len(kept), len(held_out)) == (4, 1)
    result = TASKS["detect"](dataset.classes, config).validate(build_module(model), [dataset.records[k] for k in kept])
    assert result.metrics["map50"] > 0.95
    assert model.classes == ["square", "disc"]
    assert model.threshold is not None
    assert 0 < model.threshold < 1
    assert set(model.history["validation"]) == {"map50", "f1"}


def test_same_seed_same_weights_other_seed_other_weights(data: Path, tmp_path: Path):
    first = train(CONFIG, data, tmp_path / "a")
    _assert_same(first, train(CONFIG, data, tmp_path / "b"))
    assert (tmp_path / "a/losses.csv").read_bytes() == (tmp_path / "b/losses.csv").read_bytes()
    other = _weights(train(replace(CONFIG, seed=1), data, tmp_path / "c"))
    assert not torch.equal(other["head.weight"], _weights(first)["head.weight"])


def test_loader_processes_change_nothing(data: Path, tmp_path: Path):
    first = train(CONFIG, data, tmp_path / "a")
    _assert_same(first, train(replace(CONFIG, runtime=replace(RUNTIME, workers=2)), data, tmp_path / "b"))


@pytest.mark.parametrize("stop", [2, 4, 7, 9])
def test_a_resumed_run_ends_like_an_uninterrupted_one(data: Path, tmp_path: Path, stop: int):
    whole = train(CONFIG, data, tmp_path / "whole")
    with pytest.raises(_StopError):
        train(CONFIG, data, tmp_path / "parts", on_step=_stop_at(stop))
    assert not (tmp_path / "parts/model.pt").exists()
    steps: list[int] = []
    parts = train(CONFIG, data, tmp_path / "parts", on_step=lambda step, *_: steps.append(step))
    assert steps == list(range((stop - 1) // 4 * 4 + 1, 11))
    _assert_same(whole, parts)
    for name in ("losses.csv", "validation.csv", "run.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    assert len((tmp_path / "parts/losses.csv").read_text().splitlines()) == 11


def test_a_killed_process_resumes(data: Path, tmp_path: Path):
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r}); sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from test_train import CONFIG
from simgen.adapters.train import train
def on_step(step, total, losses):
    if step == 6:
        os.kill(os.getpid(), signal.SIGKILL)
train(CONFIG, Path({str(data)!r}), Path({str(tmp_path / "killed")!r}), on_step=on_step)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert result.returncode == -9, result.stderr.decode()
    assert (tmp_path / "killed/last.ckpt").is_file()
    whole = train(CONFIG, data, tmp_path / "whole")
    _assert_same(whole, train(CONFIG, data, tmp_path / "killed"))


def test_a_finished_run_is_returned_at_once(data: Path, tmp_path: Path):
    path = train(CONFIG, data, tmp_path / "run")
    before = path.stat().st_mtime_ns
    assert train(CONFIG, data, tmp_path / "run", on_step=_stop_at(1)) == path
    assert path.stat().st_mtime_ns == before


def test_another_configuration_or_set_never_writes_into_a_run(data: Path, tmp_path: Path):
    path = train(CONFIG, data, tmp_path / "run")
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"another configuration \(optimizer\.lr is 0\.002 there and 0\.01 here\)"):
        train(replace(CONFIG, optimizer=OptimizerConfig(warmup_steps=2, lr=0.01)), data, tmp_path / "run")
    other = write_coco(tmp_path / "other", shapes(6, seed=5), CLASSES)
    with pytest.raises(OutputError, match=r"data\.source is"):
        train(CONFIG, other, tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("")
    with pytest.raises(OutputError, match="mine: expected an empty folder or one of simgen train"):
        train(CONFIG, data, tmp_path / "mine")
    assert path.read_bytes() == before
    # Where it runs and how often it saves is nobody's business.
    assert (
        train(replace(CONFIG, runtime=replace(RUNTIME, workers=1, checkpoint_every=9)), data, tmp_path / "run") == path
    )


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    task = TASKS["classify"]

    class Spoilt(task):  # type: ignore[misc, valid-type]
        calls = 0

        def losses(self, output: torch.Tensor, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            Spoilt.calls += 1
            return {"class": super().losses(output, batch)["class"] * (math.nan if Spoilt.calls == 7 else 1)}

    monkeypatch.setitem(TASKS, "classify", Spoilt)
    said = r"^step 7: the loss is nan, so training stopped and the last good"
    with pytest.raises(TrainingError, match=said) as caught:
        train(CONFIG, data, tmp_path / "run")
    assert not (tmp_path / "run/model.pt").exists()
    kept = torch.load(tmp_path / "run/last.ckpt", weights_only=True)
    assert kept["global_step"] == 4
    assert all(torch.isfinite(v).all() for v in kept["state_dict"].values())
    good = load_model(tmp_path / "run/good.pt")
    assert good.history["diverged"] == {"last_step": 4}
    averages = {k.removeprefix("average."): v for k, v in kept["state_dict"].items() if k.startswith("average.")}
    assert all(torch.equal(v, averages[k]) for k, v in good.state_dict.items())
    assert "good.pt is the model after step 4" in str(caught.value)


def test_a_gradient_that_is_no_number_stops_before_the_weights_are_spoilt(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Spoilt(TASKS["classify"]):  # type: ignore[misc, name-defined]
        def losses(self, output: torch.Tensor, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {"class": (output - output.detach()).abs().pow(0.5).sum()}

    monkeypatch.setitem(TASKS, "classify", Spoilt)
    with pytest.raises(TrainingError, match="step 1: the gradient is nan"):
        train(CONFIG, data, tmp_path / "run")


def test_a_damaged_or_foreign_checkpoint_is_named(data: Path, tmp_path: Path):
    with pytest.raises(_StopError):
        train(CONFIG, data, tmp_path / "run", on_step=_stop_at(5))
    checkpoint = tmp_path / "run/last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(CheckpointError, match=r"last\.ckpt: cannot be read as a torch file"):
        train(CONFIG, data, tmp_path / "run")


def test_mistakes_leave_no_folder(data: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="no kind 'crop_clasifier' \\(did you mean \"crop_classifier\""):
        train(replace(CONFIG, model={"kind": "crop_clasifier"}), data, tmp_path / "run")
    single = write_coco(tmp_path / "one", shapes(1), CLASSES)
    with pytest.raises(DataError, match="expected at least 2 images"):
        train(CONFIG, single, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_by_name_and_override(data: Path, tmp_path: Path):
    overrides = [
        "task=classify",
        "steps=3",
        "batch_size=2",
        "runtime.workers=0",
        "runtime.threads=1",
        "model.widths=[4, 8]",
    ]
    steps: list[int] = []
    path = train_with(data, tmp_path / "run", None, overrides, on_step=lambda step, *_: steps.append(step))
    model = load_model(path)
    assert steps == [1, 2, 3]
    assert model.architecture["widths"] == [4, 8]
    assert model.preprocess["view"]["input_size"] == 8
    with pytest.raises(ConfigError, match=r'optimizer\.lrr: unknown key "lrr" \(did you mean "lr"\?\)'):
        train_with(data, tmp_path / "other", "dice", ["optimizer.lrr=1"])


@pytest.mark.parametrize("name", ["dice", "digits", "features"])
def test_shipped_settings_build_a_model(name: str):
    config = load_section(TrainConfig, name)
    task = TASKS[config.task](["a", "b"], config)
    assert build_model(task.architecture(vector_set(np.zeros((2, 5)))), 2)
    assert config.augment.flip == (name == "dice")


def test_precision_is_the_quicker_one_the_processor_has(monkeypatch: pytest.MonkeyPatch):
    auto = RuntimeConfig(accelerator="cpu")
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert resolve_precision(auto) == "32-true"
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert resolve_precision(auto) == "bf16-mixed"
    assert resolve_precision(RuntimeConfig(precision="32-true")) == "32-true"


def test_mixed_precision_trains(data: Path, tmp_path: Path):
    runtime = replace(RUNTIME, precision="bf16-mixed")
    config = replace(CONFIG, task="detect", model={"kind": "center_detector", "neck": 8, "backbone": SMALL}, steps=2)
    model = load_model(train(replace(config, crop=CropConfig(crop_size=64), runtime=runtime), data, tmp_path / "run"))
    assert {value.dtype for value in model.state_dict.values()} == {torch.float32, torch.int64}


def test_split_is_spread_over_the_indices():
    config = replace(CONFIG, validation=ValidationConfig(fraction=0.1, images=3))
    training_part, held_out = split(100, config, Path("set"))
    assert held_out == [9, 39, 69]
    assert len(training_part) == 90
    assert not {*range(9, 100, 10)} & set(training_part)
    assert split(2, config, Path("set")) == ([0], [1])


def test_learning_rate_warms_up_and_decays():
    config = OptimizerConfig(warmup_steps=10, final_lr=0.1)
    rates = [learning_rate(step, 100, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)


def test_only_kernels_are_decayed():
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    decayed, free = parameter_groups(module, 0.05)
    assert [p.ndim for p in decayed["params"]] == [4]
    assert [p.ndim for p in free["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.05, 0.0)


def test_average_moves_weights_and_statistics():
    average, module = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.running_mean.fill_(10.0)  # type: ignore[union-attr]
        module.num_batches_tracked.fill_(7)  # type: ignore[union-attr, operator]
    update_average(average, module, 0.9)
    assert average.weight.tolist() == pytest.approx([1.2, 1.2])
    assert average.running_mean.tolist() == pytest.approx([1.0, 1.0])  # type: ignore[union-attr]
    assert average.num_batches_tracked == 7


def test_nothing_imports_torchvision(tmp_path: Path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text("raise RuntimeError('torchvision was imported')")
    command = "import simgen.adapters.train, sys; assert 'torchvision' not in sys.modules"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", command], capture_output=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_one_sentence_also_from_a_loader_process(data, tmp_path, workers):
    for picture in (data / "images").iterdir():
        content = picture.read_bytes()
        picture.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"^image \"[^\n]*\": expected a whole \w+ file, got a truncated one$"):
        train(replace(CONFIG, runtime=replace(RUNTIME, workers=workers)), data, tmp_path / "run")


def test_a_run_folder_that_cannot_be_made(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file/run: cannot be written: Not a directory"):
        train(CONFIG, data, tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("config", "overrides", "sentence"),
    [
        (
            "dice",
            ["task=classify"],
            (
                'dice line 2: task: expected detect, which the model "center_detector" of these settings is for, got '
                'classify; the shipped settings for classify are "digits"'
            ),
        ),
        (
            "digits",
            ["task=detect"],
            (
                'digits line 2: task: expected classify, which the model "crop_classifier" of these settings is for, '
                'got detect; the shipped settings for detect are "dice"'
            ),
        ),
        ("dice", ["model.nek=3"], 'train: model center_detector: unknown key "nek" (did you mean "neck"?)'),
        ("dice", ["model.neck=hi"], "train: model center_detector.neck: expected a whole number >= 1, got 'hi'"),
        (
            "dice",
            ["model.backbone.widths=[]"],
            "train: backbone residual.widths: expected a list of whole numbers >= 1, got []",
        ),
    ],
)
def test_settings_that_do_not_fit_each_other(data, tmp_path, config, overrides, sentence):
    with pytest.raises(ConfigError) as caught:
        train_with(data, tmp_path / "run", config, overrides)
    assert str(caught.value) == sentence
    assert not (tmp_path / "run").exists()
