"""The task features from files of vectors to scores: blobs whose target is turned, stretched and shifted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from simgen.adapters.checkpoint import load_model
from simgen.adapters.evaluate import evaluate
from simgen.adapters.methods import METHODS
from simgen.adapters.predict import build_module
from simgen.adapters.predict_vectors import predict_vectors
from simgen.adapters.runs import fingerprint
from simgen.adapters.settings import OptimizerConfig, RuntimeConfig, TrainConfig, VectorConfig
from simgen.adapters.target import without_labels
from simgen.adapters.tasks import TASKS
from simgen.adapters.train import train
from simgen.adapters.vectors import VectorItems, by_class
from simgen.cli.app import main
from simgen.errors import CheckpointError, ConfigError, DataError
from simgen.formats.imageset import ImageSet
from simgen.formats.vectors import vector_set
from simgen.rng import stream

NAMES = np.array(["ant", "bee", "cow", "dog"])
CONFIG = TrainConfig(
    task="features",
    model={"kind": "vector_classifier", "widths": [32, 16], "dropout": 0.1},
    steps=120,
    batch_size=32,
    optimizer=OptimizerConfig(lr=5e-3, warmup_steps=10, ema_decay=0.95),
    runtime=RuntimeConfig(accelerator="cpu", precision="32-true", threads=1, workers=0),
)


def _blobs(seed: int, n: int, *, moved: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return four Gaussian blobs in 16 dimensions and their names; moved: turned by 0.5 rad, stretched, shifted."""
    centres = stream(0, 0, "centres").normal(size=(4, 16))
    rng, drift = stream(seed, int(moved), "blobs"), stream(0, 0, "drift")
    labels = rng.integers(4, size=n)
    x = centres[labels] + 0.7 * rng.normal(size=(n, 16))
    if moved:
        a, b, c, s = x[:, :8], x[:, 8:], np.cos(0.5), np.sin(0.5)
        turned = np.concatenate([c * a - s * b, s * a + c * b], axis=1)
        x = turned * np.exp(0.3 * drift.normal(size=16)) + 1.5 * drift.normal(size=16)
    return x, NAMES[labels]


