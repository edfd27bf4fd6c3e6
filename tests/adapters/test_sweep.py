import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from adapter_fakes import TINY, shapes, write_coco

from simgen.adapters import sweep as sweeping
from simgen.adapters.methods import METHODS, Method
from simgen.adapters.outcomes import Arm, Outcome, curves, read_results, rows, write_results
from simgen.adapters.sweep import Material, plan, sweep
from simgen.adapters.train import train
from simgen.errors import ConfigError, DataError, OutputError
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "disc")
CONFIG = replace(TINY, steps=4)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("sets")
    source = CocoDataset.read(write_coco(folder / "source", shapes(6), CLASSES))
    real = CocoDataset.read(write_coco(folder / "real", shapes(8, seed=1), CLASSES))
    return Material(source, real.subset(range(5)), real.subset(range(5)), real.subset(range(5, 8)))


class _Broken(Method):
    def losses(self, *_: Any) -> dict[str, Any]:
        raise DataError("picture 3 is damaged")


def test_a_plan_goes_seed_by_seed_and_starts_with_what_others_start_from(material: Material):
    arms = plan(["dann", "finetune"], [0, 1], [], material)
    assert arms == [Arm(m, s) for s in (0, 1) for m in ("source_only", "dann", "finetune")]
    given = replace(material, init=Path("model.pt"))
    assert plan(["finetune"], [0], [], given) == [Arm("finetune", 0)]


def test_shots_are_fine_tuned_and_learnt_from_scratch(material: Material):
    arms = plan([], [0], [0, 2, 5], material)
    assert [arm.name for arm in arms] == ["source_only", "finetune-2", "scratch-2", "finetune-5", "scratch-5"]


def test_what_is_missing_is_named(material: Material):
    with pytest.raises(ConfigError, match=r'no method "dan_n".*dann'):
        plan(["dan_n"], [0], [], material)
    with pytest.raises(ConfigError, match=r'"oracle": expected photographs .*\(--real-train\)'):
        plan(["oracle"], [0], [], replace(material, labelled=None))
    with pytest.raises(ConfigError, match=r'"dann": expected target images .*\(--target\)'):
        plan(["dann"], [0], [], replace(material, target=None))
    with pytest.raises(ConfigError, match="--shots: expected 0, or 2 to 5 labelled photographs, got 6"):
        plan([], [0], [0, 6], material)
    with pytest.raises(ConfigError, match=r"not scored on, but 3 are in both sets, such as 00000005\.png"):
        plan(["oracle"], [0], [], replace(material, labelled=material.report))


def test_a_method_that_fails_is_reported_and_the_others_go_on(
    material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(METHODS, "broken", _Broken)
    outcomes = list(sweep(CONFIG, plan(["broken", "source_only"], [0], [], material), material, tmp_path / "out"))
    assert outcomes[0].problem == "picture 3 is damaged"
    assert 0 <= outcomes[1].scores["accuracy"] <= 1
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["name"], row["problem"]) for row in table] == [("broken", "picture 3 is damaged"), ("source_only", "")]
    assert float(table[1]["accuracy"]) == pytest.approx(outcomes[1].scores["accuracy"], abs=1e-6)


def test_a_folder_keeps_the_results_of_its_sweep(material: Material, tmp_path: Path):
    out = tmp_path / "out"
    list(sweep(CONFIG, plan(["source_only", "dann"], [0], [], material), material, out))
    before = {file.name: file.read_bytes() for file in out.glob("*.*")}
    for other, name in (
        (replace(material, source=material.source.subset(range(5))), "its data.source is another"),
        (replace(material, target=material.report), "its data.target is another"),
    ):
        with pytest.raises(OutputError, match=f"holds a sweep of another configuration .{name}.; choose another"):
            list(sweep(CONFIG, plan(["source_only"], [0], [], material), other, out))
    with pytest.raises(OutputError, match=r"steps is 4 there and 5 here"):
        list(sweep(replace(CONFIG, steps=5), plan(["source_only"], [0], [], material), material, out))
    assert {file.name: file.read_bytes() for file in out.glob("*.*")} == before
    # Fewer methods, another seed: what was there stays in the table.
    list(sweep(CONFIG, plan(["source_only"], [1], [], material), material, out))
    assert [(o.arm.name, o.arm.seed) for o in read_results(out)] == [
        ("source_only", 0),
        ("dann", 0),
        ("source_only", 1),
    ]
    # Scored on other images, the old figures are no part of it.
    other = replace(material, report=material.report.subset(range(2)))
    list(sweep(CONFIG, plan(["source_only"], [0], [], other), other, out))
    assert [(o.arm.name, o.arm.seed) for o in read_results(out)] == [("source_only", 0)]


