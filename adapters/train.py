"""Training: a configuration and a synthetic COCO set in, a model file out.

A fixed budget of optimizer steps, AdamW, linear warm-up and cosine decay, clipped gradients, averaged weights.
The same call goes on where an earlier one stopped, and ends in the same weights: item k of the data depends on
(seed, k) alone, and the checkpoint holds the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Sampler

from simgen.adapters.batches import Batches
from simgen.adapters.checkpoint import load_model, load_plain, save_model
from simgen.adapters.lightning_lite import (
    Callback,
    MisconfigurationException,
    ModelCheckpoint,
    TensorBoardLogger,
    Trainer,
    ctrl_c,
    quiet,
    unwrapped,
)
from simgen.adapters.methods.base import Once
from simgen.adapters.parts import part_of
from simgen.adapters.predict import build_module
from simgen.adapters.prepare import Prepared, Sets, prepare, task_of
from simgen.adapters.reverse import ReverseValidation
from simgen.adapters.runs import RunFolder
from simgen.adapters.selection import Snapshots, choose, guard_of
from simgen.adapters.settings import RuntimeConfig, TrainConfig, as_seen
from simgen.adapters.vectors import by_class
from simgen.adapters.watch import EarlyStop, OnStep, Watch, headline
from simgen.errors import CheckpointError, ConfigError, DataError, TrainingError
from simgen.formats import read_images
from simgen.formats.imageset import ImageRecord, ImageSet

_SHIPPED = {
    "detect": "dice",
    "segment": "dice-segment",
    "classify": "digits",
    "keypoints": "charuco",
    "features": "features",
}


def train(
    config: TrainConfig,
    data: Path | ImageSet,
    out: Path,
    *,
    target: ImageSet | None = None,
    simulated: ImageSet | None = None,
    init: Path | None = None,
    on_step: OnStep | None = None,
) -> Path:
    """Train a model, or go on with a run that was interrupted.

    Args:
        config: everything that can be set.
        data: the labelled set: a COCO folder, its annotations file, or a set in memory.
        out: the run's folder; see simgen.adapters.runs.
        target: pictures to adapt to; its labels are not read.
        simulated: a second labelled set, for `method.mix`: simulated pictures beside the photographs of `data`.
        init: a model file to go on from.
        on_step: for a progress bar.

    Returns:
        The path of the model file; at once if the run was finished already.

    Raises:
        ConfigError: a method that needs a target or a model file and got none.
        DataError: data that cannot be read, or too little of it.
        OutputError: `out` holds something else.
        CheckpointError: `out` holds a damaged checkpoint; a model file of another task or other classes.
        TrainingError: the loss became infinite or no number; the last good checkpoint stays.
    """
    dataset = by_class(part_of(data if isinstance(data, ImageSet) else read_images(data), config.part))
    training, held_out = split(len(dataset), config, dataset.root)
    if config.runtime.threads:
        torch.set_num_threads(config.runtime.threads)
    second = None if simulated is None else by_class(simulated)
    prepared = prepare(config, Sets(dataset, target, second), init)
    config = prepared.config
    run = RunFolder(out, config, prepared.identity)
    if run.model.is_file():
        return run.model
    start = _resume_step(run.checkpoint)
    batches = prepared.batches(dataset.subset(training))
    records = [dataset.records[k] for k in held_out]
    stop = EarlyStop(config.stop, run.folder / "best.pt")
    watch = Watch(run, prepared.task, records, start, stop, on_step)
    snapshots = Snapshots(run.folder / "snapshots", config.selection, config.steps)
    selects = config.selection.kind != "last"
    trainer = _trainer(config, run, [watch, stop, *([snapshots] if selects else [])])
    loader = _loader(batches, config, start, trainer.global_rank)
    fit, once, task = prepared.fit, batches.once, prepared.task
    with (
        quiet(),
        ctrl_c(),
        unwrapped(),
        _keeping_good(prepared, dataset, records, None if trainer.global_rank else run),
    ):
        if not start:
            fit.method.begin(fit.module, once)
        trainer.fit(fit, loader, ckpt_path=run.checkpoint if start else None, weights_only=True)
    _end_helpers(trainer)
    with quiet():
        fit.to(trainer.strategy.root_device)
        notes: dict[str, Any] = {}
        if selects:
            guard = _guard(prepared, dataset.subset(held_out), init, once)
            notes["selection"] = _chosen(prepared, snapshots.folder, once, guard)
        if stop.step:
            stop.restore(fit.average)
            notes["stop"] = {"best_step": stop.step, "best": stop.best, "last_step": trainer.global_step}
        fit.method.finish(fit.average, once)
        result = task.validate(fit.average, records)
    watch.note(trainer.global_step, result)
    save_model(run.model, prepared.model_file(dataset.classes, result, notes))
    snapshots.remove()
    stop.remove()
    return run.model


@contextmanager
def _keeping_good(
    prepared: Prepared, dataset: ImageSet, records: list[ImageRecord], run: RunFolder | None
) -> Iterator[None]:
    """Write the model of the last good checkpoint of a run that diverges, and say where; without `run` nothing."""
    try:
        yield
    except TrainingError as error:
        if run is None or not run.checkpoint.is_file():
            raise
        content = load_plain(run.checkpoint)
        prepared.fit.load_state_dict(content["state_dict"])
        step = int(content["global_step"])
        result = prepared.task.validate(prepared.fit.average, records)
        save_model(run.good, prepared.model_file(dataset.classes, result, {"diverged": {"last_step": step}}))
        raise TrainingError(f"{error}; {run.good} is the model after step {step}") from None


def train_with(data: Path | ImageSet, out: Path, config: str | None, overrides: Sequence[str], **given: Any) -> Path:
    """As `train`, with settings by name.

    Args:
        data: the labelled set.
        out: the run's folder.
        config: a YAML file or the name of shipped settings; by default those of the task among the overrides.
        overrides: "a.b=c" each.
        given: `target`, `simulated`, `init` and `on_step` of `train`.
    """
    return train(settings(config, overrides), data, out, **given)


def settings(config: str | None, overrides: Sequence[str]) -> TrainConfig:
    """Return the settings of a YAML file or of a shipped name, by default those of the task among the overrides."""
    # Here, for it brings the simulator along, which a machine that only trains need not have.
    from simgen.config import load_section

    if config is None:
        task = next((o.partition("=")[2] for o in overrides if o.startswith("task=")), "detect")
        config = _SHIPPED.get(task, "dice")
    return load_section(TrainConfig, config, overrides, folder="train")


def split(n: int, config: TrainConfig, where: Path) -> tuple[list[int], list[int]]:
    """Return the indices to train on and, spread evenly, those to validate on.

    Raises:
        DataError: fewer than two images.
    """
    if n < 2:
        raise DataError(f"{where}: expected at least 2 images, one to train on and one to validate, but got {n}")
    period = max(2, round(1 / config.validation.fraction))
    held_out = list(range(period - 1, n, period)) or [n - 1]
    training = sorted(set(range(n)) - set(held_out))
    most = config.validation.images
    if len(held_out) > most:
        held_out = [held_out[k * len(held_out) // most] for k in range(most)]
    return training, held_out


def _chosen(prepared: Prepared, snapshots: Path, once: Once, guard: Callable[[Any], float]) -> list[dict[str, Any]]:
    """Give the averaged model the chosen snapshot's weights; return all candidates, the chosen one first."""
    found = choose(snapshots, prepared.config.selection, prepared.task, prepared.fit.average, (once, guard))
    return [asdict(candidate) for candidate in found]


