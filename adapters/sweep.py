"""A sweep: methods x seeds (and numbers of labelled photographs) of one configuration, trained and scored side by side.

Every arm is a run of `train` in a folder of its own. An arm that fails says why and the others go on; the same call
again goes on where it stopped. Labels of the report's images are read for the report alone.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simgen.adapters.checkpoint import load_model
from simgen.adapters.evaluate import evaluate
from simgen.adapters.methods import METHODS
from simgen.adapters.outcomes import START, Arm, Outcome, read_results, write_results
from simgen.adapters.parts import part_of
from simgen.adapters.runs import file_sha256, fingerprint, identifying
from simgen.adapters.settings import TrainConfig
from simgen.adapters.train import train
from simgen.errors import ConfigError, OutputError, SimgenError, did_you_mean
from simgen.formats.imageset import ImageSet
from simgen.runfile import read_json, require_same, write_json

FORMAT = "simgen-sweep/1"
FIGURES = {
    "classify": ("accuracy", "f1"),
    "features": ("accuracy", "f1"),
    "detect": ("map50", "map", "f1"),
    "segment": ("miou", "map50", "map"),
    "keypoints": ("corner_px_median", "rotation_deg_median", "gross_failures"),
}
"""The figures of a task that a sweep shows, the first one over numbers of labels."""

OnStep = Callable[[Arm, int, int], None]
"""Called as on_step(arm, step, steps) after every step of every arm."""


@dataclass(frozen=True, eq=False)
class Material:
    """The image sets of a sweep.

    Attributes:
        source: labelled, simulated.
        target: pictures to adapt to.
        labelled: photographs whose labels may be learnt from.
        report: photographs to score on.
        init: a model file for methods that go on from one; without, each seed's source_only run.
        simulated: labelled, to be mixed into the photographs of fine-tuning with `method.mix`; without, the source.
    """

    source: ImageSet
    target: ImageSet | None = None
    labelled: ImageSet | None = None
    report: ImageSet | None = None
    init: Path | None = None
    simulated: ImageSet | None = None


def plan(methods: Sequence[str], seeds: Sequence[int], shots: Sequence[int], material: Material) -> list[Arm]:
    """Return the arms, seed by seed; with source_only first where others start from it.

    Args:
        methods: names in METHODS.
        seeds: of each.
        shots: numbers of labelled photographs to fine-tune on, and to train on from scratch; 0 is source_only.
        material: what there is to learn from.

    Raises:
        ConfigError: an unknown method, or one whose images are missing; the report's images among those learnt from.
    """
    for name in methods:
        if name not in METHODS:
            raise ConfigError(f'--methods: there is no method "{name}"{did_you_mean(name, METHODS)}')
    arms = [(name, 0) for name in methods]
    arms += [(name, k) if k else (START, 0) for k in shots for name in ("finetune", "oracle")]
    kinds = [METHODS[name] for name, _ in arms]
    if material.init is None and any(kind.starts_trained for kind in kinds):
        arms.insert(0, (START, 0))
    _require(dict(arms), shots, material)
    return [Arm(name, seed, k) for seed in dict.fromkeys(seeds) for name, k in dict.fromkeys(arms)]


def sweep(
    config: TrainConfig, arms: Sequence[Arm], material: Material, out: Path, on_step: OnStep | None = None
) -> Iterator[Outcome]:
    """Train and score the arms one after the other, each in `out`/NAME-SEED; yields what came of each.

    After every arm results.csv and results.json in `out` hold all outcomes so far, those of earlier calls with other
    methods or seeds among them.

    Raises:
        ConfigError: several devices, or pictures to mix in that no arm mixes in.
        OutputError: the folder, or that of an arm, holds other data or settings.
    """
    if config.runtime.devices > 1:
        raise ConfigError(f"runtime.devices: a sweep trains on one, got {config.runtime.devices}")
    if material.simulated is not None and not any(_mixes(config, arm) for arm in arms):
        raise ConfigError("--simulated: expected finetune with a share for it (method.mix) among the runs, got none")
    same = _claim(out, config, material)
    outcomes: list[Outcome] = []
    earlier = [outcome for outcome in read_results(out) if same and outcome.arm not in arms]
    for arm in arms:
        try:
            outcome = _run(config, arm, material, out, on_step)
        except OutputError:
            raise
        except SimgenError as problem:
            outcome = Outcome(arm, problem=" ".join(str(problem).split()))
        outcomes.append(outcome)
        write_results([*earlier, *outcomes], out)
        yield outcome


def _claim(out: Path, config: TrainConfig, material: Material) -> bool:
    """Take a folder for sweeps of these images and settings, or find that it is one of theirs.

    Images that an earlier call had not, and others to score on, are no other sweep. Return whether they are scored on
    what they were scored on before.
    """
    sets = {name: images for name, images in vars(material).items() if isinstance(images, ImageSet)}
    data = {name: fingerprint(images) for name, images in sets.items()}
    if material.init is not None:
        data["init"] = file_sha256(material.init)
    report = data.pop("report", None)
    known, same = out / "sweep.json", True
    if known.is_file():
        there = read_json(known)
        same = there.pop("report", None) == report
        # What only one of the calls has is no difference.
        before = there.get("data", {})
        there["data"], data = {**data, **before}, {**before, **data}
    content = {key: value for key, value in identifying(config).items() if key not in ("method", "seed")}
    identity = {"format": FORMAT, "data": data, "config": content}
    if known.is_file():
        require_same(out, there, identity, "sweep")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(known, {**identity, "report": report})
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from None
    return same


def _run(config: TrainConfig, arm: Arm, material: Material, out: Path, on_step: OnStep | None) -> Outcome:
    kind, folder = METHODS[arm.method], arm.folder(out)
    data = material.labelled if kind.real_labels else material.source
    assert data is not None
    model = train(
        replace(config, method=_chosen(config, arm), seed=arm.seed, part="all"),
        part_of(data, f"first:{arm.shots}" if arm.shots else "all" if kind.real_labels else config.part),
        folder,
        target=material.target if kind.uses_target else None,
        simulated=_mixed_in(config, material) if _mixes(config, arm) else None,
        init=(material.init or Arm(START, arm.seed).folder(out) / "model.pt") if kind.starts_trained else None,
        on_step=(lambda step, steps, _: on_step(arm, step, steps)) if on_step else None,
    )
    return _scored(arm, model, config.task, material.report)


def _chosen(config: TrainConfig, arm: Arm) -> dict[str, Any]:
    """Return the arguments of an arm's method: those of the settings, where these are for that method."""
    return config.method if config.method["kind"] == arm.method else {"kind": arm.method}