def test_the_same_sweep_again_trains_and_scores_nothing(
    material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    arms = plan(["source_only"], [0], [2], material)
    steps: list[tuple[str, int, int]] = []
    first = list(
        sweep(CONFIG, arms, material, tmp_path, lambda arm, step, total: steps.append((arm.name, step, total)))
    )
    assert steps == [(name, k, 4) for name in ("source_only", "finetune-2", "scratch-2") for k in (1, 2, 3, 4)]
    monkeypatch.setattr(sweeping, "evaluate", None)
    again = list(sweep(CONFIG, arms, material, tmp_path, lambda *_: pytest.fail("a step was made")))
    assert again == first
    assert [list(o.scores) for o in again] == [list(o.scores) for o in first]


def test_an_interrupted_sweep_ends_in_the_same_figures(material: Material, tmp_path: Path):
    arms = plan(["source_only", "dann"], [0], [], material)
    whole = list(sweep(CONFIG, arms, material, tmp_path / "whole"))

    def stop(arm: Arm, step: int, total: int) -> None:
        if (arm.method, step) == ("dann", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(sweep(CONFIG, arms, material, tmp_path / "parts", stop))
    assert list(sweep(CONFIG, arms, material, tmp_path / "parts")) == whole


def test_an_arm_is_a_run_of_train(material: Material, tmp_path: Path):
    arms = plan(["dann"], [3], [], material)
    list(sweep(CONFIG, arms, material, tmp_path / "out"))
    alone = replace(CONFIG, method={"kind": "dann"}, seed=3)
    assert material.target is not None
    model = train(alone, material.source, tmp_path / "out" / "dann-3", target=material.target)
    assert model == tmp_path / "out" / "dann-3" / "model.pt"


def test_fine_tuning_mixes_in_the_source_or_the_set_that_is_given(material: Material, tmp_path: Path):
    config, arms = replace(CONFIG, method={"kind": "finetune", "mix": 0.5}), plan(["finetune"], [0], [], material)
    other = material.source.subset(range(4))
    assert material.labelled is not None
    for name, given, simulated in (("own", None, material.source), ("other", other, other)):
        with_it, out = replace(material, simulated=given), tmp_path / name
        assert [o.problem for o in sweep(config, arms, with_it, out)] == ["", ""]
        start = out / "source_only-0" / "model.pt"
        folder = out / "finetune-0"
        again = train(replace(config, seed=0), material.labelled, folder, simulated=simulated, init=start)
        assert again == folder / "model.pt"


def test_a_set_to_mix_in_that_no_run_would_see_is_refused(material: Material, tmp_path: Path):
    given, out = replace(material, simulated=material.source), tmp_path / "out"
    for methods, method in ((["finetune"], {"kind": "finetune"}), (["source_only"], {"kind": "finetune", "mix": 0.5})):
        with pytest.raises(ConfigError, match=r"--simulated: expected finetune with a share for it \(method\.mix\)"):
            next(sweep(replace(CONFIG, method=method), plan(methods, [0], [], given), given, out))
    assert not out.exists()


def test_without_a_report_set_the_validation_is_shown(material: Material, tmp_path: Path):
    outcome = next(sweep(CONFIG, [Arm("source_only", 0)], replace(material, report=None), tmp_path))
    assert list(outcome.scores) == ["validation accuracy"]


def _outcomes() -> list[Outcome]:
    found = [
        ("source_only", 0, 0.5, 0.7),
        ("finetune", 5, 0.8, 0.9),
        ("oracle", 5, 0.3, 0.3),
        ("finetune", 20, 0.9, 0.9),
    ]
    return [
        Outcome(Arm(name, seed, k), {"accuracy": value})
        for name, k, *values in found
        for seed, value in enumerate(values)
    ]


def test_rows_and_curves_by_hand(tmp_path: Path):
    table = {row.name: row.figures["accuracy"] for row in rows(_outcomes())}
    assert table["source_only"] == (pytest.approx(0.6), pytest.approx(0.02**0.5))
    found = curves(_outcomes(), "accuracy")
    assert [(k, round(mean, 6)) for k, mean, _ in found["finetune"]] == [(0, 0.6), (5, 0.85), (20, 0.9)]
    assert [(k, round(mean, 6), spread) for k, mean, spread in found["scratch"]] == [(5, 0.3, 0.0)]
    assert rows([Outcome(Arm("dann", 0), {"accuracy": 0.5})])[0].figures["accuracy"] == (0.5, None)
    write_results(_outcomes(), tmp_path)
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["table"]["finetune-20"]["accuracy"] == {"mean": 0.9, "sd": 0.0, "seeds": 2}


def test_all_labelled_photographs_are_the_end_of_the_curve():
    whole = [*_outcomes(), Outcome(Arm("oracle", 0), {"accuracy": 0.95}), Outcome(Arm("dann", 0), {"accuracy": 0.1})]
    found = curves(whole, "accuracy", labelled=50)
    assert found["scratch"] == [(5, 0.3, 0.0), (50, 0.95, 0.0)]
    assert [k for k, _, _ in found["finetune"]] == [0, 5, 20]
    assert curves([Outcome(Arm("source_only", 0), {"accuracy": 0.5})], "accuracy", labelled=50) == {}


def test_a_figure_that_some_run_lacks_has_no_mean():
    found = [Outcome(Arm("dann", 0), {"map50": 0.5, "map": 0.2}), Outcome(Arm("dann", 1), {"map50": 0.7})]
    assert list(rows(found)[0].figures) == ["map50"]
