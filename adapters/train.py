"""Training: a configuration and a synthetic COCO set in, a model file out.

A fixed budget of optimizer steps, AdamW, linear warm-up and cosine decay, clipped gradients, averaged weights.
The same call goes on where an earlier one stopped, and ends in the same weights: item k of the data depends on
(seed, k) alone, and the checkpoint holds the rest.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from simgen.adapters.checkpoint import ModelFile, load_plain, save_model
from simgen.adapters.lightning_lite import (
    Callback,
    LightningModule,
    MisconfigurationException,
    ModelCheckpoint,
    Trainer,
    ctrl_c,
    quiet,
    unwrapped,
)
from simgen.adapters.models import build_model
from simgen.adapters.runs import RunFolder, Table, fingerprint, identifying
from simgen.adapters.settings import OptimizerConfig, RuntimeConfig, TrainConfig
from simgen.adapters.tasks import TASKS, Batch, Task
from simgen.adapters.tasks.scores import Validation
from simgen.errors import CheckpointError, ConfigError, DataError, SimgenError
from simgen.formats.coco import CocoDataset, ImageRecord

OnStep = Callable[[int, int, dict[str, float]], None]
"""Called as on_step(step, total, losses) after every optimizer step."""

_SHIPPED = {"detect": "dice", "classify": "digits", "keypoints": "charuco"}


class TrainingError(SimgenError):
    """A run that cannot go on, such as one whose loss is no number any more."""


def train(config: TrainConfig, data: Path, out: Path, *, on_step: OnStep | None = None) -> Path:
    """Train a model, or go on with a run that was interrupted.

    Args:
        config: everything that can be set.
        data: a COCO folder, or its annotations file.
        out: the run's folder; see simgen.adapters.runs.
        on_step: for a progress bar.

    Returns:
        The path of the model file; at once if the run was finished already.

    Raises:
        DataError: data that cannot be read, or too little of it.
        OutputError: `out` holds something else.
        CheckpointError: `out` holds a damaged checkpoint.
        TrainingError: the loss became infinite or no number; the last good checkpoint stays.
    """
    dataset = CocoDataset.read(data)
    training, held_out = split(len(dataset), config, dataset.root)
    if config.runtime.threads:
        torch.set_num_threads(config.runtime.threads)
    task = TASKS[config.task](dataset.classes, config)
    fit = _Fit(task, _fresh_module(task, len(dataset.classes), config.seed), config)
    run = RunFolder(out, config, fingerprint(data))
    if run.model.is_file():
        return run.model
    start = _resume_step(run.checkpoint)
    loader = _loader(task, dataset.subset(training), config, start)
    records = [dataset.records[k] for k in held_out]
    watch = _Watch(run, records, start, on_step)
    trainer = _trainer(config, run, watch)
    with quiet(), ctrl_c(), unwrapped():
        trainer.fit(fit, loader, ckpt_path=run.checkpoint if start else None, weights_only=True)
        result = task.validate(fit.average.to(trainer.strategy.root_device), records)
    watch.note(config.steps, result)
    save_model(run.model, _model_file(task, fit, dataset.classes, result))
    return run.model


def train_with(
    data: Path, out: Path, config: str | None, overrides: Sequence[str], *, on_step: OnStep | None = None
) -> Path:
    """As `train`, with settings by name.

    Args:
        data: a COCO folder, or its annotations file.
        out: the run's folder.
        config: a YAML file or the name of shipped settings; by default those of the task among the overrides.
        overrides: "a.b=c" each.
        on_step: for a progress bar.
    """
    # Here, for it brings the simulator along, which a machine that only trains need not have.
    from simgen.config import load_section

    if config is None:
        task = next((o.partition("=")[2] for o in overrides if o.startswith("task=")), "detect")
        config = _SHIPPED.get(task, "dice")
    return train(load_section(TrainConfig, config, overrides, folder="train"), data, out, on_step=on_step)


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


class _Fit(LightningModule):
    """The step: loss, clipping, optimizer, averaged weights. `average` is the model that counts."""

    def __init__(self, task: Task, module: nn.Module, config: TrainConfig) -> None:
        super().__init__()
        self.task, self.config = task, config
        self.memory = torch.channels_last if config.runtime.channels_last else torch.contiguous_format
        self.module = module.to(memory_format=self.memory)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.module).requires_grad_(False)
        self.latest: dict[str, float] = {}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        # Dropout draws from the global generator: without this a resumed run would differ.
        torch.manual_seed(self.config.seed * 2**32 + self.global_step)
        inputs = self.task.inputs(batch).contiguous(memory_format=self.memory)
        losses = self.task.losses(self.module(inputs), batch)
        total = torch.stack(list(losses.values())).sum()
        self.latest = {"loss": float(total.detach()), **{k: float(v.detach()) for k, v in losses.items()}}
        self._require_finite(self.latest["loss"], "loss")
        return total

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        norm = nn.utils.clip_grad_norm_(self.module.parameters(), self.config.optimizer.clip_norm)
        self._require_finite(float(norm), "gradient")

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        done = self.global_step
        update_average(self.average, self.module, min(self.config.optimizer.ema_decay, (1 + done) / (10 + done)))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(
            parameter_groups(self.module, self.config.optimizer.weight_decay), lr=self.config.optimizer.lr
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate(step, self.config.steps, self.config.optimizer)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _require_finite(self, value: float, what: str) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"step {self.global_step + 1}: the {what} is {value}, so training stopped and the last good checkpoint "
                f"was kept; try a lower optimizer.lr than {self.config.optimizer.lr:g} in a new folder"
            )


def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move weights and batch-norm statistics: a <- decay * a + (1 - decay) * m; counters are copied."""
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups: matrices and kernels with weight decay, biases and normalisation without."""
    weights = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def learning_rate(step: int, steps: int, config: OptimizerConfig) -> float:
    """Return the factor on the learning rate: linear from 1/warmup to 1, then a half cosine down to `final_lr`."""
    warmup = min(config.warmup_steps, steps // 2)
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return config.final_lr + (1 - config.final_lr) * (1 + math.cos(math.pi * progress)) / 2


class _Watch(Callback):
    """Writes the tables, reports progress, validates now and then."""

    def __init__(self, run: RunFolder, records: Sequence[ImageRecord], start: int, on_step: OnStep | None) -> None:
        self._records, self._on_step = records, on_step
        self._losses = Table(run.folder / "losses.csv", start)
        self._validations = Table(run.folder / "validation.csv", start)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        config, step = pl_module.config, trainer.global_step
        self._losses.add({"step": step, **{k: f"{v:.6g}" for k, v in pl_module.latest.items()}})
        if self._on_step:
            self._on_step(step, config.steps, pl_module.latest)
        if config.validation.every and step % config.validation.every == 0 and step < config.steps:
            self.note(step, pl_module.task.validate(pl_module.average, self._records))

    def note(self, step: int, result: Validation) -> None:
        """Write a validation down."""
        threshold = "" if result.threshold is None else f"{result.threshold:.4f}"
        metrics = {name: f"{value:.4f}" for name, value in result.metrics.items()}
        self._validations.add({"step": step, **metrics, "threshold": threshold})


class _Rest(Sampler[int]):
    """The items from the first that was not seen; its length is that of the whole run, as Lightning counts on."""

    def __init__(self, first: int, length: int) -> None:
        self._first, self._length = first, length

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._first, self._length))

    def __len__(self) -> int:
        return self._length


def _loader(task: Task, dataset: CocoDataset, config: TrainConfig, start: int) -> DataLoader[Any]:
    length = config.steps * config.batch_size
    return DataLoader(
        task.items(dataset, length),
        batch_size=config.batch_size,
        sampler=_Rest(start * config.batch_size, length),
        collate_fn=task.collate,
        num_workers=config.runtime.workers,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if config.runtime.workers else None,
    )


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _trainer(config: TrainConfig, run: RunFolder, watch: _Watch) -> Trainer:
    checkpoint = ModelCheckpoint(
        run.folder,
        filename=run.checkpoint.stem,
        every_n_train_steps=config.runtime.checkpoint_every,
        enable_version_counter=False,
    )
    try:
        with quiet():
            return Trainer(
                accelerator=config.runtime.accelerator,
                devices=1,
                precision=resolve_precision(config.runtime),
                max_steps=config.steps,
                max_epochs=-1,
                callbacks=[watch, checkpoint],
                default_root_dir=run.folder,
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
    except MisconfigurationException:
        raise ConfigError(f"runtime.accelerator: this machine has no {config.runtime.accelerator}") from None


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


def _fresh_module(task: Task, n_classes: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return build_model(task.architecture(), n_classes)
        except CheckpointError as problem:
            raise ConfigError(f"train: {problem}") from None


def _resume_step(checkpoint: Path) -> int:
    if not checkpoint.is_file():
        return 0
    content = load_plain(checkpoint)
    if not isinstance(content, dict) or not isinstance(content.get("global_step"), int):
        raise CheckpointError(f"{checkpoint}: expected the checkpoint of a training run, but it is another torch file")
    return int(content["global_step"])


def _model_file(task: Task, fit: _Fit, classes: Sequence[str], result: Validation) -> ModelFile:
    config = fit.config
    history = {"steps": config.steps, "seed": config.seed, "validation": result.metrics, "config": identifying(config)}
    return ModelFile(
        task=config.task,
        classes=list(classes),
        architecture=task.architecture(),
        preprocess=task.preprocess(),
        threshold=result.threshold,
        history=history,
        state_dict=fit.average.state_dict(),
    )
