"""Everything that can be set in a training run: frozen dataclasses that are their own configuration files."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from simgen.adapters.augment import STILL, AugmentConfig
from simgen.adapters.crops import CropView

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class BoxHabit:
    """How people would have labelled what the simulator knows exactly; applied to training boxes only.

    Attributes:
        square: the side is the longer of width and height.
        slack: the sides are this much longer, about the same centre.
        from_masks: recompute tight boxes from masks after a rotation (slower); otherwise a rotated box is that of
            the ellipse it holds, which for a square box is a box of the same centre and side.
        min_visible: objects less visible than this would not have been labelled: nothing is learnt from them, neither
            that they are there nor that they are not.
    """

    square: bool = False
    slack: float = Field(default=1.0, gt=0.1, le=5.0)
    from_masks: bool = False
    min_visible: float = Field(default=0.3, ge=0, le=1)


@dataclass(frozen=True, config=_STRICT)
class CropConfig:
    """How the training crops of a detector or a segmenter are cut.

    Attributes:
        crop_size: side in pixels, a multiple of 16.
        scale: range of the factor that pictures are resized by (log-uniform); simulated pictures may be larger
            than the real ones.
        background: share of crops at a random place instead of at a random object.
        keep_fraction: an object of which less than this lies in the crop (of its box; for a segmenter, of its visible
            pixels) is ignored: no loss falls there.
        min_side: objects with a shorter side (pixels of the crop) are ignored.
        cache_mb: memory for encoded images, in each loader process.
    """

    crop_size: int = Field(default=224, ge=32, multiple_of=16)
    scale: tuple[float, float] = (0.6, 1.2)
    background: float = Field(default=0.1, ge=0, le=1)
    keep_fraction: float = Field(default=0.4, ge=0, le=1)
    min_side: float = Field(default=6.0, ge=1)
    cache_mb: int = Field(default=512, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> "CropConfig":
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be [low, high] with 0 < low <= high, but got {list(self.scale)}")
        return self


@dataclass(frozen=True, config=_STRICT)
class TargetConfig:
    """How photographs are shown to a method: unlabelled ones to adapt to, and those that people labelled.

    Attributes:
        part: all, first:N or last:N images by file name.
        batch_size: pictures a step; 0 = the method's own share of the source's.
        scale: as `crop.scale`, of photographs (not in classification): they show objects at their own size.
        box: habits of the boxes around their objects, where they are given: none, for people drew them.
    """

    part: str = "all"
    batch_size: int = Field(default=0, ge=0)
    scale: tuple[float, float] = (0.8, 1.25)
    box: BoxHabit = Field(default_factory=BoxHabit)

    @model_validator(mode="after")
    def _ordered(self) -> "TargetConfig":
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be [low, high] with 0 < low <= high, but got {list(self.scale)}")
        return self


@dataclass(frozen=True, config=_STRICT)
class KeypointConfig:
    """How a flat object's training crops are cut, and how its points are looked for.

    Attributes:
        crop_size: side in pixels, a multiple of 32; also of what is looked at when predicting.
        fill: range of the object's larger extent over the side of a close-up (log-uniform).
        shift: a close-up's middle lies up to this share of its side from the object's, along x and y each.
        turn_deg: in close-ups the object's y axis lies within this angle of the crop's, one way up or the other.
        overviews: share of crops under any turn at a random place, from which the mask alone is learnt.
        overview_fill: as `fill`, for those.
        overview_px: the longer side of the whole picture, shrunk, in which the object is looked for first.
        window: points are moved to the saddle of grey values within this share of the distance to their
            neighbours; 0 for points that are no crossings of edges.
    """

    crop_size: int = Field(default=192, ge=64, multiple_of=32)
    fill: tuple[float, float] = (0.45, 1.0)
    shift: float = Field(default=0.15, ge=0, le=1)
    turn_deg: float = Field(default=45.0, ge=0, le=80)
    overviews: float = Field(default=0.3, ge=0, le=1)
    overview_fill: tuple[float, float] = (0.22, 1.1)
    overview_px: int = Field(default=320, ge=64, le=4096)
    window: float = Field(default=0.2, ge=0, le=0.5)

    @model_validator(mode="after")
    def _ordered(self) -> "KeypointConfig":
        for name in ("fill", "overview_fill"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} must be [low, high] with 0 < low <= high, but got {[low, high]}")
        return self


@dataclass(frozen=True, config=_STRICT)
class VectorConfig:
    """How vectors are augmented.

    Attributes:
        noise: Gaussian noise, its deviation a share of each dimension's own over the set.
        drop: probability of each number to be replaced by its dimension's mean.
    """

    noise: float = Field(default=0.1, ge=0, le=5)
    drop: float = Field(default=0.1, ge=0, lt=1)


@dataclass(frozen=True, config=_STRICT)
class OptimizerConfig:
    """AdamW with warm-up and cosine decay, and an exponential moving average of the weights.

    Attributes:
        lr: the highest learning rate.
        weight_decay: decoupled; none on biases and normalisation.
        warmup_steps: linear, from 0.
        final_lr: share of `lr` at the last step.
        clip_norm: the gradient's norm is held to this.
        ema_decay: of the averaged weights, which are the ones that are kept; shorter at the start of the run.
    """

    lr: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warmup_steps: int = Field(default=100, ge=0)
    final_lr: float = Field(default=0.01, ge=0, le=1)
    clip_norm: float = Field(default=5.0, gt=0)
    ema_decay: float = Field(default=0.998, ge=0, lt=1)


@dataclass(frozen=True, config=_STRICT)
class ValidationConfig:
    """The held-out part of the training (synthetic) set.

    Attributes:
        fraction: share of the set, spread evenly over the sample indices.
        images: at most this many of them are looked at.
        every: validate every so many steps, and at the end; 0 = at the end only.
    """

    fraction: float = Field(default=0.1, gt=0, lt=1)
    images: int = Field(default=48, ge=1)
    every: int = Field(default=0, ge=0)


@dataclass(frozen=True, config=_STRICT)
class SelectionConfig:
    """Which checkpoint of a run becomes the model; no kind sees a label of the target.

    Attributes:
        kind: last, the default; or the best snapshot by information (maximisation), entropy or density (soft
            neighbourhood density, for study) on the target's pictures, among those that pass the guard.
        guard: which accuracy on held-out source the guard looks at: "source", the snapshot's own; "reverse", that of a
            classifier that learnt from the snapshot's labelling of the target, in the features of the model that the
            run went on from (--init), which does not mind that the source is forgotten; "auto", reverse for methods
            that never see the source, else source.
        snapshots: how many, spread evenly over the steps.
        slack: how much less than the best of those accuracies passes.
    """

    kind: Literal["last", "information", "entropy", "density"] = "last"
    guard: Literal["auto", "source", "reverse"] = "auto"
    snapshots: int = Field(default=10, ge=2)
    slack: float = Field(default=0.02, ge=0, le=1)


@dataclass(frozen=True, config=_STRICT)
class StopConfig:
    """When a run ends before its last step; the held-out part of the labelled set decides.

    With patience, the model is the averaged weights of the best validation, whether the run stops early or not.

    Attributes:
        patience: validations in a row that may be no better than the best before; 0 = the run takes all its steps, and
            the last weights count.
        min_delta: better is more than this above the best, in the task's first figure (accuracy, mAP50, mIoU, PCK).
    """

    patience: int = Field(default=0, ge=0)
    min_delta: float = Field(default=0.0, ge=0)


@dataclass(frozen=True, config=_STRICT)
class RuntimeConfig:
    """What should change the duration of a run, not its result (precision does, in the last digits).

    Attributes:
        accelerator: as Lightning knows it.
        devices: how many share each batch, each in a process of its own (Lightning's DDP); batch normalisation and
            what methods compare across domains then see the share of one device.
        tensorboard: write losses and validations for TensorBoard, too, in the run's folder `tensorboard`.
        precision: 32-true, bf16-mixed, or auto: bf16-mixed where the processor multiplies bf16 (on an AMD EPYC with
            avx512_bf16 a step of eight 224-pixel crops takes 0.38 s instead of 0.67 s on one thread), else 32-true.
        channels_last: memory layout of the convolutions.
        threads: of torch; 0 = leave as it is.
        workers: loader processes; 0 = load between steps.
        checkpoint_every: steps between two checkpoints.
    """

    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    devices: int = Field(default=1, ge=1)
    tensorboard: bool = False
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    channels_last: bool = True
    threads: int = Field(default=0, ge=0)
    workers: int = Field(default=1, ge=0)
    checkpoint_every: int = Field(default=200, ge=1)


OTHER_SEEDS = 2**31
"""Between the seeds of the labelled set and of any other, lest item k of both is cut and changed alike."""

_FITTING = {
    "center_detector": ("detect", "dice"),
    "crop_classifier": ("classify", "digits"),
    "plane_net": ("keypoints", "charuco"),
    "segmenter": ("segment", "dice-segment"),
    "vector_classifier": ("features", "features"),
}
"""What task a kind of model is for, and the shipped settings of that task."""


@dataclass(frozen=True, config=_STRICT)
class TrainConfig:
    """One training run.

    Attributes:
        task: name in TASKS.
        method: {"kind": name in METHODS, ...arguments}.
        model: {"kind": name in MODELS, ...arguments}; empty = the task's default.
        part: which images of the labelled set: all, first:N or last:N by file name.
        steps: optimizer steps.
        batch_size: crops a step.
        seed: of weights, data order and augmentation.
        optimizer: see OptimizerConfig.
        crop: of the tasks detect and segment.
        view: of the task classify.
        keypoints: of the task keypoints.
        vectors: of the task features.
        box: habits of the labels.
        augment: strengths of the augmentation.
        validation: see ValidationConfig.
        target: see TargetConfig.
        selection: see SelectionConfig.
        stop: see StopConfig.
        runtime: see RuntimeConfig.
    """

    task: Literal["detect", "segment", "classify", "keypoints", "features"] = "detect"
    method: dict[str, Any] = Field(default_factory=lambda: {"kind": "source_only"})
    model: dict[str, Any] = Field(default_factory=dict)
    part: str = "all"
    steps: int = Field(default=3000, ge=1)
    batch_size: int = Field(default=8, ge=2)
    seed: int = Field(default=0, ge=0)
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig)
    crop: CropConfig = Field(default_factory=CropConfig)
    view: CropView = Field(default_factory=CropView)
    keypoints: KeypointConfig = Field(default_factory=KeypointConfig)
    vectors: VectorConfig = Field(default_factory=VectorConfig)
    box: BoxHabit = Field(default_factory=BoxHabit)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    validation: ValidationConfig = Field(default_factory=ValidationConfig)
    target: TargetConfig = Field(default_factory=TargetConfig)
    selection: SelectionConfig = Field(default_factory=SelectionConfig)
    stop: StopConfig = Field(default_factory=StopConfig)
    runtime: RuntimeConfig = Field(default_factory=RuntimeConfig)

    @model_validator(mode="after")
    def _that_can_stop(self) -> "TrainConfig":
        if self.stop.patience and not self.validation.every:
            raise ValueError("stop.patience: expected validations to count (validation.every > 0), got none")
        if self.stop.patience and self.selection.kind != "last":
            kind = self.selection.kind
            raise ValueError(f"stop.patience: takes the best validation, selection.kind {kind} other weights: set one")
        return self

    @model_validator(mode="after")
    def _that_devices_share(self) -> "TrainConfig":
        devices = self.runtime.devices
        for name, size in (("batch_size", self.batch_size), ("target.batch_size", self.target.batch_size)):
            if size % devices:
                raise ValueError(f"{name}: expected a multiple of runtime.devices, which is {devices}, got {size}")
        if self.batch_size // devices < 2:
            raise ValueError(
                f"batch_size: expected 2 crops or more for each of {devices} devices, got {self.batch_size}"
            )
        return self

    @model_validator(mode="after")
    def _of_one_task(self) -> "TrainConfig":
        kind = self.model.get("kind")
        meant, _ = _FITTING.get(str(kind), (self.task, ""))
        if meant != self.task:
            settings = next(name for task, name in _FITTING.values() if task == self.task)
            raise ValueError(
                f'task: expected {meant}, which the model "{kind}" of these settings is for, got {self.task}; '
                f'the shipped settings for {self.task} are "{settings}"'
            )
        return self


def share_of_device(config: TrainConfig) -> TrainConfig:
    """Return the settings that the batches of one device are made with; there are `devices` of them a step."""
    devices = config.runtime.devices
    target = replace(config.target, batch_size=config.target.batch_size // devices)
    alone = replace(config.runtime, devices=1)
    batch_size, steps = config.batch_size // devices, config.steps * devices
    return replace(config, batch_size=batch_size, steps=steps, target=target, runtime=alone)


def photograph_config(config: TrainConfig) -> TrainConfig:
    """Return the settings that crops of photographs are cut with, in place of those for simulated pictures."""
    return replace(config, box=config.target.box, crop=replace(config.crop, scale=config.target.scale))


def as_seen(config: TrainConfig) -> TrainConfig:
    """Return the settings that crops are cut with as evaluation sees them: nothing in them is augmented."""
    return replace(config, augment=STILL, vectors=VectorConfig(noise=0.0, drop=0.0))


def target_config(config: TrainConfig) -> TrainConfig:
    """Return the settings that crops of target images are cut with."""
    return replace(photograph_config(config), seed=config.seed + OTHER_SEEDS)
