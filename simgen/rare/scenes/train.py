"""Trains a VAE of scenes. The same call goes on where an earlier one was stopped, and ends in the same weights.

Everything random in step k depends on (seed, k) alone; the checkpoint holds the nets, the optimizers and k.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass
from torch import Tensor, nn

from simgen.errors import CheckpointError, ConfigError, TrainingError
from simgen.rare.runfolder import claim
from simgen.rare.scenes.batch import SceneBatch, Shape
from simgen.rare.scenes.critic import Critic, critic_loss, drawn
from simgen.rare.scenes.encode import SceneCodec
from simgen.rare.scenes.model import SceneModel, load_model, save_model
from simgen.rare.scenes.vae import SceneVae, VaeConfig
from simgen.rng import stream
from simgen.scene import STRICT, Amount
from simgen.torchfile import read_plain, write_plain

Count = Annotated[int, Field(ge=1)]
OnStep = Callable[[int, int, dict[str, float]], None]
_FORMAT = "simgen-scene-run/1"
_SILENT_NATS = 0.1


@config_dataclass(frozen=True, config=STRICT)
class SceneTrainConfig:
    """Settings of a training.

    Attributes:
        vae: the net.
        steps: of the optimizer.
        batch: scenes a step.
        lr: of AdamW, after a short warm-up, with cosine decay.
        rare_share: at least this share of a step's scenes are ones that a predicate holds for, if there are any.
        critic: weight of the critic; 0 trains none.
        seed: of weights, order and noise.
        checkpoint_every: steps.
    """

    vae: VaeConfig = VaeConfig()
    steps: Count = 2000
    batch: Count = 32
    lr: Annotated[float, Field(gt=0, le=1)] = 2e-3
    rare_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    critic: Amount = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    checkpoint_every: Count = 200


@dataclass(frozen=True, eq=False)
class SceneData:
    """What a net learns from.

    Attributes:
        codec: of the scenes.
        scenes: encoded; the first `predicates` numbers of a condition are 0 or 1.
        drawn: (B,) bool; see `SceneModel`.
        conditions: their names.
        predicates: how many of them are predicates.
    """

    codec: SceneCodec
    scenes: SceneBatch
    drawn: Tensor
    conditions: tuple[str, ...]
    predicates: int


def train_scenes(
    data: SceneData,
    config: SceneTrainConfig,
    out: Path,
    on_step: OnStep | None = None,
    *,
    start: SceneModel | None = None,
) -> SceneModel:
    """Train a net, or go on with a training that was interrupted.

    Args:
        data: at least 8 scenes.
        config: settings.
        out: the folder of the run: last.ckpt, and model.pt when it is done; made where it does not exist.
        on_step: called with the step, their number, and the parts of the loss.
        start: a model of the same codec and net to go on from; its size is taken, not that of `config`.

    Returns:
        The model; at once if the run was finished already. Its `note` says so if the loss became no number, or the
        latents fell silent: then it is the last good state that a checkpoint kept.

    Raises:
        ConfigError: too few scenes.
        OutputError: `out` holds the run of other data or settings, or other files.
        CheckpointError: a damaged checkpoint.
        TrainingError: it went wrong before anything was kept.
    """
    if len(data.scenes.scene) < 8:
        raise ConfigError(f"scene vae: expected at least 8 scenes to learn from, got {len(data.scenes.scene)}")
    if start is not None:
        config = replace(config, vae=start.vae.config)
    claim(out, _identity(data, config, start))
    if (out / "model.pt").is_file():
        return load_model(out / "model.pt")
    run = _Run(data, config, out / "last.ckpt", start)
    note = run.fit(on_step)
    model = SceneModel(data.codec, run.vae.eval(), data.scenes, data.drawn, data.conditions, data.predicates, note)
    save_model(out / "model.pt", model)
    return model


class _Run:
    """The nets, their optimizers and the step."""

    def __init__(self, data: SceneData, config: SceneTrainConfig, checkpoint: Path, start: SceneModel | None) -> None:
        self.data, self.config, self.checkpoint = data, config, checkpoint
        shape = Shape.of(data.codec, len(data.conditions))
        with torch.random.fork_rng([]):
            torch.manual_seed(config.seed)
            self.vae = SceneVae(shape, config.vae)
            self.critic = Critic(shape, config.vae.hidden) if config.critic else None
        if start is not None:
            self.vae.load_state_dict(start.vae.state_dict())
        self.parts: dict[str, Any] = {"vae": self.vae, "optimizer": torch.optim.AdamW(self.vae.parameters(), config.lr)}
        if self.critic is not None:
            betas = (0.5, 0.9)
            self.parts |= {
                "critic": self.critic,
                "critic_optimizer": torch.optim.Adam(self.critic.parameters(), config.lr, betas),
            }
        self.step = 0
        self.rare = torch.nonzero((data.scenes.condition[:, : data.predicates] > 0.5).any(1))[:, 0]
        if checkpoint.is_file():
            self._restore()

    def fit(self, on_step: OnStep | None) -> str:
        """Run the steps that are left; return why they ended early, or nothing."""
        self._save()
        while self.step < self.config.steps:
            losses = self._step()
            why = self._trouble(losses)
            if why:
                stopped = self.step
                self._restore()
                if not self.step:
                    raise TrainingError(
                        f"{self.checkpoint.parent}: in step {stopped + 1} {why}, and nothing was kept; lower lr"
                    )
                return f"stopped in step {stopped + 1} because {why}; kept the state after step {self.step}"
            self.step += 1
            if on_step is not None:
                on_step(self.step, self.config.steps, losses)
            if self.step % self.config.checkpoint_every == 0:
                self._save()
        return ""

    def _step(self) -> dict[str, float]:
        rng = stream(self.config.seed, self.step, "scene vae")
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        batch = self.data.scenes.rows(self._chosen(rng))
        done = self.step / self.config.steps
        beta = self.config.vae.beta * min(1.0, done / max(self.config.vae.warmup, 1e-9))
        self.vae.train()
        losses = self.vae.loss(batch, beta, generator)
        total = losses["loss"]
        if self.critic is not None:
            fake = drawn(self.vae, batch, generator)
            losses["critic"] = self._teach(batch, fake)
            total = total - self.config.critic * self.critic(fake).mean()
        rate = min(1.0, (self.step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * done))
        _optimise(self.parts["optimizer"], total, list(self.vae.parameters()), self.config.lr * max(rate, 0.01))
        return {name: float(value.detach()) for name, value in losses.items()}

    def _teach(self, real: SceneBatch, fake: SceneBatch) -> Tensor:
        assert self.critic is not None
        still = SceneBatch(**{**vars(fake), "scene": fake.scene.detach(), "items": fake.items.detach()})
        loss = critic_loss(self.critic, real, still)
        _optimise(self.parts["critic_optimizer"], loss, list(self.critic.parameters()), self.config.lr)
        return loss

    def _chosen(self, rng: np.random.Generator) -> Tensor:
        """Return the numbers of a step's scenes: a share of rare ones, the rest from all."""
        count, size = len(self.data.scenes.scene), min(self.config.batch, len(self.data.scenes.scene))
        rare = round(self.config.rare_share * size) if len(self.rare) else 0
        among = self.rare.numpy()[rng.integers(max(len(self.rare), 1), size=rare)] if rare else np.zeros(0, np.int64)
        return torch.from_numpy(np.concatenate([among, rng.choice(count, size - rare, replace=False)]))

    def _trouble(self, losses: dict[str, float]) -> str:
        if not all(map(math.isfinite, losses.values())):
            return "the loss became no number"
        if not all(bool(torch.isfinite(p).all()) for p in self.vae.parameters()):
            return "a weight became no number"
        warm = self.step >= max(self.config.vae.warmup, 0.3) * self.config.steps
        if warm and losses["kl"] + losses["kl_items"] < _SILENT_NATS:
            return f"the latents said less than {_SILENT_NATS} nats of a scene (posterior collapse; lower vae.beta)"
        return ""

    def _save(self) -> None:
        states = {name: part.state_dict() for name, part in self.parts.items()}
        write_plain(self.checkpoint, {"step": self.step, **states})

    def _restore(self) -> None:
        try:
            content = read_plain(self.checkpoint)
        except CheckpointError as error:
            raise CheckpointError(f"{error}; delete it to begin anew") from None
        try:
            for name, part in self.parts.items():
                part.load_state_dict(content[name])
            self.step = int(content["step"])
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise CheckpointError(
                f"{self.checkpoint}: is damaged as a checkpoint of scenes; delete it to begin anew"
            ) from None


def _optimise(optimizer: torch.optim.Optimizer, loss: Tensor, weights: list[nn.Parameter], rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(weights, 5.0)
    optimizer.step()


def _identity(data: SceneData, config: SceneTrainConfig, start: SceneModel | None) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(data.codec.plain(), sort_keys=True).encode())
    weights = [] if start is None else list(start.vae.state_dict().values())
    for tensor in (*vars(data.scenes).values(), data.drawn, *weights):
        digest.update(tensor.contiguous().numpy().tobytes())
    content = asdict(config)
    del content["checkpoint_every"]
    return {"format": _FORMAT, "conditions": list(data.conditions), "data": digest.hexdigest(), "config": content}
