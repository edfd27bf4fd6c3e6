"""Everything that the page of an experiment shows: a sweep's runs, looked at together once they are trained.

Labels of the photographs that are scored on are read here and go into the page; nothing that is learnt, chosen or
moved depends on them. What is to be moved in the simulation comes from the photographs to adapt to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simgen.adapters.checkpoint import load_model
from simgen.adapters.choice import Choice, Evidence, choose_method
from simgen.adapters.compare import Comparison, compare
from simgen.adapters.embeddings import MOST_OBJECTS, Embedded, embed, sample_objects
from simgen.adapters.evaluate import Evaluation, evaluate
from simgen.adapters.gap import Gap, GapConfig
from simgen.adapters.gap import compare as measure_gap
from simgen.adapters.metrics import LOWER_IS_BETTER
from simgen.adapters.outcomes import SCRATCH, START, Arm, Outcome, rows
from simgen.adapters.parts import part_of
from simgen.adapters.settings import TrainConfig
from simgen.adapters.sweep import FIGURES, Material
from simgen.adapters.train import split
from simgen.errors import SimgenError
from simgen.formats.imageset import ImageSet
from simgen.rng import stream

OnStage = Callable[[str], None]
"""Called with the name of what comes next."""

STAGES = ("score", "resample", "choose", "embed", "gap")


@dataclass(frozen=True, eq=False)
class Trained:
    """A sweep whose runs are done.

    Attributes:
        config: its settings.
        material: its image sets.
        outcomes: of its runs.
        out: its folder.
        command: that repeats it, or "".
    """

    config: TrainConfig
    material: Material
    outcomes: Sequence[Outcome]
    out: Path
    command: str = ""

    @property
    def target(self) -> ImageSet | None:
        """The photographs to adapt to."""
        target = self.material.target
        return None if target is None else part_of(target, self.config.target.part)

    @cached_property
    def apart(self) -> ImageSet | None:
        """The photographs to adapt to, or else those to learn from, without any that is scored on; None without any."""
        photographs = self.material.labelled if self.target is None else self.target
        if photographs is None:
            return None
        scored = {record.path for record in self.material.report.records} if self.material.report else set()
        kept = [k for k, record in enumerate(photographs.records) if record.path not in scored]
        return photographs.subset(kept) if kept else None

    @property
    def held_out(self) -> ImageSet:
        """The part of the simulated images that no run learnt from."""
        source = part_of(self.material.source, self.config.part)
        return source.subset(split(len(source), self.config, source.root)[1])

    @property
    def figure(self) -> str:
        """The name of the leading figure."""
        return FIGURES[self.config.task][0]

    @cached_property
    def scored(self) -> list[Outcome]:
        """The runs that did not fail."""
        return [outcome for outcome in self.outcomes if not outcome.problem]


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a model's encoder makes of objects of both domains, and the model's classes."""

    name: str
    classes: tuple[str, ...]
    source: Embedded
    target: Embedded


@dataclass(frozen=True, eq=False)
class Experiment:
    """What is known of a sweep.

    Attributes:
        trained: the sweep.
        comparison: of its methods; None without photographs to score on.
        choice: between methods, without labels and with them; None where there is nothing to choose by.
        embeddings: before adaptation and after.
        gap: between the simulated images and the photographs to adapt to, or None.
        notes: what is missing, by the name of the stage, and why.
    """

    trained: Trained
    comparison: Comparison | None = None
    choice: Choice | None = None
    embeddings: tuple[Embedding, ...] = ()
    gap: Gap | None = None
    notes: Mapping[str, str] | None = None

    @property
    def shown(self) -> str | None:
        """The arm to look at closely beside `source_only`: see `closest_look`."""
        return closest_look(self.trained, self.choice)


