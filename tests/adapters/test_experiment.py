"""Looking at the runs of a sweep together: what is gathered, and from which photographs."""

from dataclasses import replace
from pathlib import Path

import pytest
from adapter_fakes import TINY, shapes, write_coco

from simgen.adapters import experiment
from simgen.adapters.choice import Choice
from simgen.adapters.experiment import STAGES, Experiment, Trained, closest_look, examine
from simgen.adapters.outcomes import Arm, Outcome
from simgen.adapters.sweep import Material, plan, sweep
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
TURNED = replace(TINY.view, turned=True)
CONFIG = replace(TINY, steps=3, view=TURNED, augment=replace(TINY.augment, flip=True, rotate_deg=90.0))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("sets")
    source = CocoDataset.read(write_coco(folder / "source", shapes(12), CLASSES))
    real = CocoDataset.read(write_coco(folder / "real", shapes(18, seed=1), CLASSES))
    material = Material(source, real.subset(range(12)), real.subset(range(12)), real.subset(range(12, 18)))
    arms = plan(["source_only", "dann", "oracle"], [0, 1], [2], material)
    return Trained(CONFIG, material, list(sweep(CONFIG, arms, material, folder / "out")), folder / "out")


@pytest.fixture(scope="module")
def found(trained: Trained) -> Experiment:
    stages: list[str] = []
    result = examine(trained, repeats=20, on_stage=stages.append)
    assert tuple(stages) == STAGES
    return result


def test_methods_stand_beside_each_other_by_the_means_over_their_runs(found: Experiment):
    assert found.comparison is not None
    arms = {arm.name: arm for arm in found.comparison.arms}
    assert list(arms) == ["source_only", "dann", "oracle", "finetune-2", "scratch-2"]
    assert arms["finetune-2"].models == ("finetune-2, seed 0", "finetune-2, seed 1")
    assert (found.comparison.baseline, found.comparison.oracle) == ("source_only", "oracle")
    assert arms["dann"].seeds == (0, 1)
    mean = sum(o.scores["accuracy"] for o in found.trained.outcomes if o.arm.name == "dann") / 2
    assert arms["dann"].scores["accuracy"].value == pytest.approx(mean)
    assert set(arms["dann"].gaps) == set(arms["dann"].scores)


def test_what_was_scored_just_now_is_not_scored_again(trained: Trained, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(experiment, "evaluate", None)
    assert len(experiment.evaluations_of(trained)) == 10
    forgotten = [replace(o, evaluation=None) for o in trained.outcomes[:1]]
    with pytest.raises(TypeError):
        experiment.evaluations_of(replace(trained, outcomes=forgotten))


def test_choice_embeddings_and_gap_are_there(found: Experiment):
    assert found.choice is not None
    assert set(found.choice.judged) == {"source_only", "dann"}
    assert [one.name for one in found.embeddings] == ["source_only, seed 0", f"{found.shown}, seed 0"]
    assert len(found.embeddings[0].source.vectors) == 24
    assert len(found.embeddings[0].target.vectors) == 12
    assert found.gap is not None
    assert len(found.gap.target.data) == 12
    assert found.notes == {}


def test_photographs_that_are_scored_on_are_kept_out_of_choice_and_gap(trained: Trained):
    material = trained.material
    assert material.report is not None
    both = replace(trained, material=replace(material, target=material.report, labelled=None))
    assert both.apart is None
    result = examine(both, repeats=0)
    assert result.choice is None
    assert result.gap is None
    assert set(result.notes or {}) == {"choose", "gap"}
    whole = CocoDataset.read(material.report.root)
    partly = replace(trained, material=replace(material, target=whole))
    assert partly.apart is not None
    assert [r.path for r in partly.apart.records] == [r.path for r in whole.records[:12]]


def test_few_photographs_have_a_note_and_no_gap(trained: Trained):
    few = replace(trained.material, target=None, labelled=CocoDataset.read(trained.material.source.root).subset([0, 1]))
    result = examine(replace(trained, material=few), repeats=0)
    assert result.choice is not None
    assert result.gap is None
    assert (result.notes or {})["gap"].startswith("Not measured: ")


def test_without_photographs_to_score_on_or_runs_there_is_nothing_to_examine(trained: Trained):
    bare = replace(trained, material=replace(trained.material, report=None))
    assert examine(bare).comparison is None
    failed = [replace(o, problem="no") for o in trained.outcomes]
    assert examine(replace(trained, outcomes=failed)).comparison is None


def _named(**accuracies: float) -> Trained:
    outcomes = [Outcome(Arm(name, 0), {"accuracy": value}) for name, value in accuracies.items()]
    return Trained(CONFIG, Material(CocoDataset.read), outcomes, Path("out"))  # type: ignore[arg-type]


def test_the_closest_look_is_at_what_was_chosen_and_else_at_the_best():
    three = _named(source_only=0.9, dann=0.5, adabn=0.7)
    assert closest_look(three, Choice("accuracy", {}, "dann", "adabn")) == "dann"
    assert closest_look(three, Choice("accuracy", {}, "source_only", "adabn")) == "adabn"
    assert closest_look(three, None) == "adabn"
    assert closest_look(_named(source_only=0.9), None) is None
