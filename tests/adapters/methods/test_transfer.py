"""Linear probe, fine-tuning, the oracle: what learns, how fast, and how the labelled photographs are cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import OFF, shapes, write_coco

from simgen.adapters.checkpoint import load_model
from simgen.adapters.crops import CropView
from simgen.adapters.methods import METHODS, Setup
from simgen.adapters.methods.finetune import Finetune, deepest
from simgen.adapters.models import build_model
from simgen.adapters.prepare import Sets, prepare
from simgen.adapters.settings import (
    OTHER_SEEDS,
    BoxHabit,
    OptimizerConfig,
    RuntimeConfig,
    TargetConfig,
    TrainConfig,
    ValidationConfig,
    photograph_config,
)
from simgen.adapters.tasks import TASKS
from simgen.adapters.train import train
from simgen.errors import ConfigError, DataError, OutputError
from simgen.formats import read_images
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageSet

CLASSES = ("square", "disc")
CONFIG = TrainConfig(
    task="classify",
    model={"kind": "crop_classifier", "widths": [4, 8]},
    steps=4,
    batch_size=4,
    view=CropView(input_size=8, grey=False),
    box=BoxHabit(square=True, slack=1.4),
    target=TargetConfig(box=BoxHabit(slack=1.1)),
    augment=OFF,
    optimizer=OptimizerConfig(warmup_steps=0),
    validation=ValidationConfig(fraction=0.34),
    runtime=RuntimeConfig(accelerator="cpu", precision="32-true", threads=1, workers=0),
)


def _setup() -> Setup:
    return Setup(TASKS["classify"](CLASSES, CONFIG), 8, 2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "set", shapes(6), CLASSES)


def _changed(data: Path, folder: Path, method: dict[str, object]) -> set[str]:
    start = train(CONFIG, data, folder / "start")
    end = train(replace(CONFIG, method=method), data, folder / "end", init=start)
    before, after = load_model(start).state_dict, load_model(end).state_dict
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def test_a_probe_leaves_the_encoder_and_its_statistics_to_the_bit(data: Path, tmp_path: Path):
    assert _changed(data, tmp_path, {"kind": "linear_probe"}) == {"head.weight", "head.bias"}


def test_fine_tuning_reaches_every_weight(data: Path, tmp_path: Path):
    names = set(dict(build_model(CONFIG.model | {"in_channels": 3}, 2).named_parameters()))
    assert names <= _changed(data, tmp_path, {"kind": "finetune"})


def test_layers_that_have_not_joined_in_stay(data: Path, tmp_path: Path):
    changed = _changed(data, tmp_path, {"kind": "finetune", "unfreeze": 0.99})
    assert {name.partition(".first")[0].partition(".second")[0].partition(".shortcut")[0] for name in changed} == {
        "head.weight",
        "head.bias",
        "stages.0",
        "stages.1",
    }


def test_layers_join_in_from_the_heads_down():
    assert [deepest(step / 8, 4, 0.5) for step in range(6)] == [0, 1, 2, 3, 4, 4]
    assert deepest(0.0, 4, 0.0) == 4


def test_the_factors_of_the_layers_by_name():
    model = build_model(CONFIG.model | {"in_channels": 3}, 2)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = Finetune(_setup(), rate=0.5, decay=0.1).groups(model, 0.05)
    factors = {names[id(p)]: group["lr_factor"] for group in groups for p in group["params"]}
    assert factors.keys() == dict(model.named_parameters()).keys()
    assert factors["head.weight"] == pytest.approx(0.5)
    assert factors["stages.1.first.0.weight"] == pytest.approx(0.05)
    assert factors["stages.0.first.1.bias"] == pytest.approx(0.005)
    assert factors["stem.0.0.weight"] == pytest.approx(0.0005)
    decays = {names[id(p)]: group["weight_decay"] for group in groups for p in group["params"]}
    assert decays["head.weight"] == 0.05
    assert decays["head.bias"] == decays["stages.0.first.1.weight"] == 0


def test_a_rate_that_cannot_be_is_one_sentence(data: Path, tmp_path: Path):
    start = train(CONFIG, data, tmp_path / "start")
    with pytest.raises(
        ConfigError, match=r"method finetune: .*expected rate > 0, decay in \(0, 1\].*got 0.3, 1.5, 0.3"
    ):
        train(replace(CONFIG, method={"kind": "finetune", "decay": 1.5}), data, tmp_path / "run", init=start)


@pytest.mark.parametrize(("kind", "slack"), [("source_only", 1.4), ("oracle", 1.1), ("finetune", 1.1)])
def test_labelled_photographs_are_cut_without_the_habits_of_simulated_boxes(
    kind: str, slack: float, data: Path, tmp_path: Path
):
    start = train(CONFIG, data, tmp_path / "start")
    model = load_model(train(replace(CONFIG, method={"kind": kind}), data, tmp_path / "run", init=start))
    assert model.preprocess["box"]["slack"] == slack
    assert METHODS[kind].real_labels == (slack == 1.1)


def _grey(folder: Path) -> ImageSet:
    """Return a set of plain grey pictures with labelled boxes."""
    pictures = [(np.full_like(rgb, 77), objects) for rgb, objects in shapes(5, seed=3)]
    return CocoDataset.read(write_coco(folder / "grey", pictures, CLASSES))


def test_half_of_each_batch_is_simulated_and_cut_as_simulated_pictures_are(data: Path, tmp_path: Path):
    simulated = _grey(tmp_path)
    config = replace(CONFIG, method={"kind": "finetune", "mix": 0.5})
    start = train(CONFIG, data, tmp_path / "start")
    photographs = read_images(data)
    batches = prepare(config, Sets(photographs, simulated=simulated), start).batches(photographs)
    items = TASKS["classify"](CLASSES, photograph_config(config)).items(photographs, 99)
    seen = set()
    for step in range(config.steps):
        crops, labels = batches[step][0]["crop"], batches[step][0]["label"]
        assert [bool((crop == 77).all()) for crop in crops] == [False, False, True, True]
        assert all(torch.equal(crops[k], items[2 * step + k][0]) for k in range(2))
        assert labels[:2].tolist() == [items[2 * step + k][1] for k in range(2)]
        seen |= set(labels[2:].tolist())
    assert seen == {0, 1}


def test_simulated_pictures_have_the_habits_of_simulated_boxes(data: Path, tmp_path: Path):
    config = replace(CONFIG, method={"kind": "finetune", "mix": 0.5}, seed=5)
    start = train(CONFIG, data, tmp_path / "start")
    images = read_images(data)
    crops = prepare(config, Sets(images, simulated=images), start).batches(images)[0][0]["crop"]
    as_simulated = replace(config, seed=config.seed + OTHER_SEEDS)
    for place, cut in ((0, photograph_config(config)), (2, as_simulated)):
        items = TASKS["classify"](CLASSES, cut).items(images, 9)
        assert torch.equal(crops[place], items[0][0])


def test_what_is_mixed_in_changes_the_model_and_belongs_to_the_run(data: Path, tmp_path: Path):
    simulated = _grey(tmp_path)
    start = train(CONFIG, data, tmp_path / "start")
    config = replace(CONFIG, method={"kind": "finetune", "mix": 0.5})
    mixed = train(config, data, tmp_path / "mixed", init=start, simulated=simulated)
    plain = train(replace(config, method={"kind": "finetune"}), data, tmp_path / "plain", init=start)
    first, second = (load_model(path).state_dict["head.weight"] for path in (mixed, plain))
    assert not torch.equal(first, second)
    with pytest.raises(OutputError, match=r"data\.simulated is"):
        train(config, data, tmp_path / "mixed", init=start, simulated=simulated.subset(range(3)))


def test_sets_that_do_not_mix_are_refused(data: Path, tmp_path: Path):
    simulated = _grey(tmp_path)
    start = train(CONFIG, data, tmp_path / "start")

    def run(method: dict[str, object], other: ImageSet | None) -> None:
        train(replace(CONFIG, method=method), data, tmp_path / "run", init=start, simulated=other)

    with pytest.raises(ConfigError, match=r'"finetune": mix needs labelled simulated images \(--simulated\), got none'):
        run({"kind": "finetune", "mix": 0.5}, None)
    with pytest.raises(ConfigError, match=r"takes no second labelled set \(--simulated\) unless .* method\.mix"):
        run({"kind": "finetune"}, simulated)
    with pytest.raises(ConfigError, match=r"method\.mix: 0\.05 of a batch of 4 leaves none for one of the two sets"):
        run({"kind": "finetune", "mix": 0.05}, simulated)
    with pytest.raises(ConfigError, match=r"expected mix in \[0, 1\), got 1"):
        run({"kind": "finetune", "mix": 1.0}, simulated)
    swapped = ImageSet(simulated.root, ("disc", "square"), simulated.records)
    with pytest.raises(DataError, match=r'grey": labelled with \[disc, square\], but ".*set" with \[square, disc\]'):
        run({"kind": "finetune", "mix": 0.5}, swapped)
    assert not (tmp_path / "run").exists()