def examine(trained: Trained, repeats: int = 1000, seed: int = 0, on_stage: OnStage | None = None) -> Experiment:
    """Look at a sweep's runs together.

    Args:
        trained: the sweep.
        repeats: resampled sets for the intervals; 0 for none.
        seed: of resampling, and of the choice of objects and pictures.
        on_stage: called before each of `STAGES`.

    Raises:
        DataError: photographs that cannot be decoded.
    """
    say = on_stage or (lambda _: None)
    if not trained.scored or trained.material.report is None:
        return Experiment(trained)
    say("score")
    evaluations = evaluations_of(trained)
    say("resample")
    comparison = _compared(trained, evaluations, (repeats, seed))
    notes: dict[str, str] = {}
    say("choose")
    choice = _choice(trained, notes)
    say("embed")
    embeddings = _embeddings(trained, [START, closest_look(trained, choice)], seed)
    say("gap")
    return Experiment(trained, comparison, choice, embeddings, _gap(trained, seed, notes), notes)


def evaluations_of(trained: Trained) -> dict[str, Evaluation]:
    """Return the evaluation of each run, by `model_name`; what was scored just now is not scored again."""
    report = trained.material.report
    assert report is not None
    return {
        model_name(o.arm): o.evaluation or evaluate(o.arm.folder(trained.out) / "model.pt", report, repeats=0)
        for o in trained.scored
    }


def model_name(arm: Arm) -> str:
    """Return what a run is called beside other runs of its method."""
    return f"{arm.name}, seed {arm.seed}"


def closest_look(trained: Trained, choice: Choice | None) -> str | None:
    """Return the arm beside `source_only` to look at closely.

    That is the one chosen without labels; where that is `source_only` itself or there is no choice, the best one by the
    labels; None where there is no other.
    """
    if choice is not None and choice.selected != START:
        return choice.selected
    figure = trained.figure
    sign = -1 if figure in LOWER_IS_BETTER else 1
    means = {row.name: sign * row.figures[figure][0] for row in rows(trained.scored) if figure in row.figures}
    means.pop(START, None)
    return max(means, key=lambda name: means[name]) if means else None


def _compared(trained: Trained, evaluations: Mapping[str, Evaluation], sampling: tuple[int, int]) -> Comparison:
    """Compare methods, each by the means over its runs, with `source_only` and, where there is one, an oracle."""
    members: dict[str, tuple[str, ...]] = {}
    for outcome in trained.scored:
        members[outcome.arm.name] = (*members.get(outcome.arm.name, ()), model_name(outcome.arm))
    labelled = trained.material.labelled
    oracles = ["oracle"] if labelled is None else ["oracle", f"{SCRATCH}-{len(labelled)}"]
    return compare(
        evaluations,
        members=members,
        baseline=START if START in members else next(iter(members)),
        oracle=next((name for name in oracles if name in members), None),
        sampling=sampling,
    )


def _choice(trained: Trained, notes: dict[str, str]) -> Choice | None:
    if trained.apart is None:
        notes["choose"] = "No choice: there are no photographs but those that are scored on; give others (--target)."
        return None
    try:
        evidence = Evidence(trained.apart, trained.held_out)
        return choose_method(trained.scored, trained.out, trained.config, evidence, trained.figure)
    except SimgenError as problem:
        notes["choose"] = str(problem)
        return None


def _embeddings(trained: Trained, names: Sequence[str | None], seed: int) -> tuple[Embedding, ...]:
    """Return source and photographs as the first run of each named arm sees them."""
    report = trained.material.report
    assert report is not None
    first = {o.arm.name: o.arm for o in reversed(trained.scored)}
    source, target = (
        sample_objects(data, MOST_OBJECTS, stream(seed, number, "embeddings"))
        for number, data in enumerate((trained.material.source, report))
    )
    found = []
    for arm in (first[name] for name in dict.fromkeys(names) if name in first):
        model = load_model(arm.folder(trained.out) / "model.pt")
        both = embed(model, source, synthetic=True), embed(model, target)
        if both[0] is not None and both[1] is not None:
            found.append(Embedding(model_name(arm), tuple(model.classes), both[0], both[1]))
    return tuple(found)


def _gap(trained: Trained, seed: int, notes: dict[str, str]) -> Gap | None:
    if trained.config.task == "features":
        return None
    if trained.apart is None:
        notes["gap"] = (
            "Not measured: what is moved after a look at the photographs that are scored on is tuned on them. "
            "Give others to look at (--target)."
        )
        return None
    try:
        return measure_gap(trained.material.source, trained.apart, GapConfig(seed=seed))
    except SimgenError as problem:
        notes["gap"] = f"Not measured: {problem}"
        return None
