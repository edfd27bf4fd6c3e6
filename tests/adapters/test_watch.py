"""Runs that end early, on several devices, and with TensorBoard."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapter_fakes import TINY, shapes, write_coco
from torch import nn

from simgen.adapters.batches import Batches
from simgen.adapters.checkpoint import load_model, load_plain
from simgen.adapters.settings import (
    OptimizerConfig,
    RuntimeConfig,
    StopConfig,
    TrainConfig,
    ValidationConfig,
    share_of_device,
)
from simgen.adapters.tasks import TASKS
from simgen.adapters.tasks.scores import Validation
from simgen.adapters.train import train
from simgen.adapters.watch import EarlyStop
from simgen.errors import ConfigError
from simgen.formats import read_images
from simgen.formats.vectors import vector_set
from simgen.rng import stream

CLASSES = ("square", "disc")
STOPPING = replace(
    TINY,
    steps=12,
    validation=ValidationConfig(fraction=0.34, every=1),
    stop=StopConfig(patience=3),
    runtime=replace(TINY.runtime, checkpoint_every=4),
)
FIGURES = (0.1, 0.5, 0.4, 0.5, 0.45, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9)


class _StopError(Exception):
    pass


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "set", shapes(6), CLASSES)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the validation of step k say FIGURES[k - 1]; keep the weights that it saw."""
    seen: dict[str, Any] = {"step": 0}

    class Scripted(TASKS["classify"]):  # type: ignore[misc, name-defined]
        def validate(self, module: nn.Module, records: Sequence[Any]) -> Validation:
            step = int(seen["step"])
            seen[f"weights {step}"] = {k: v.clone() for k, v in module.state_dict().items()}
            return Validation({"accuracy": FIGURES[min(step, len(FIGURES)) - 1]})

    monkeypatch.setitem(TASKS, "classify", Scripted)
    return seen


def _steps(folder: Path) -> list[int]:
    return [int(line.partition(",")[0]) for line in (folder / "losses.csv").read_text().splitlines()[1:]]


def test_a_run_stops_after_patience_and_keeps_the_best_validation(
    data: Path, tmp_path: Path, scripted: dict[str, Any]
) -> None:
    def follow(step: int, *_: Any) -> None:
        scripted["step"] = step

    model = load_model(train(STOPPING, data, tmp_path / "run", on_step=follow))
    # 0.5 at step 2; steps 3 to 5 are no better, an equal figure included.
    assert _steps(tmp_path / "run") == [1, 2, 3, 4, 5]
    assert model.history["stop"] == {"best_step": 2, "best": 0.5, "last_step": 5}
    assert all(torch.equal(value, scripted["weights 2"][name]) for name, value in model.state_dict.items())
    assert not (tmp_path / "run/best.pt").exists()


def test_patience_that_is_not_used_up_takes_the_best_of_all_steps(
    data: Path, tmp_path: Path, scripted: dict[str, Any]
) -> None:
    def follow(step: int, *_: Any) -> None:
        scripted["step"] = step

    patient = replace(STOPPING, stop=StopConfig(patience=9))
    model = load_model(train(patient, data, tmp_path / "run", on_step=follow))
    assert len(_steps(tmp_path / "run")) == 12
    assert model.history["stop"]["best_step"] == 6
    assert all(torch.equal(value, scripted["weights 6"][name]) for name, value in model.state_dict.items())


@pytest.mark.parametrize("stop_at", [3, 5])
def test_a_run_that_was_killed_stops_at_the_same_step(
    stop_at: int, data: Path, tmp_path: Path, scripted: dict[str, Any]
) -> None:
    def follow(step: int, *_: Any) -> None:
        scripted["step"] = step

    def killed(step: int, *_: Any) -> None:
        scripted["step"] = step
        if step == stop_at:
            raise _StopError

    whole = load_model(train(STOPPING, data, tmp_path / "whole", on_step=follow))
    with pytest.raises(_StopError):
        train(STOPPING, data, tmp_path / "parts", on_step=killed)
    parts = load_model(train(STOPPING, data, tmp_path / "parts", on_step=follow))
    assert parts.history["stop"] == whole.history["stop"]
    assert all(torch.equal(value, parts.state_dict[name]) for name, value in whole.state_dict.items())
    assert (tmp_path / "whole/validation.csv").read_bytes() == (tmp_path / "parts/validation.csv").read_bytes()


