"""The step of training as Lightning runs it, and what it is made of: averaged weights, the learning rate's course."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from simgen.adapters.averages import update_average
from simgen.adapters.lightning_lite import LightningModule
from simgen.adapters.methods import Method, Target
from simgen.adapters.settings import OptimizerConfig, TrainConfig
from simgen.adapters.target import Batch
from simgen.errors import TrainingError


class Fit(LightningModule):
    """One step: the method's losses, clipping, optimizer, averaged weights. `average` is the model that counts."""

    def __init__(self, method: Method, module: nn.Module, config: TrainConfig) -> None:
        super().__init__()
        self.method, self.config = method, config
        self.memory = torch.channels_last if config.runtime.channels_last else torch.contiguous_format
        self.module = module.to(memory_format=self.memory)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.module).requires_grad_(False)
        self.latest: dict[str, float] = {}

    @property
    def progress(self) -> float:
        """Share of the steps that are done."""
        return self.global_step / self.config.steps

    def training_step(self, batch: tuple[Batch, Target], batch_idx: int) -> Tensor:
        # Dropout draws from the global generator: without this a resumed run would differ.
        torch.manual_seed(self.config.seed * 2**32 + self.global_rank * 2**28 + self.global_step)
        losses = self.method.losses(self.module, *batch, self.progress)
        total = torch.stack(list(losses.values())).sum()
        self.latest = {"loss": float(total.detach()), **{k: float(v.detach()) for k, v in losses.items()}}
        # All processes look at the mean of their losses, so that they stop together.
        self._require_finite(float(self.trainer.strategy.reduce(total.detach(), reduce_op="mean")), "loss")
        return total

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        trained = [*self.module.parameters(), *self.method.parameters()]
        norm = nn.utils.clip_grad_norm_(trained, self.config.optimizer.clip_norm)
        self._require_finite(float(norm), "gradient")

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        done = self.global_step
        update_average(self.average, self.module, min(self.config.optimizer.ema_decay, (1 + done) / (10 + done)))
        self.method.after_step(self.module, self.progress)

    def configure_optimizers(self) -> Any:
        settings = self.config.optimizer
        groups = self.method.groups(self.module, settings.weight_decay)
        rated = [{**group, "lr": settings.lr * group.get("lr_factor", 1.0)} for group in groups]
        optimizer = torch.optim.AdamW(rated, lr=settings.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate(step, self.config.steps, self.config.optimizer)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _require_finite(self, value: float, what: str) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"step {self.global_step + 1}: the {what} is {value}, so training stopped {self._kept()}; "
                f"try a lower optimizer.lr than {self.config.optimizer.lr:g} in a new folder"
            )

    def _kept(self) -> str:
        """Return what there is of the run."""
        checkpoint: Any = self.trainer.checkpoint_callback
        if checkpoint.best_model_path:
            return "and the last good checkpoint was kept"
        return f"before its first checkpoint (runtime.checkpoint_every, {self.config.runtime.checkpoint_every} steps)"


def learning_rate(step: int, steps: int, config: OptimizerConfig) -> float:
    """Return the factor on the learning rate: linear from 1/warmup to 1, then a half cosine down to `final_lr`."""
    warmup = min(config.warmup_steps, steps // 2)
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return config.final_lr + (1 - config.final_lr) * (1 + math.cos(math.pi * progress)) / 2
