"""Training a crop generator: crops in, a model file out.

The run's folder:

- run.json: the configuration and the fingerprint of the crops; another run never writes here
- last.ckpt: everything needed to go on, written after each epoch
- good.pt: the generator of the last epoch that was found sound
- epochs.csv: losses and figures of each epoch
- sheets/epoch-0001.png: crops drawn after each epoch, a row a class, the same latents each time
- model.pt: the result; its existence means that the run is finished

The same call goes on after the last whole epoch and ends in the same weights: every random number depends on the
seed and the step alone.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

from simgen.errors import CheckpointError, DataError, TrainingError
from simgen.rare.density import NEIGHBOURS
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.descriptor import Features, describe
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.pixels.law import MOST, LatentLaw
from simgen.rare.pixels.quality import density_coverage, kid
from simgen.rare.pixels.settings import PixelTraining
from simgen.rare.pixels.sheet import sheet, write_png
from simgen.rare.pixels.steps import Trainer
from simgen.rare.pixels.vae import TensorFeatures
from simgen.rare.runfolder import claim, table
from simgen.rng import stream
from simgen.runfile import write_text
from simgen.torchfile import read_plain, write_plain

FORMAT = "simgen-crops-run/2"
FEWEST = 4
"""Fewer crops than this teach nothing; simulate instead."""
_SHOWN = 10
_LEAST_COVERAGE = 0.05
"""A run that never had more has learned nothing of use."""
OnEpoch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """How a run ended.

    Attributes:
        model: the generator's file.
        epoch: whose generator that is.
        stopped: why the run ended early, one sentence; "" where it did not.
    """

    model: Path
    epoch: int
    stopped: str = ""


def train_crops(
    config: PixelTraining,
    crops: Crops,
    out: Path,
    *,
    perceptual: TensorFeatures | None = None,
    features: Features = describe,
    judge: str = "",
    on_epoch: OnEpoch | None = None,
) -> Trained:
    """Train a generator, or go on with a run that was interrupted.

    Args:
        config: everything that can be set.
        crops: what it learns from.
        out: the run's folder.
        perceptual: differentiable features for the perceptual term; without them there is none.
        features: what coverage and KID are measured on after each epoch.
        judge: what tells `perceptual` and `features` from others, e.g. a digest of their model's file: a run does not
            go on with others.
        on_epoch: called with the number of epochs done and the last one's figures.

    Returns:
        The model file; at once if the run was finished already. A run whose loss becomes no number, or whose samples
        collapse (their coverage, Naeem et al. 2020, falls far below its best), ends early with the last good epoch.

    Raises:
        DataError: fewer than `FEWEST` crops.
        OutputError: the folder holds something else.
        CheckpointError: its checkpoint is damaged.
        TrainingError: the loss was no number before any epoch was good.
    """
    if len(crops) < FEWEST:
        raise DataError(
            f"crop generator: expected at least {FEWEST} crops to learn from, got {len(crops)}; simulate these instead"
        )
    if config.threads:
        torch.set_num_threads(config.threads)
    claim(out, {"format": FORMAT, "config": _identifying(config), "crops": fingerprint(crops), "backbone": judge})
    result = out / "result.json"
    if (out / "model.pt").is_file() and result.is_file():
        return Trained(out / "model.pt", **json.loads(result.read_text("utf-8")))
    run = _Run(config, crops, out, features, perceptual)
    trained = run.go(on_epoch)
    write_text(result, json.dumps({"epoch": trained.epoch, "stopped": trained.stopped}, sort_keys=True))
    write_plain(trained.model, read_plain(out / "good.pt"))
    return trained


def fingerprint(crops: Crops) -> str:
    """Return the sha256 of the crops' pixels, labels and attributes."""
    digest = hashlib.sha256(json.dumps([crops.classes, crops.names]).encode())
    for part in (crops.rgba, crops.labels, crops.attributes, crops.side_px, crops.side_m):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Standing:
    """Where a run stands: epochs done, the last good one, the best coverage, bad checks in a row, figures so far."""

    epoch: int = 0
    good: int = 0
    best: float = 0.0
    bad: int = 0
    rows: tuple[dict[str, float], ...] = ()