def _guard(prepared: Prepared, held_out: ImageSet, init: Path | None, once: Once) -> Callable[[Any], float]:
    """Return what the guard of the selection scores a model by."""
    if init is not None and guard_of(prepared.fit.method, prepared.config.selection) == "reverse":
        start = build_module(load_model(init)).to(prepared.fit.device)
        return ReverseValidation(task_of(as_seen(prepared.config), held_out), start, once, held_out)
    return lambda model: headline(prepared.task.validate(model, held_out.records))


def _end_helpers(trainer: Trainer) -> None:
    """End the processes that Lightning started beside the first one: they were there for the training alone."""
    if not trainer.is_global_zero:
        raise SystemExit(0)


class _Rest(Sampler[int]):
    """The batches from the first step that was not taken; its length is that of the whole run, as Lightning counts on.

    Of the `devices` batches of a step, every process takes its own.
    """

    def __init__(self, first: int, steps: int, devices: int, rank: int) -> None:
        self._steps = steps
        self._chosen = range(first * devices + rank, steps * devices, devices)

    def __iter__(self) -> Iterator[int]:
        return iter(self._chosen)

    def __len__(self) -> int:
        return self._steps


def _loader(batches: Batches, config: TrainConfig, start: int, rank: int) -> DataLoader[Any]:
    return DataLoader(
        batches,
        batch_size=None,
        sampler=_Rest(start, config.steps, config.runtime.devices, rank),
        num_workers=config.runtime.workers,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if config.runtime.workers else None,
    )


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _trainer(config: TrainConfig, run: RunFolder, callbacks: list[Callback]) -> Trainer:
    checkpoint = ModelCheckpoint(
        run.folder,
        filename=run.checkpoint.stem,
        every_n_train_steps=config.runtime.checkpoint_every,
        enable_version_counter=False,
    )
    several = config.runtime.devices > 1
    try:
        with quiet():
            return Trainer(
                accelerator=config.runtime.accelerator,
                devices=config.runtime.devices,
                # Methods freeze layers and let them learn again: not every parameter has a gradient in every step.
                strategy="ddp_find_unused_parameters_true" if several else "auto",
                precision=resolve_precision(config.runtime),
                max_steps=config.steps,
                max_epochs=-1,
                callbacks=[*callbacks, checkpoint],
                default_root_dir=run.folder,
                logger=_logger(config, run),
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
    except MisconfigurationException:
        wanted = f"{config.runtime.devices} devices of the kind " if several else ""
        raise ConfigError(f"runtime.accelerator: this machine has no {wanted}{config.runtime.accelerator}") from None


def _logger(config: TrainConfig, run: RunFolder) -> TensorBoardLogger | bool:
    if not config.runtime.tensorboard:
        return False
    try:
        return TensorBoardLogger(run.folder, name="tensorboard", version="")
    except ModuleNotFoundError:
        raise ConfigError(
            "runtime.tensorboard: expected the package tensorboard, which is not installed (pip install tensorboard); "
            "losses.csv and validation.csv hold the same figures"
        ) from None


def resolve_precision(runtime: RuntimeConfig) -> Any:
    """Return "bf16-mixed" or "32-true": as set, or for "auto" as the processor is quicker."""
    if runtime.precision != "auto":
        return runtime.precision
    if runtime.accelerator in ("auto", "gpu") and torch.cuda.is_available():
        quick = torch.cuda.is_bf16_supported()
    else:
        probes = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
        quick = any(probe() for probe in probes if probe)
    return "bf16-mixed" if quick else "32-true"


def _resume_step(checkpoint: Path) -> int:
    if not checkpoint.is_file():
        return 0
    content = load_plain(checkpoint)
    if not isinstance(content, dict) or not isinstance(content.get("global_step"), int):
        raise CheckpointError(f"{checkpoint}: expected the checkpoint of a training run, but it is another torch file")
    return int(content["global_step"])