def _mixes(config: TrainConfig, arm: Arm) -> bool:
    return bool(_chosen(config, arm).get("mix"))


def _mixed_in(config: TrainConfig, material: Material) -> ImageSet:
    return part_of(material.source, config.part) if material.simulated is None else material.simulated


def _scored(arm: Arm, model: Path, task: str, report: ImageSet | None) -> Outcome:
    """Return the figures on the report's images, kept beside the model; without any, those of the validation."""
    if report is None:
        return Outcome(arm, {f"validation {k}": float(v) for k, v in load_model(model).history["validation"].items()})
    known, of = model.with_name("scores.json"), {"model": file_sha256(model), "report": fingerprint(report)}
    if known.is_file():
        content = json.loads(known.read_text("utf-8"))
        if content["of"] == of:
            return Outcome(arm, {name: content["scores"][name] for name in FIGURES[task] if name in content["scores"]})
    evaluation = evaluate(model, report, repeats=0)
    found = {name: score.value for name, score in evaluation.scores.items()}
    scores = {name: value for name in FIGURES[task] if (value := found.get(name)) is not None}
    known.write_text(json.dumps({"of": of, "scores": scores}, indent=1, sort_keys=True) + "\n", "utf-8")
    return Outcome(arm, scores, evaluation=evaluation)


def _require(arms: dict[str, int], shots: Sequence[int], material: Material) -> None:
    real = next((name for name in arms if METHODS[name].real_labels), None)
    if real and material.labelled is None:
        raise ConfigError(f'method "{real}": expected photographs with labels to learn from (--real-train), got none')
    blind = next((name for name in arms if METHODS[name].uses_target), None)
    if blind and material.target is None:
        raise ConfigError(f'method "{blind}": expected target images to adapt to (--target), got none')
    if material.labelled is None:
        return
    wrong = next((k for k in shots if k and not 2 <= k <= len(material.labelled)), None)
    if wrong is not None:
        raise ConfigError(f"--shots: expected 0, or 2 to {len(material.labelled)} labelled photographs, got {wrong}")
    reported = {r.path.resolve() for r in material.report.records} if material.report else set()
    shared = [r.path.name for r in material.labelled.records if r.path.resolve() in reported]
    if shared:
        raise ConfigError(
            f"--real-train: expected photographs that are not scored on, but {len(shared)} are in both sets, such as "
            f"{shared[0]}; split them with --real-train-split first:N and --real-split last:M"
        )
