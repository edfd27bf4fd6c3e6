"""Models beside each other: on made-up classifiers whose figures are known, and through the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from adapter_fakes import shapes, write_coco

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.compare import Comparison, compare, method_of, write_comparison
from simgen.adapters.evaluate import Evaluation, evaluate
from simgen.adapters.metrics import ClassScores, bootstrap, confusion_table
from simgen.adapters.models import build_model
from simgen.cli.app import main
from simgen.errors import CheckpointError, ConfigError
from simgen.formats.coco import CocoDataset, ImageRecord
from simgen.rng import stream
from simgen.samples import Annotation

CLASSES = ("square", "disc")
TRUE = np.arange(120) % 2
IMAGES = np.arange(120) // 3
RECORDS = tuple(
    ImageRecord(Path(f"{i}.png"), i + 1, (9, 9), tuple(Annotation(CLASSES[k], np.array([0.0, 0, 9, 9])) for k in ks))
    for i, ks in enumerate(TRUE.reshape(40, 3))
)


def classifier(accuracy: float, number: int, **history: object) -> Evaluation:
    """An evaluation of a classifier that is right about this share of the objects."""
    right = np.random.default_rng(number).permutation(120) < round(120 * accuracy)
    probabilities = np.where(np.eye(2, dtype=bool)[np.where(right, TRUE, 1 - TRUE)], 0.9, 0.1)
    scores = ClassScores(TRUE, probabilities, IMAGES, CLASSES)
    table = np.zeros((3, 3), np.int64)
    table[:2, :2] = confusion_table(TRUE, probabilities.argmax(1), 2)
    whole = bootstrap(scores.summary, 40, 0, stream(0, 0, "b"))
    named = {"image_set": "made <up>", "model": f"run-{number}/model.pt", "true": TRUE, "probabilities": probabilities}
    return Evaluation("classify", CLASSES, scores.summary, whole, table, None, dict(history), RECORDS, **named)  # type: ignore[arg-type]


def arms_of(comparison: Comparison) -> dict[str, object]:
    return {arm.name: arm for arm in comparison.arms}


@pytest.fixture(scope="module")
def three() -> dict[str, Evaluation]:
    return {"plain": classifier(0.6, 0), "adapted": classifier(0.85, 1), "real": classifier(0.95, 2)}


def test_differences_gap_and_test_of_known_accuracies(three):
    arms = arms_of(compare(three, oracle="real", sampling=(400, 0)))
    assert arms["plain"].differences == {}
    found = arms["adapted"].differences["accuracy"]
    assert found.value == pytest.approx(0.25)
    assert found.p_value < 0.01
    assert arms["adapted"].gaps["accuracy"].value == pytest.approx(0.25 / 0.35)
    right = [e.said == e.true for e in (three["adapted"], three["plain"])]
    assert arms["adapted"].mcnemar.ours == (right[0] & ~right[1]).sum()
    assert arms["real"].gaps == {}
    # ECE is an error: the gap is closed by lowering it.
    errors = [three[name].scores["ece"].value for name in ("plain", "adapted", "real")]
    expected = (errors[0] - errors[1]) / (errors[0] - errors[2])
    assert arms["adapted"].gaps["ece"].value == pytest.approx(expected)


def test_it_repeats_by_its_seed_and_the_intervals_are_those_of_an_evaluation(three):
    first, again, other = (compare(three, sampling=(50, seed)).as_dict()["arms"] for seed in (0, 0, 1))
    assert first == again
    assert first != other
    alone = bootstrap(three["adapted"].measure, 40, 50, stream(0, 0, "bootstrap"))
    assert arms_of(compare(three, sampling=(50, 0)))["adapted"].scores == alone


def test_models_of_one_method_count_together():
    named = {
        "base": classifier(0.6, 0, method="source_only", seed=0),
        "a": classifier(0.8, 1, method={"kind": "dann"}, seed=0),
        "b": classifier(0.9, 2, method={"kind": "dann"}, seed=7),
    }
    arms = arms_of(compare(named, sampling=(100, 0)))
    assert list(arms) == ["base", "a", "b", "dann"]
    dann = arms["dann"]
    assert (dann.models, dann.seeds, dann.method) == (("a", "b"), (0, 7), "dann")
    assert dann.scores["accuracy"].value == pytest.approx(0.85)
    assert dann.spread["accuracy"] == pytest.approx(np.std([0.8, 0.9], ddof=1))
    assert dann.differences["accuracy"].value == pytest.approx(0.25)
    assert dann.mcnemar is None
    assert compare(named, baseline="dann", sampling=(9, 0)).baseline == "dann"
    assert method_of({"method": 3}) is None


def test_what_does_not_fit_is_refused(three):
    with pytest.raises(ConfigError, match=r'--oracle: no model or method is called "reel" \(did you mean "real"\?\)'):
        compare(three, oracle="reel")
    mixed = {**three, "boxes": replace(three["real"], task="detect")}
    with pytest.raises(CheckpointError, match='models "plain" and "boxes": expected models of one task'):
        compare(mixed)


def test_the_page_and_the_file_say_it_all(three, tmp_path):
    only_discs = replace(three["real"], measure=lambda images: {**three["real"].measure(images), "roc_auc": None})
    result = compare({**three, "<odd>": only_discs}, oracle="real", sampling=(60, 0))
    page = write_comparison(result, tmp_path / "out").read_text("utf-8")
    assert "<h1>Models compared on made &lt;up&gt;</h1>" in page
    assert "&lt;odd&gt;" in page
    assert "<odd>" not in page
    assert "Gap closed between plain and real" in page
    assert '<td class="number">–</td>' in page
    assert "nan" not in page.lower().replace("base64", "").split("data:image")[0]
    assert page.count("data:image/png") == 1 + 4
    content = json.loads((tmp_path / "out" / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert content["baseline"] == "plain"
    assert content["models"]["adapted"] == "run-1/model.pt"
    assert {arm["name"] for arm in content["arms"]} == {"plain", "adapted", "real", "<odd>"}


MODEL = {"kind": "crop_classifier", "widths": [4, 8]}


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two folders of runs, each with a classifier that has learnt nothing."""
    for seed in range(2):
        (tmp_path / f"run-{seed}").mkdir()
        state = build_model(MODEL, 2).state_dict()
        view = {"view": {"input_size": 8}}
        save_model(
            tmp_path / f"run-{seed}" / "model.pt", ModelFile("classify", list(CLASSES), MODEL, view, None, {}, state)
        )
    return [tmp_path / f"run-{seed}" for seed in range(2)]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "photos", shapes(6), CLASSES)


