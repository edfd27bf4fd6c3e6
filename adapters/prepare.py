"""What a training run is made of, before its first step: task, model, method, and the pictures to adapt to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from simgen.adapters.batches import Batches, Items, Mixed
from simgen.adapters.checkpoint import ModelFile, load_model
from simgen.adapters.crops import CropView
from simgen.adapters.fit import Fit
from simgen.adapters.kinds import build_kind
from simgen.adapters.methods import METHODS, Method, Setup
from simgen.adapters.models import build_model, resolved
from simgen.adapters.parts import part_of
from simgen.adapters.runs import file_sha256, fingerprint, identifying
from simgen.adapters.selection import guard_of
from simgen.adapters.settings import OTHER_SEEDS, TrainConfig, photograph_config, share_of_device
from simgen.adapters.target import Unlabelled
from simgen.adapters.tasks import MAPPED, TASKS, Task
from simgen.adapters.tasks.scores import Validation
from simgen.adapters.vectors import require_pictures, rows_of
from simgen.errors import CheckpointError, ConfigError, DataError
from simgen.formats.imageset import ImageSet


@dataclass(frozen=True, eq=False)
class Prepared:
    """A run that is ready to start.

    Attributes:
        config: its settings, with the steps that its method takes.
        task: what is learnt.
        fit: the step, with the method and the model.
        target: the pictures to adapt to, or None.
        simulated: the second labelled set, of simulated pictures, or None.
        architecture: of the model.
        identity: fingerprints of the data, and of the model file that it starts from.
    """

    config: TrainConfig
    task: Task
    fit: Fit
    target: Unlabelled | None
    simulated: ImageSet | None
    architecture: dict[str, Any]
    identity: dict[str, str]

    def batches(self, source: ImageSet) -> Batches:
        """Return the batches of the run, `source` being the part of the labelled set that is learnt from.

        Each is that of one device: of D devices, batches D j to D j + D - 1 belong to step j.
        """
        method, config = self.fit.method, share_of_device(self.config)
        items = self._items(source, config) if method.uses_source else None
        return Batches(self.task, config.batch_size, items, self.target, _n_target(method, config))

    def _items(self, source: ImageSet, config: TrainConfig) -> Items:
        length, share = config.steps * config.batch_size, n_simulated(self.fit.method, config)
        if self.simulated is None or not share:
            return self.task.items(source, length)
        real = self.task.items(source, config.steps * (config.batch_size - share))
        # Another order than that of the photographs, lest item k of both is cut and changed alike.
        second = TASKS[config.task](self.simulated.classes, replace(config, seed=config.seed + OTHER_SEEDS))
        return Mixed(real, second.items(self.simulated, config.steps * share), config.batch_size, share)

    def model_file(self, classes: Sequence[str], result: Validation, notes: Mapping[str, Any]) -> ModelFile:
        """Return the finished model; `notes`: what its history tells of how it was chosen, plain data."""
        config = self.config
        history: dict[str, Any] = {
            "steps": config.steps,
            "seed": config.seed,
            "method": config.method["kind"],
            "validation": result.metrics,
            "config": identifying(config),
            "data": self.identity,
            **notes,
        }
        return ModelFile(
            task=config.task,
            classes=list(classes),
            architecture=self.architecture,
            preprocess=self.task.preprocess(),
            threshold=result.threshold,
            history=history,
            state_dict=self.fit.average.state_dict(),
        )


@dataclass(frozen=True, eq=False)
class Sets:
    """What a run learns from.

    Attributes:
        source: the labelled set.
        target: pictures to adapt to.
        simulated: a second labelled set, of simulated pictures, for methods that mix them into photographs.
    """

    source: ImageSet
    target: ImageSet | None = None
    simulated: ImageSet | None = None


def prepare(config: TrainConfig, sets: Sets, init: Path | None) -> Prepared:
    """Build a run.

    Args:
        config: its settings.
        sets: what it learns from.
        init: a model file to go on from.

    Raises:
        ConfigError: a method that lacks its target or its model file, is unknown, or not defined for the task.
        DataError: an empty target, or vectors of other lengths than the model takes.
        CheckpointError: a model file of another task or other classes.
    """
    _require_defined(config)
    _require_turned(config)
    source, target, simulated = sets.source, sets.target, sets.simulated
    task = task_of(config, source)
    started = None if init is None else _fitting(load_model(init), init, config, source)
    architecture = task.architecture(source) if started is None else dict(started.architecture)
    for data in (source, target, simulated):
        if data is not None:
            _require_kind(data, architecture)
    fresh = partial(build_model, architecture, len(source.classes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        try:
            module: Any = fresh()
            if started is not None:
                module.load_state_dict(started.state_dict)
            pictures = None if target is None else _pictures(task, part_of(target, config.target.part))
            rounds = 0 if pictures is None else pictures.rounds
            setup = Setup(task, module.n_features, len(source.classes), rounds, fresh)
            method = build_kind(METHODS, config.method, "method", setup=setup)
        except CheckpointError as problem:
            raise ConfigError(f"train: {problem}") from None
    _require(method, config, target, init)
    _require_mix(method, config, sets)
    config = replace(config, steps=method.steps(config.steps, _n_target(method, config)))
    identity = {"source": fingerprint(source)}
    if target is not None:
        identity["target"] = fingerprint(part_of(target, config.target.part))
    if simulated is not None:
        identity["simulated"] = fingerprint(simulated)
    if init is not None:
        identity["init"] = file_sha256(init)
    fit, whole = Fit(method, module, config), resolved(architecture, module)
    return Prepared(config, task, fit, pictures, simulated, whole, identity)


def _n_target(method: Method, config: TrainConfig) -> int:
    """Return how many target pictures a step sees."""
    return config.target.batch_size or round(method.target_share * config.batch_size)


def task_of(config: TrainConfig, source: ImageSet) -> Task:
    """Return the task of a run on a labelled set, cut as its method wants."""
    kind = METHODS.get(str(config.method.get("kind")), Method)
    shown = photograph_config(config) if kind.real_labels else config
    table = {**TASKS, **MAPPED} if kind.uses_maps else TASKS
    return table[config.task](source.classes, shown)


def _pictures(task: Task, target: ImageSet) -> Unlabelled:
    if not len(target):
        raise DataError(f"{target.root}: expected target images to adapt to, but there are none")
    pictures = task.unlabelled(target)
    if not pictures.rounds:
        raise DataError(f"{target.root}: expected boxes around the target's objects, but there are none")
    return pictures


def _require_kind(data: ImageSet, architecture: Mapping[str, Any]) -> None:
    if "in_features" in architecture:
        rows_of(data.records, data.root, architecture["in_features"])
    else:
        require_pictures(data)


def _require_defined(config: TrainConfig) -> None:
    kind = str(config.method.get("kind"))
    undefined = METHODS[kind].undefined if kind in METHODS else {}
    if config.task in undefined:
        raise ConfigError(f'method "{kind}": not defined for the task {config.task}: {undefined[config.task]}')


def _require_turned(config: TrainConfig) -> None:
    """Refuse answers over turned views by a model that does not learn such views."""
    learnt = config.augment.flip and config.augment.rotate_deg >= 90
    if config.task == "classify" and config.view.turned and not learnt:
        raise ConfigError(
            "view.turned: expected a model that learns turned and mirrored crops (augment.flip: true and "
            f"augment.rotate_deg: 90 or more), got {config.augment.flip} and {config.augment.rotate_deg:g}"
        )


def _require(method: Method, config: TrainConfig, target: ImageSet | None, init: Path | None) -> None:
    where = f'method "{config.method["kind"]}"'
    if method.uses_target and target is None:
        raise ConfigError(f"{where}: expected target images to adapt to (--target), got none")
    if config.selection.kind != "last" and target is None:
        raise ConfigError(
            f"selection.kind: {config.selection.kind} is a score on target images (--target), but there are none"
        )
    if config.selection.kind != "last" and config.task == "keypoints":
        raise ConfigError(f"selection.kind: {config.selection.kind} compares classes, and the task keypoints has one")
    if init is None and guard_of(method, config.selection) == "reverse" and config.selection.kind != "last":
        raise ConfigError(
            "selection.guard: reverse compares in the features of a trained model to go on from (--init RUN/model.pt), "
            "but there is none"
        )
    if method.starts_trained and init is None:
        raise ConfigError(f"{where}: expected a trained model to go on from (--init RUN/model.pt), got none")


def n_simulated(method: Method, config: TrainConfig) -> int:
    """Return how many of a labelled batch are of the second set."""
    return round(method.mixed_share * config.batch_size)


def _require_mix(method: Method, config: TrainConfig, sets: Sets) -> None:
    where, source, simulated = f'method "{config.method["kind"]}"', sets.source, sets.simulated
    if simulated is None:
        if method.mixed_share:
            raise ConfigError(f"{where}: mix needs labelled simulated images (--simulated), got none")
        return
    if not method.mixed_share:
        raise ConfigError(f"{where}: takes no second labelled set (--simulated) unless it has a share: method.mix")
    if list(simulated.classes) != list(source.classes):
        theirs, ours = ", ".join(simulated.classes), ", ".join(source.classes)
        raise DataError(f'"{simulated.root}": labelled with [{theirs}], but "{source.root}" with [{ours}]')
    shared = share_of_device(config)
    if not 0 < n_simulated(method, shared) < shared.batch_size:
        raise ConfigError(
            f"method.mix: {method.mixed_share:g} of a batch of {shared.batch_size} leaves none for one of the two sets"
        )


def _fitting(model: ModelFile, path: Path, config: TrainConfig, source: ImageSet) -> ModelFile:
    if model.task != config.task:
        raise CheckpointError(f'model "{path}": expected a model of the task {config.task}, got one of {model.task}')
    if list(model.classes) != list(source.classes):
        theirs, ours = ", ".join(model.classes), ", ".join(source.classes)
        raise CheckpointError(
            f'model "{path}": knows the classes [{theirs}], but the images are labelled with [{ours}]'
        )
    if config.task == "classify":
        seen, wanted = CropView.from_preprocess(model.preprocess), config.view
        if replace(seen, turned=wanted.turned) != wanted:
            raise CheckpointError(
                f'model "{path}": expected one that sees crops as the settings say, {asdict(wanted)}, got '
                f"{asdict(seen)}; name the settings that it was trained with (--config)"
            )
    return model
