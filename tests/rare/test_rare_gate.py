"""The gate: each question refuses what it should, and a fill makes anew what was refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from rare_fakes import box, generated, sample

import simgen.rare.job as filling
from simgen.errors import DataError
from simgen.rare.cells import Cell, Condition
from simgen.rare.fill import fill
from simgen.rare.gate import Gate, rates
from simgen.rare.how import Made, Way
from simgen.rare.job import config_of, fill_job
from simgen.rare.patches import Embedding
from simgen.rare.plan import Entry, Plan, fingerprint
from simgen.rng import stream

CLASSES = ("dark", "light")


def brightness(crops):
    """Return the mean and the spread (n, 2) of crops."""
    flat = crops.reshape(len(crops), -1).astype(np.float32)
    return np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)


def classify(crops):
    light = brightness(crops)[:, :1] > 128
    return np.concatenate([~light, light], axis=1).astype(np.float32)


@pytest.fixture
def gate():
    real = stream(0, 0, "real").normal([100, 0], [10, 0.5], (200, 2)).astype(np.float32)
    training = stream(0, 1, "training").normal([100, 0], [10, 0.5], (200, 2)).astype(np.float32)
    training = training[np.abs(training[:, 0] - 100) > 3]
    return Gate.of(classify, CLASSES, Embedding(brightness, "brightness", 8, 1.0), real, training)


def shown(grey, name="dark"):
    rgb = np.full((40, 60, 3), grey, np.uint8)
    return sample(box(name, 10, 10, 20, 20), rgb=rgb)


def test_what_is_real_new_and_rightly_named_enters(gate):
    assert gate.refusals(shown(100), [0]) == []


def test_each_question_refuses(gate):
    assert gate.refusals(shown(100, "light"), [0]) == ["another class"]
    assert gate.refusals(shown(60), [0]) == ["not real"]
    known = np.concatenate([gate.levels.training, gate.axes.project(np.float32([[100, 0]]))])
    copied = dataclasses.replace(gate, levels=dataclasses.replace(gate.levels, training=known))
    assert gate.levels.nearest > 0
    assert copied.refusals(shown(100), [0]) == ["a copy"]


def test_a_classifier_that_is_not_sure_enough_refuses(gate):
    unsure = dataclasses.replace(gate, classify=lambda crops: 0.2 + 0.6 * classify(crops))
    assert unsure.refusals(shown(100), [0]) == []
    assert dataclasses.replace(unsure, confidence=0.75).refusals(shown(100), [0]) == []
    assert dataclasses.replace(unsure, confidence=0.85).refusals(shown(100), [0]) == ["another class"]


def test_rates_count_each_reason_once():
    assert rates([(), ("a copy",), ("a copy", "not real"), ()]) == {
        "another class": 0,
        "not real": 0.25,
        "a copy": 0.5,
        "any": 0.5,
    }


def test_too_few_crops_set_no_level():
    few = np.zeros((9, 2), np.float32)
    with pytest.raises(DataError, match="expected at least 10 real and 2 training objects, got 9 and 9"):
        Gate.of(classify, CLASSES, Embedding(brightness, "brightness"), few, few)


class Numbered:
    """Makes a sample that says its number."""

    def make(self, order, number):
        source = {"annotations": [0], "weight": 1.0, "number": number}
        return Made(sample(box("one", 10, 10, 20, 20), source=source), {"tried": 1})


class Odd:
    """Lets odd numbers from 3 on in."""

    confidence = 0.0
    identity = "odd"

    def refusals(self, one, places):
        number = one.metadata["source"]["number"]
        return [] if number >= 3 and number % 2 else ["not real"]


def test_what_is_refused_is_made_anew_with_another_number(tmp_path, monkeypatch):
    data = generated(tmp_path / "data", 1)
    monkeypatch.setitem(filling.HOW, "numbered", Way(lambda task: Numbered()))
    plan = Plan(fingerprint(data), (Entry(Cell((Condition("class", among=("one",)),)), 0, 3),))
    job = fill_job(data, plan, Path(tmp_path / "out"), "numbered", config=config_of(data), gate=Odd())
    (result,) = fill(job, plan)
    numbers = [job.writer().metadata(index)["source"]["number"] for index in range(3)]
    assert numbers == [3, 7, 5]
    assert (result.made, result.tried, result.acceptance) == (3, {"tried": 7}, 3 / 7)
    assert rates(result.refused)["not real"] == pytest.approx(4 / 7)
    assert fill(job, plan) == [result]