def test_the_command_compares_folders_files_and_reports(runs, images, tmp_path, capsys):
    assert main(["evaluate", str(runs[1] / "model.pt"), str(images), "-o", str(tmp_path / "r"), "--repeats", "0"]) == 0
    words = ["compare", str(runs[0]), str(tmp_path / "r"), "--data", str(images), "--repeats", "20"]
    assert main([*words, "-o", str(tmp_path / "c"), "--split", "last:5", "--oracle", "run-1"]) == 0
    assert "report: " in capsys.readouterr().out
    content = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert [arm["name"] for arm in content["arms"]] == ["run-0", "run-1"]
    assert (content["set"], content["split"], content["images"]) == ("photos", "last:5", 5)
    expected = evaluate(runs[0] / "model.pt", CocoDataset.read(images).subset(range(1, 6)), repeats=20)
    assert content["arms"][0]["scores"]["accuracy"]["value"] == expected.scores["accuracy"].value
    assert content["arms"][0]["scores"]["accuracy"]["low"] == expected.scores["accuracy"].low


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{0}"], "compare: expected two models or more, got 1"),
        (["{0}", "{0}/model.pt"], 'compare: expected different models, got "{0}/model.pt" twice'),
        (
            ["{0}", "{1}", "--baseline", "run-9"],
            '--baseline: no model or method is called "run-9" (did you mean "run-1"?)',
        ),
        (["{0}", "{1}", "--repeats", "-1"], "--repeats: expected a whole number >= 0, got -1"),
        (["{0}", "{2}/none.pt"], "{2}/none.pt: there is no such model file"),
        (
            ["{0}", "{2}/metrics.json"],
            'report "{2}/metrics.json": expected one of simgen evaluate, which names its model',
        ),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, runs, images, tmp_path, capsys):
    (tmp_path / "metrics.json").write_text("[]")
    places = [*map(str, runs), str(tmp_path)]
    assert main(["compare", *(w.format(*places) for w in words), "--data", str(images), "-o", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err == f"error: {sentence.format(*places)}\n"
    assert not (tmp_path / "x").exists()
