"""Choosing between methods: the labels are beside the choice, never in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from adapter_fakes import TINY, shapes, write_coco

from simgen.adapters.checkpoint import load_model
from simgen.adapters.choice import Choice, Evidence, Judged, choose, choose_method
from simgen.adapters.outcomes import Outcome
from simgen.adapters.predict import predict_classes
from simgen.adapters.sweep import Material, plan, sweep
from simgen.adapters.target import without_labels
from simgen.adapters.validators import information_maximisation
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
CONFIG = replace(TINY, steps=3)


def test_the_choice_is_the_most_information_among_those_that_know_the_source():
    judged = {
        "plain": [Judged(0.5, 0.98, 0.7), Judged(0.7, 0.96, 0.9)],
        "sharp": [Judged(0.9, 0.96, 0.6)],
        "lost": [Judged(1.5, 0.5, 0.95)],
    }
    found = choose(judged, "accuracy")
    assert (found.selected, found.best) == ("sharp", "lost")
    assert found.judged["plain"] == Judged(
        pytest.approx(0.6), pytest.approx(0.97), pytest.approx(0.8), pytest.approx(float("nan"), nan_ok=True)
    )
    assert found.as_dict()["selected"] == {"method": "sharp", "accuracy": 0.6}
    assert choose(judged, "corner_px_median").best == "sharp"


def test_what_forgot_the_source_may_be_chosen_if_its_labelling_leads_back_to_it():
    judged = {
        "plain": [Judged(0.6, 0.97, 0.7, reverse=0.95)],
        "adapted": [Judged(0.9, 0.6, 0.9, reverse=0.94)],
        "collapsed": [Judged(1.5, 0.97, 0.2, reverse=0.4)],
    }
    found = choose(judged, "accuracy")
    assert (found.selected, found.guard) == ("adapted", "reverse")
    some = {**judged, "plain": [Judged(0.6, 0.97, 0.7)]}
    assert (choose(some, "accuracy").selected, choose(some, "accuracy").guard) == ("collapsed", "source")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], Path, Material]:
    folder = tmp_path_factory.mktemp("sets")
    source = CocoDataset.read(write_coco(folder / "source", shapes(6), CLASSES))
    real = CocoDataset.read(write_coco(folder / "real", shapes(8, seed=1), CLASSES))
    material = Material(source, real.subset(range(5)), real.subset(range(5)), real.subset(range(5, 8)))
    out = folder / "out"
    return (
        list(sweep(CONFIG, plan(["source_only", "adabn", "oracle"], [0, 1], [], material), material, out)),
        out,
        material,
    )


def _evidence(material: Material) -> Evidence:
    assert material.target is not None
    return Evidence(without_labels(material.target, boxes=True), material.source.subset([1, 3]))


def _chosen(swept: tuple[list[Outcome], Path, Material], **changed: float) -> Choice:
    outcomes, out, material = swept
    assert material.target is not None
    scored = [replace(o, scores={"accuracy": changed.get(o.arm.name, o.scores["accuracy"])}) for o in outcomes]
    found = choose_method(scored, out, CONFIG, _evidence(material), "accuracy")
    assert found is not None
    return found


def test_information_is_that_of_predictions_on_the_unlabelled_boxes(swept):
    found = _chosen(swept)
    assert list(found.judged) == ["source_only", "adabn"]
    outcomes, out, material = swept
    assert found.guard == "reverse"
    assert all(0 <= judged.reverse <= 1 for judged in found.judged.values())
    values = []
    for outcome in (o for o in outcomes if o.arm.name == "source_only"):
        said = predict_classes(load_model(outcome.arm.folder(out) / "model.pt"), material.target.records)
        values.append(information_maximisation(np.concatenate([s.probabilities for s in said])))
    assert found.judged["source_only"].information == pytest.approx(np.mean(values), abs=1e-6)


def test_scores_on_labels_change_the_best_and_not_the_choice(swept):
    low, high = _chosen(swept, source_only=0.1, adabn=0.9), _chosen(swept, source_only=0.9, adabn=0.1)
    assert low.selected == high.selected
    assert (low.best, high.best) == ("adabn", "source_only")


def test_nothing_is_chosen_where_all_learnt_from_labels(swept):
    outcomes, out, material = swept
    real = [o for o in outcomes if o.arm.name == "oracle"]
    assert choose_method(real, out, CONFIG, _evidence(material), "accuracy") is None
    points = replace(CONFIG, task="keypoints", model={})
    assert choose_method(outcomes, out, points, _evidence(material), "accuracy") is None