class _Run:
    def __init__(
        self,
        config: PixelTraining,
        crops: Crops,
        out: Path,
        features: Features,
        perceptual: TensorFeatures | None,
    ) -> None:
        self.config, self.crops, self.out, self.features = config, crops, out, features
        self.trainer = Trainer(config, crops, perceptual)
        self.standing = self._resume()
        self.steps = max(config.least_steps, -(-len(crops) // config.batch_size))
        counts = np.bincount(crops.labels, minlength=len(crops.classes)).astype(float)
        weights = counts[crops.labels] ** -config.balance
        self.weights = weights / weights.sum()
        some = stream(config.seed, 0, "crops.check").permutation(len(crops))
        self.checked = np.sort(some[: config.collapse.crops])
        self.real = features(crops.rgba[self.checked])
        self.fitted = np.sort(np.concatenate([some[crops.labels[some] == k][:MOST] for k in range(len(counts))]))

    def go(self, on_epoch: OnEpoch | None) -> Trained:
        """Train the epochs that are left."""
        stopped = self._why_to_stop()
        while not stopped and self.standing.epoch < self.config.epochs:
            losses = self._epoch(self.standing.epoch)
            if losses is None:
                stopped = f"the loss became no number in epoch {self.standing.epoch + 1}"
                break
            try:
                self._close(losses)
            except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
                stopped = f"the latents of epoch {self.standing.epoch + 1} have no covariance: they went out of bounds"
                break
            if on_epoch is not None:
                on_epoch(self.standing.epoch, self.standing.rows[-1])
            stopped = self._why_to_stop()
        if not stopped and self.standing.best < _LEAST_COVERAGE:
            stopped = (
                f"hardly anything was learned: the samples' coverage never rose above {self.standing.best:.3f}; lower "
                "the rates, or train longer"
            )
        if not self.standing.good:
            reason = stopped or "no epoch was sound"
            raise TrainingError(f"{self.out}: {reason} before any generator was good; lower the rates")
        if stopped:
            stopped = f"{stopped}; kept the generator of epoch {self.standing.good}"
        return Trained(self.out / "model.pt", self.standing.good, stopped)

    def _epoch(self, epoch: int) -> dict[str, float] | None:
        """Take an epoch's steps; return the mean losses, None where one was no number."""
        size = self.config.batch_size
        draw = stream(self.config.seed, epoch, "crops.epoch")
        order = draw.choice(len(self.crops), (self.steps, size), p=self.weights)
        sums: dict[str, list[float]] = {}
        for k, rows in enumerate(order):
            step = epoch * self.steps + k
            noise = _noise(stream(self.config.seed, step, "crops.step"))
            losses = self.trainer.step(self.trainer.batch(rows, noise), noise, step, epoch + k / self.steps)
            if not all(np.isfinite(value) for value in losses.values()):
                return None
            for name, value in losses.items():
                sums.setdefault(name, []).append(value)
        return {name: float(np.mean(values)) for name, values in sums.items()}

    def _close(self, losses: dict[str, float]) -> None:
        """Check an epoch's generator, draw its sheet, and write down everything needed to go on."""
        config, before = self.config, self.standing
        epoch = before.epoch + 1
        generator = self._generator(self.trainer.fit_latents(self.fitted))
        figures = self._figures(generator)
        self._sheet(generator, epoch)
        sound = np.isfinite(figures["kid"]) and figures["coverage"] >= config.collapse.coverage * before.best
        if sound:
            generator.save(self.out / "good.pt")
        self.standing = replace(
            before,
            epoch=epoch,
            good=epoch if sound else before.good,
            best=max(before.best, figures["coverage"]),
            bad=0 if sound else before.bad + 1,
            rows=(*before.rows, {"epoch": float(epoch), **losses, **figures}),
        )
        write_plain(self.out / "last.ckpt", {"standing": asdict(self.standing), "trainer": self.trainer.state()})
        write_text(self.out / "epochs.csv", table(self.standing.rows))

    def _why_to_stop(self) -> str:
        standing = self.standing
        if standing.bad < self.config.collapse.patience:
            return ""
        return (
            f"the samples collapsed: their coverage was {standing.rows[-1]['coverage']:.3f} after epoch "
            f"{standing.epoch} and had been {standing.best:.3f}"
        )

    def _figures(self, generator: CropGenerator) -> dict[str, float]:
        """Return coverage, density and KID of samples under the conditions of the crops that are checked."""
        rng = stream(self.config.seed, 1, "crops.check")
        rows = self.checked
        labels = self.crops.labels[rows]
        made = generator.decode(generator.draw_latents(labels, rng), labels, self.crops.attributes[rows])
        ours = self.features(made)
        if not np.isfinite(ours).all():
            return {"coverage": 0.0, "density": 0.0, "kid": float("inf")}
        density, coverage = density_coverage(self.real, ours, min(NEIGHBOURS, len(rows) - 1))
        return {"coverage": coverage, "density": density, "kid": kid(self.real, ours)}

    def _sheet(self, generator: CropGenerator, epoch: int) -> None:
        rows = [
            generator.sample(Wish(name), _SHOWN, stream(self.config.seed, k, "crops.sheet"))[0].rgba
            for k, name in enumerate(self.crops.classes)
            if (self.crops.labels == k).any()
        ]
        (self.out / "sheets").mkdir(exist_ok=True)
        write_png(self.out / "sheets" / f"epoch-{epoch:04d}.png", sheet(rows))

    def _generator(self, law: LatentLaw) -> CropGenerator:
        trainer = self.trainer
        size = self.crops.rgba.shape[1]
        return CropGenerator(trainer.average, law, trainer.conditions, self.config.network, size, self.config.kind)

    def _resume(self) -> _Standing:
        path = self.out / "last.ckpt"
        if not path.is_file():
            return _Standing()
        try:
            content = read_plain(path)
        except CheckpointError as error:
            kept = self.out / "good.pt"
            hint = f"; {kept} is the generator of its last sound epoch, and can be used" if kept.is_file() else ""
            raise CheckpointError(f"{error}{hint}") from None
        try:
            self.trainer.restore(content["trainer"])
            standing = _Standing(**{**content["standing"], "rows": tuple(content["standing"]["rows"])})
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise CheckpointError(f"{path}: expected the checkpoint of this run, but its parts do not fit") from None
        return standing


def _noise(rng: Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def _identifying(config: PixelTraining) -> dict[str, Any]:
    content = asdict(config)
    del content["threads"]
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain
