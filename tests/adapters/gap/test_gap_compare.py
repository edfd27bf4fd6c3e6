"""The whole comparison on drawn pictures: directions, models, labels or none, and the page."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from adapter_fakes import shapes, write_coco

from simgen.adapters.checkpoint import ModelFile, save_model
from simgen.adapters.gap import GapConfig, compare, write_gap
from simgen.adapters.gap.axes import AXES
from simgen.adapters.gap.eye import Eye
from simgen.adapters.gap.features import Rows, remoteness, scaled
from simgen.adapters.gap.observe import observe
from simgen.adapters.gap.sets import chosen
from simgen.adapters.models import build_model
from simgen.adapters.pictures import read_folder
from simgen.adapters.predict import predict_classes
from simgen.errors import CheckpointError, DataError
from simgen.formats.coco import CocoDataset

CLASSES = ("square", "<b>disc</b>")
DETECTOR = {
    "kind": "center_detector",
    "neck": 8,
    "backbone": {"kind": "residual", "stem": 4, "widths": [4, 6, 8], "depths": [1, 1, 1]},
}
CLASSIFIER = {"kind": "crop_classifier", "in_channels": 3, "widths": [4, 6]}
VIEW = {"input_size": 16, "grey": False}


def renamed(images):
    return [
        (rgb, [("square" if kind == "square" else CLASSES[1], box) for kind, box in found]) for rgb, found in images
    ]


def pictures(count, seed=0, factor=1.0, labelled=True):
    images = renamed(shapes(count, seed))
    return [((rgb * factor).astype(np.uint8), found if labelled else []) for rgb, found in images]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Return the drawn sets by name: "same" and "source" have one law, "dark" is darkened, "bare" has no labels."""
    root = tmp_path_factory.mktemp("sets")
    made = {
        "source <i>": pictures(24),
        "same": pictures(24, 1),
        "dark": pictures(24, 2, 0.6),
        "bare": pictures(24, 3, 1.0, labelled=False),
    }
    return {name.split()[0]: CocoDataset.read(write_coco(root / name, m, CLASSES)) for name, m in made.items()}


def model_file(path, task):
    architecture = DETECTOR if task == "detect" else CLASSIFIER
    state = build_model(architecture, 2).state_dict()
    preprocess = {"box": {}, "view": VIEW}
    save_model(path, ModelFile(task, list(CLASSES), architecture, preprocess, 1e-3, {"steps": 0}, state))
    return path


def test_darkened_pictures_are_found_darker_and_the_page_says_it(sets, tmp_path):
    gap = compare(sets["source"], sets["dark"], GapConfig())
    (brightness,) = [finding for finding in gap.findings if finding.statistic == "brightness"]
    assert "darker than all of yours: lower light.ambient" in brightness.text
    assert set(brightness.axes) <= {axis.key for axis in AXES["brightness"]}
    assert gap.distances.domain.a_distance == 2
    assert gap.distances.mmd_p_value < 0.01
    assert gap.floor is not None
    assert gap.floor.domain.a_distance < 1
    page = write_gap(gap, tmp_path / "out").read_text("utf-8")
    assert brightness.text in page
    assert "://" not in re.sub(r"data:image/\w+;base64,[^\"]*", "", page)
    assert not re.findall(r"(?:src|href)=\"(?!data:image/)", page)
    assert "<b>disc" not in page
    assert "&lt;b&gt;disc&lt;/b&gt;" in page
    assert "source &lt;i&gt;" in page


def test_equal_sets_have_nothing_to_move(sets, tmp_path):
    gap = compare(sets["source"], sets["same"], GapConfig())
    assert gap.findings == ()
    assert gap.distances.domain.a_distance < 1.2
    assert gap.shift.priors is not None
    assert gap.shift.priors.variation == 0
    assert "Nothing to move" in write_gap(gap, tmp_path).read_text("utf-8")


def test_the_json_is_plain_and_the_same_again(sets, tmp_path):
    first, again = (compare(sets["source"], sets["dark"], GapConfig(seed=3)) for _ in range(2))
    assert first.as_dict() == again.as_dict()
    content = json.loads(write_gap(first, tmp_path).with_name("gap.json").read_text("utf-8"))
    assert content["source"] == {"images": 24, "objects": {"square": 24, CLASSES[1]: 24}, "set": "source <i>"}
    assert set(content["distances_per_class"]) == set(CLASSES)
    assert content["prior_shift"]["compared"] == "labels"
    assert content["concept_shift"] is None


def test_a_target_without_labels_is_compared_as_pictures(sets, tmp_path):
    gap = compare(sets["source"], sets["bare"], GapConfig())
    assert [s.name for s in gap.statistics][-1] == "noise"
    assert gap.per_class == {}
    assert gap.shift.priors is None
    assert gap.as_dict()["target"]["objects"] is None
    assert "prior-probability shift: not known" in write_gap(gap, tmp_path).read_text("utf-8").lower()


def test_a_classifier_gives_features_of_boxes_and_every_kind_of_shift(sets, tmp_path):
    path = model_file(tmp_path / "model.pt", "classify")
    gap = compare(sets["source"], sets["same"], GapConfig(model=path))
    assert gap.source.features.shape == (48, 6)
    assert gap.source.feature_image.tolist() == sorted([*range(24)] * 2)
    assert gap.shift.priors is not None
    assert set(gap.shift.priors.estimates) == {"BBSE", "EM"}
    assert gap.shift.concept is not None
    answers = gap.source.answers
    assert answers is not None
    eye = Eye(path)
    expected = predict_classes(eye._module, sets["source"].records, view=eye._view)
    assert answers.probabilities == pytest.approx(np.concatenate([e.probabilities for e in expected]))
    logits = gap.source.features @ eye._module.head.weight.detach().double().numpy().T
    logits += eye._module.head.bias.detach().double().numpy()
    assert logits.argmax(1) == pytest.approx(answers.said)


def test_a_detector_gives_features_of_pictures_and_answers_for_what_it_finds(sets, tmp_path):
    path = model_file(tmp_path / "model.pt", "detect")
    gap = compare(sets["source"], sets["bare"], GapConfig(model=path, images=12))
    assert gap.source.features.shape == (12, 8)
    assert gap.shift.concept is None
    answers = gap.target.answers
    assert answers is not None
    assert set(answers.true.tolist()) <= {2}
    assert "backbone" in gap.features_from


def test_a_classifier_needs_boxes_and_its_own_classes(sets, tmp_path):
    eye = Eye(model_file(tmp_path / "model.pt", "classify"))
    with pytest.raises(DataError, match="a classifier looks at boxes, and there are none; compare without --model"):
        observe(sets["bare"], eye, 0, source=False)
    eye.classes = ("square",)
    with pytest.raises(
        CheckpointError, match=r"knows the classes \[square\], but .* labelled with \[<b>disc</b>\], too"
    ):
        observe(sets["same"], eye, 0, source=False)


def test_a_classifier_needs_boxes_in_enough_pictures(sets, tmp_path):
    records = sets["same"].records
    few = tuple(record if k < 4 else replace(record, annotations=()) for k, record in enumerate(records))
    config = GapConfig(model=model_file(tmp_path / "model.pt", "classify"))
    with pytest.raises(DataError, match="expected them in at least 10 images of each set, got 24 and 4"):
        compare(sets["source"], CocoDataset(sets["same"].root, CLASSES, few), config)


def test_pictures_that_are_all_the_same_have_finite_distances(tmp_path):
    grey = [(np.full((32, 32, 3), 128, np.uint8), []) for _ in range(10)]
    data = CocoDataset.read(write_coco(tmp_path / "grey", grey, CLASSES))
    gap = compare(data, data, GapConfig())
    assert gap.findings == ()
    assert gap.distances.frechet == pytest.approx(0, abs=1e-9)
    content = write_gap(gap, tmp_path / "out").with_name("gap.json").read_text("utf-8")
    assert "NaN" not in content
    assert "Infinity" not in content


def test_other_classes_are_compared_as_far_as_they_are_shared(sets):
    records = tuple(
        replace(record, annotations=tuple(replace(a, class_name="other") for a in record.annotations))
        for record in sets["same"].records
    )
    gap = compare(sets["source"], CocoDataset(sets["same"].root, ("other",), records), GapConfig())
    assert gap.per_class == {}
    assert gap.shift.priors is None


def test_the_cap_draws_with_the_seed(sets):
    def names(seed):
        return [record.path.name for record in chosen(sets["source"], 10, seed).records]

    assert len(names(0)) == 10
    assert names(0) == sorted(names(0))
    assert names(0) != names(1)


def test_a_bare_folder_of_pictures_is_a_set_without_labels(sets):
    found = read_folder(sets["source"].root / "images")
    assert len(found) == 24
    assert found.classes == ()
    assert found.records[0].rgb().shape == (128, 128, 3)


def test_remoteness_is_the_distance_to_the_other_set():
    source, target = Rows(np.zeros((6, 2)), np.arange(6)), Rows(np.array([[0.0, 0], [3, 4]]), np.arange(2))
    assert remoteness(target, source) == pytest.approx([0, 5])


def test_scaling_drops_what_is_constant():
    source, target = (Rows(np.array(v), np.arange(2)) for v in ([[1.0, 5], [3, 5]], [[2.0, 5], [6, 5]]))
    a, b = scaled(source, target)
    pooled = np.concatenate([a.values, b.values])
    assert pooled.shape == (4, 1)
    assert (pooled.mean(), pooled.std()) == pytest.approx((0, 1))