def _set(seed: int, n: int, *, moved: bool) -> ImageSet:
    return vector_set(*_blobs(seed, n, moved=moved))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A source, a target without labels and a labelled test set, on disk."""
    source, target, test = (_blobs(seed, 60, moved=seed > 0) for seed in range(3))
    np.savez(tmp_path / "source.npz", x=source[0], y=source[1])
    np.savez(tmp_path / "target.npz", x=target[0])
    np.savez(tmp_path / "test.npz", x=test[0], y=test[1])
    return {name: tmp_path / f"{name}.npz" for name in ("source", "target", "test")}


def test_adapted_models_are_better_on_the_moved_blobs(tmp_path: Path):
    accuracy: dict[str, list[float]] = {"source_only": [], "dann": [], "adabn": []}
    for seed in range(2):
        source, target, test = (_set(seed + 10 * k, 400, moved=k > 0) for k in range(3))
        for kind, found in accuracy.items():
            config = replace(CONFIG, method={"kind": kind}, seed=seed)
            model = train(config, source, tmp_path / f"{kind}{seed}", target=target)
            found.append(float(evaluate(model, test, repeats=0).scores["accuracy"].value or 0.0))
        history = load_model(tmp_path / f"source_only{seed}" / "model.pt").history
        assert history["validation"]["accuracy"] >= 0.9
    means = {kind: np.mean(found) for kind, found in accuracy.items()}
    assert means["source_only"] < 0.7
    assert means["dann"] > means["source_only"] + 0.05
    assert means["adabn"] > means["source_only"] + 0.2


def test_the_targets_labels_change_nothing(tmp_path: Path):
    source, (x, y) = _set(0, 60, moved=False), _blobs(1, 60, moved=True)
    config = replace(CONFIG, steps=4, method={"kind": "dann"})
    targets = [vector_set(x), vector_set(x, y), vector_set(x, y[::-1])]
    models = [train(config, source, tmp_path / str(k), target=target) for k, target in enumerate(targets)]
    first, *others = (load_model(model).state_dict for model in models)
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)


def test_from_files_to_reports_by_the_commands(files: dict[str, Path], tmp_path: Path, capsys: Any):
    quick = ["--task", "features", "--steps", "5", "--threads", "1"]
    for kind in ("source_only", "dann"):
        words = ["train", str(files["source"]), *quick, "--method", kind, "--target", str(files["target"])]
        assert main([*words, "-o", str(tmp_path / kind)]) == 0
    model = tmp_path / "dann" / "model.pt"
    out = tmp_path / "report"
    assert main(["evaluate", str(model), str(files["test"]), "-o", str(out), "--split", "last:50"]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["task"], metrics["set"], metrics["images"], metrics["objects"]) == ("features", "test.npz", 50, 50)
    assert metrics["scores"]["accuracy"]["low"] <= metrics["scores"]["accuracy"]["value"]
    assert {"roc_auc", "ece"} <= metrics["scores"].keys()
    page = (out / "report.html").read_text("utf-8")
    assert "<h1>Score on real vectors: test.npz, split last:50</h1>" in page
    assert "Examples" not in page
    assert page.count("<img") == 2
    words = ["compare", str(tmp_path / "source_only"), str(model), "--data", str(files["test"]), "--repeats", "20"]
    assert main([*words, "-o", str(tmp_path / "comparison")]) == 0
    arms = json.loads((tmp_path / "comparison" / "comparison.json").read_text())["arms"]
    assert arms[1]["mcnemar"] is not None
    assert main(["export", str(model)]) == 0
    session = onnxruntime.InferenceSession(model.with_suffix(".onnx"))
    x = _blobs(5, 7, moved=True)[0].astype(np.float32)
    (logits,) = session.run(None, {"vectors": x})
    expected = np.stack([found.probabilities[0] for found in predict_vectors(load_model(model), vector_set(x).records)])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, expected, atol=1e-5)


def test_mistakes_are_one_sentence_and_leave_no_run(files: dict[str, Path], tmp_path: Path, capsys: Any):
    np.savez(tmp_path / "long.npz", x=np.zeros((5, 20)))
    np.savez(tmp_path / "one.npz", x=np.zeros((1, 16)))
    np.savez(tmp_path / "rare.npz", x=np.zeros((3, 16)), y=["ant", "bee", "bee"])
    np.savez(tmp_path / "other.npz", x=np.zeros((3, 16)), y=["ant", "elk", "elk"])
    train_words = ["train", str(files["source"]), "--task", "features", "--method", "dann", "--target"]
    for words, sentence in (
        ([*train_words, str(tmp_path / "long.npz")], "expected vectors of 16 numbers, as the model takes, got 20"),
        ([*train_words, str(tmp_path / "one.npz")], "expected at least 2 rows to adapt to, got 1"),
        ([*train_words, str(tmp_path / "other.npz")], "labelled with [elk], but the source knows the classes [ant, "),
        (["train", str(files["target"]), "--task", "features"], "expected labels y to learn from, found none"),
        (["train", str(tmp_path / "rare.npz"), "--task", "features"], 'class "ant": expected at least 2 rows, one to'),
        (
            ["train", "digits", "--task", "features"],
            "expected vectors (an .npz or .parquet file) for the task features",
        ),
        (
            ["train", str(files["source"]), "--config", "digits"],
            "expected pictures, got vectors, which are for the task",
        ),
    ):
        assert main([*words, "-o", str(tmp_path / "run")]) == 2
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1
        assert not (tmp_path / "run").exists()


def test_a_model_takes_vectors_of_its_length_and_classes_only(files: dict[str, Path], tmp_path: Path):
    model = train(replace(CONFIG, steps=2), files["source"], tmp_path / "run")
    x, y = _blobs(3, 20, moved=True)
    with pytest.raises(DataError, match="expected vectors of 16 numbers, as the model takes, got 12"):
        evaluate(model, vector_set(x[:, :12], y), repeats=0)
    with pytest.raises(DataError, match="expected vectors of 16 numbers, as the model takes, got 12"):
        train(replace(CONFIG, steps=2), vector_set(x[:, :12], y), tmp_path / "other", init=model)
    with pytest.raises(CheckpointError, match="knows the classes"):
        evaluate(model, vector_set(x, np.where(y == "ant", "elk", y)), repeats=0)
    with pytest.raises(DataError, match="expected labelled"):
        evaluate(model, vector_set(x), repeats=0)


@pytest.mark.parametrize("kind", [kind for kind in METHODS if "features" in METHODS[kind].undefined])
def test_methods_that_change_pictures_say_why_they_are_not_defined(kind: str, tmp_path: Path):
    source, target = _set(0, 20, moved=False), _set(1, 20, moved=True)
    with pytest.raises(
        ConfigError, match=f'method "{kind}": not defined for the task features: {METHODS[kind].undefined["features"]}'
    ):
        train(replace(CONFIG, method={"kind": kind}), source, tmp_path / "run", target=target)


def test_noise_and_dropped_numbers_are_as_large_as_said():
    x = stream(0, 0, "rows").normal(size=(4000, 2)) * [1.0, 50.0] + [0.0, 1000.0]
    data = vector_set(x)
    items = VectorItems(data, replace(CONFIG, vectors=VectorConfig(noise=0.2, drop=0.25)), 0)
    weak, strong = (torch.stack(views).numpy() for views in zip(*(items.views(k) for k in range(4000)), strict=True))
    mean = x.mean(axis=0)
    dropped = np.isclose(strong, mean, rtol=1e-6, atol=1e-6)
    assert dropped.mean(axis=0) == pytest.approx([0.25, 0.25], abs=0.03)
    spread = [(strong - weak)[~dropped[:, d], d].std() for d in range(2)]
    assert spread == pytest.approx([0.2, 10.0], rel=0.06)
    again = VectorItems(data, replace(CONFIG, vectors=VectorConfig(noise=0.2, drop=0.25)), 0)
    assert torch.equal(again.views(17)[1], items.views(17)[1])
    still = VectorItems(data, replace(CONFIG, vectors=VectorConfig(noise=0.0, drop=0.0)), 0)
    assert torch.equal(*still.views(17))


def test_every_class_is_learnt_from_whatever_the_order_of_the_rows():
    x = np.arange(80.0).reshape(40, 2)
    for y in (np.arange(40) % 10, np.repeat(np.arange(10), 4)):
        data = by_class(vector_set(x, y))
        training = [r for k, r in enumerate(data.records) if k % 10 != 9]
        assert {r.annotations[0].class_name for r in training} == {str(k) for k in range(10)}


def test_sets_with_other_numbers_have_other_fingerprints():
    x, y = _blobs(0, 10, moved=False)
    assert fingerprint(vector_set(x, y)) == fingerprint(vector_set(x.copy(), y.copy()))
    assert fingerprint(vector_set(x, y)) != fingerprint(vector_set(x + np.eye(10, 16), y))
    assert fingerprint(vector_set(x, y)) != fingerprint(vector_set(x, y[::-1]))


def test_what_leaves_the_labels_behind_keeps_the_vectors():
    data = _set(0, 10, moved=False)
    bare = without_labels(data, boxes=False)
    assert not any(r.annotations for r in bare.records)
    assert [r.key for r in bare.records] == [r.key for r in data.records]
    seen = TASKS["features"](data.classes, CONFIG).unlabelled(data)
    assert seen.rounds == 10
    assert len({bytes(v.numpy().tobytes()) for batch in seen.once(4) for v in batch.weak["vector"]}) == 10


def test_inputs_of_any_scale_are_normalised_by_the_model(tmp_path: Path):
    source = _set(0, 60, moved=False)
    x, y = _blobs(0, 60, moved=False)
    scaled = vector_set(1e4 * x - 3e4, y)
    config = replace(CONFIG, steps=40, vectors=VectorConfig(noise=0.0, drop=0.0))
    for data, name in ((source, "a"), (scaled, "b")):
        module = build_module(load_model(train(config, data, tmp_path / name)))
        assert TASKS["features"](data.classes, config).validate(module, data.records).metrics["accuracy"] > 0.95