def test_a_run_killed_after_its_last_step_does_not_go_on(
    data: Path, tmp_path: Path, scripted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def follow(step: int, *_: Any) -> None:
        scripted["step"] = step

    config = replace(STOPPING, runtime=replace(STOPPING.runtime, checkpoint_every=5))

    def killed(*_: Any) -> None:
        raise _StopError

    with monkeypatch.context() as patch:
        patch.setattr(EarlyStop, "restore", killed)
        with pytest.raises(_StopError):
            train(config, data, tmp_path / "run", on_step=follow)
    assert load_plain(tmp_path / "run/last.ckpt")["global_step"] == 5
    steps: list[int] = []
    model = load_model(train(config, data, tmp_path / "run", on_step=lambda step, *_: steps.append(step)))
    assert steps == []
    assert model.history["stop"] == {"best_step": 2, "best": 0.5, "last_step": 5}


def test_what_is_no_better_than_min_delta_counts_as_no_better(tmp_path: Path) -> None:
    stop = EarlyStop(StopConfig(patience=2, min_delta=0.1), tmp_path / "best.pt")
    module = nn.Linear(1, 1)
    assert [stop.see(step, figure, module) for step, figure in enumerate([0.5, 0.55, 0.61, 0.7, 0.71], 1)] == [
        *[False] * 4,
        True,
    ]
    assert (stop.step, stop.best) == (3, 0.61)


def test_settings_that_cannot_stop_are_refused() -> None:
    with pytest.raises(ValueError, match=r"stop\.patience: expected validations to count \(validation\.every > 0\)"):
        TrainConfig(stop=StopConfig(patience=1))
    with pytest.raises(ValueError, match=r"stop\.patience: takes the best validation, selection\.kind entropy"):
        replace(STOPPING, selection=replace(TINY.selection, kind="entropy"))
    with pytest.raises(ValueError, match=r"batch_size: expected a multiple of runtime\.devices, which is 3, got 4"):
        replace(TINY, runtime=RuntimeConfig(devices=3))
    with pytest.raises(ValueError, match=r"batch_size: expected 2 crops or more for each of 4 devices, got 4"):
        replace(TINY, runtime=RuntimeConfig(devices=4))


def test_the_devices_batches_of_a_step_are_the_one_of_a_single_device(data: Path) -> None:
    source, config = read_images(data), replace(TINY, runtime=RuntimeConfig(devices=2))
    task = TASKS["classify"](CLASSES, config)
    shared = share_of_device(config)
    assert (shared.steps, shared.batch_size) == (12, 2)
    items = task.items(source, 24)
    whole, halves = Batches(task, TINY.batch_size, items), Batches(task, shared.batch_size, items)
    for step in range(TINY.steps):
        joined = torch.cat([halves[2 * step + rank][0]["crop"] for rank in range(2)])
        assert torch.equal(joined, whole[step][0]["crop"])


@pytest.mark.slow
def test_two_processes_train_the_same_model_as_one(tmp_path: Path) -> None:
    """Of a head on a frozen encoder, whose batch statistics stay, the mean of halves is the mean of the whole."""
    x = stream(0, 0, "vectors").normal(size=(40, 5))
    labels = np.array(["a", "b"])[(x[:, 0] > 0).astype(int)]
    np.savez(tmp_path / "vectors.npz", x=x, y=labels)
    base = TrainConfig(
        task="features",
        model={"kind": "vector_classifier", "widths": [8, 6], "dropout": 0.0},
        steps=6,
        batch_size=8,
        optimizer=OptimizerConfig(warmup_steps=0, lr=0.05),
        runtime=TINY.runtime,
    )
    start = train(base, vector_set(x, labels), tmp_path / "start")
    probe = replace(base, method={"kind": "linear_probe"})
    one = load_model(train(probe, vector_set(x, labels), tmp_path / "one", init=start))
    settings = ["steps=6", "batch_size=8", "model.widths=[8,6]", "model.dropout=0.0", "optimizer.warmup_steps=0"]
    settings += ["optimizer.lr=0.05", "runtime.accelerator=cpu", "runtime.workers=0", "runtime.checkpoint_every=2"]
    settings += ["validation.fraction=0.1", "optimizer.weight_decay=0.05", "optimizer.ema_decay=0.998"]
    command = [sys.executable, "-m", "simgen", "train", "vectors.npz", "--task", "features", "-o", "two"]
    command += ["--method", "linear_probe", "--init", "start/model.pt", "--precision", "32-true", "--devices", "2"]
    command += [part for setting in settings for part in ("--set", setting)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "two/model.pt"
    two = load_model(tmp_path / "two/model.pt")
    for name, value in one.state_dict.items():
        assert torch.allclose(value, two.state_dict[name], atol=1e-5), name
    assert _steps(tmp_path / "two") == [1, 2, 3, 4, 5, 6]
    assert not torch.allclose(one.state_dict["head.weight"], load_model(start).state_dict["head.weight"], atol=1e-3)


def test_without_tensorboard_a_run_that_wants_it_says_what_to_install(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning.fabric.loggers import tensorboard

    monkeypatch.setattr(tensorboard, "_TENSORBOARD_AVAILABLE", False)
    monkeypatch.setattr(tensorboard, "_TENSORBOARDX_AVAILABLE", False)
    with pytest.raises(ConfigError, match=r"runtime\.tensorboard: .* not installed \(pip install tensorboard\)"):
        train(replace(TINY, runtime=replace(TINY.runtime, tensorboard=True)), data, tmp_path / "run")


def test_tensorboard_has_every_step_and_validation(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed (the extra [tensorboard])")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    runtime = replace(TINY.runtime, tensorboard=True)
    config = replace(TINY, runtime=runtime, validation=ValidationConfig(fraction=0.34, every=2))
    train(config, data, tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Scalars("validation/accuracy")] == [2, 4]
