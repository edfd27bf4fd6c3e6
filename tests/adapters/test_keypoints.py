"""The task keypoints: its targets, its search with a network that knows the answer, and the command's road."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_fakes import OFF
from planes_for_tests import MATRIX, POINTS_M, SIZE_WH, THING, photograph, pose, write_plates

from simgen.adapters.checkpoint import load_model
from simgen.adapters.crops import to_grey
from simgen.adapters.models import build_model
from simgen.adapters.models.keypoint_net import PlaneOutput
from simgen.adapters.models.neck import STRIDE
from simgen.adapters.planes import predict as predict_planes
from simgen.adapters.planes.crops import PlaneCrops, cell_middles, image_homography, mean_portrait, object_of
from simgen.adapters.planes.geometry import likeness, mapped, plane_homography, portrait
from simgen.adapters.planes.predict import PlaneView, find_plane
from simgen.adapters.settings import KeypointConfig, TrainConfig
from simgen.adapters.tasks import TASKS
from simgen.adapters.tasks.keypoints import Keypoints
from simgen.cli.app import main
from simgen.errors import CheckpointError, ConfigError, DataError
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageSet
from simgen.geometry import project, transform

CONFIG = TrainConfig(task="keypoints", augment=OFF, keypoints=KeypointConfig(crop_size=96, overview_px=160))
POSES = [pose(20), pose(140, 40), pose(-80, 10, 0.6), pose(250, 30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plates(tmp_path_factory.mktemp("plates") / "set", POSES)


@pytest.fixture(scope="module")
def data(folder: Path) -> CocoDataset:
    return CocoDataset.read(folder)


@pytest.fixture(scope="module")
def view(data: CocoDataset) -> PlaneView:
    return PlaneView(THING, mean_portrait(data, THING), 96, 160, 0.2)


def test_the_set_says_what_the_object_is_like(data, view):
    thing = object_of(data)
    assert (thing.names, thing.outline_m) == (THING.names, pytest.approx(THING.outline_m))
    np.testing.assert_allclose(thing.points_m, THING.points_m, atol=1e-9)
    assert view.portrait.shape == THING.portrait_wh[::-1]
    assert view.portrait.std() > 40


def test_targets_say_which_place_of_the_board_each_cell_shows(data):
    crops = PlaneCrops(data, THING, CONFIG, 24)
    for k in range(24):
        item = crops[k]
        size = item.mask.shape[0]
        assert item.image.shape == (3, 96, 96)
        assert size * STRIDE == 96
        seen = item.mask.numpy() > 0
        places = THING.places(item.coordinates.numpy()[:, seen].T)
        assert ((places > -1e-4) & (places < np.array(THING.outline_m) + 1e-4)).all()
        if item.counts and seen.sum() > 20:
            # y runs down in the crop, for the board as it is or upside down.
            rows, v = np.nonzero(seen)[0], item.coordinates.numpy()[1][seen]
            assert np.corrcoef(rows, v)[0, 1] > 0.4


def test_the_middles_of_cells_are_those_of_their_pixels():
    np.testing.assert_array_equal(cell_middles(2, 3)[[0, 1, 3]], [[1.5, 1.5], [5.5, 1.5], [1.5, 5.5]])


def test_upside_down_as_often_as_not_and_the_same_every_time(data):
    task = TASKS["keypoints"](data.classes, CONFIG)
    items = task.items(data, 64)
    batch = task.collate([items[k] for k in range(32)])
    again = task.collate([task.items(data, 64)[k] for k in range(32)])
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert 0.4 < batch["counts"].mean() < 0.95
    assert not torch.equal(items[32].image, items[36].image)


def test_perfect_maps_cost_almost_nothing_and_overviews_teach_the_mask_alone(data):
    task = TASKS["keypoints"](data.classes, CONFIG)
    items = task.items(data, 8)
    batch = task.collate([items[k] for k in range(8)])
    perfect = PlaneOutput(torch.where(batch["mask"] > 0, 14.0, -14.0), batch["coordinates"])
    assert sum(task.losses(perfect, batch).values()) < 1e-4
    off = perfect._replace(coordinates=perfect.coordinates + 0.1)
    assert task.losses(off, batch)["coordinates"] > 0.5
    assert task.losses(off, {**batch, "counts": torch.zeros(8)})["coordinates"] == 0


class _Knowing:
    """A network that knows the answer: it is told how a crop was cut, and sees only boards that are about upright."""

    def __init__(self, homography: np.ndarray, error_m: float = 0.0) -> None:
        self.homography, self.error_m, self.transform, self.looks = homography, error_m, np.eye(3), 0

    def warped(
        self, rgb: np.ndarray, crop_T_image: np.ndarray, size_wh: tuple[int, int], fill: int = 114
    ) -> np.ndarray:
        self.transform = crop_T_image
        return np.zeros((size_wh[1], size_wh[0], 3), np.uint8)

    def look(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.looks += 1
        rows, columns = -(-image.shape[0] // STRIDE), -(-image.shape[1] // STRIDE)
        whole = self.transform @ self.homography
        places = mapped(np.linalg.inv(whole), cell_middles(rows, columns))
        inside = ((places >= 0) & (places <= THING.outline_m)).all(axis=1)
        x, y = np.diff(mapped(whole, THING.places(np.array([[0, 0], [0, 1e-3]]))), axis=0)[0]
        upright = abs(np.arctan2(x, abs(y))) < np.deg2rad(45)
        coordinates = THING.normalised(places + self.error_m) * (np.sign(y) if upright else 0)
        return inside.reshape(rows, columns).astype(float), coordinates.reshape(rows, columns, 2)


@pytest.mark.parametrize("turn_deg", [0, 55, 90, 130, 180, 200, 305])
def test_the_object_is_found_under_every_turn_to_a_tenth_of_a_pixel(turn_deg, view, monkeypatch):
    held = pose(turn_deg, 30, 0.55)
    knows = _Knowing(plane_homography(MATRIX, held), error_m=0.006)
    monkeypatch.setattr(predict_planes, "warped", knows.warped)
    found = find_plane(photograph(held, 5), MATRIX, view, knows.look)
    assert found is not None
    assert found.score > 0.85
    np.testing.assert_allclose(found.keypoints, project(MATRIX, transform(held, POINTS_M)), atol=0.2)
    np.testing.assert_allclose(found.cam_T_object, held, atol=3e-3)
    assert found.mask(SIZE_WH).sum() > 5000
    assert knows.looks <= 4


def test_an_object_that_is_not_there_is_not_found_or_not_like_it(view):
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)

    def nothing(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((image.shape[0] // 4, image.shape[1] // 4)), np.zeros((*(s // 4 for s in image.shape[:2]), 2))

    def everything(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = image.shape[0] // 4, image.shape[1] // 4
        places = np.stack(np.meshgrid(np.linspace(-0.7, 0.7, columns), np.linspace(-1, 1, rows)), -1)
        return np.ones((rows, columns)), places

    assert find_plane(noise, MATRIX, view, nothing) is None
    found = find_plane(noise, None, view, everything)
    assert found is not None
    assert found.score < 0.3
    assert found.cam_T_object is None


def test_train_evaluate_and_the_files_of_both(folder, tmp_path, capsys):
    settings = ["steps=2", "batch_size=2", "keypoints.crop_size=64", "runtime.workers=0", "runtime.precision=32-true"]
    out, report = tmp_path / "run", tmp_path / "report"
    options = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", str(folder), "-o", str(out), "--config", "charuco", *options]) == 0
    model = load_model(out / "model.pt")
    assert model.task == "keypoints"
    assert PlaneView.from_plain(model.preprocess).thing.names == THING.names
    assert main(["evaluate", str(out / "model.pt"), str(folder), "-o", str(report), "--repeats", "20"]) == 0
    metrics = json.loads((report / "metrics.json").read_text())
    assert metrics["task"] == "keypoints"
    assert metrics["images"] == 4
    assert {"pck@1", "oks", "add_mm_median", "adds_mm_median", "mask_iou", "gross_failures"} <= set(metrics["scores"])
    assert set(metrics["per_image"]) == {f"{k:08d}.png" for k in range(4)}
    page = (report / "report.html").read_text("utf-8")
    assert page.count("<figure>") == 4
    assert "rotation error, degrees (median)" in page
    assert "pck@1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "damage", [{"portrait": [[1]]}, {"crop_px": 0}, {"object": {}}, {"window": "x"}, {"portrait": [[1, 2], [3]]}]
)
def test_a_damaged_preprocess_is_one_sentence(view, damage):
    with pytest.raises(CheckpointError, match="model file: "):
        PlaneView.from_plain({**view.as_plain(), **damage})


def test_sets_that_do_not_fit_are_refused(data):
    with pytest.raises(ConfigError, match="expected a set of one class, but got 2"):
        TASKS["keypoints"](["a", "b"], CONFIG)
    record = data.records[0]
    flat = replace(record.annotations[0], outline_m=None)
    bare = CocoDataset(data.root, data.classes, (replace(record, annotations=(flat,)),))
    with pytest.raises(DataError, match="expected keypoints_3d_m in the plane z = 0, and outline_m, of a flat object"):
        object_of(bare)
    for changes, got in (
        ({"camera_matrix": None}, "no camera matrix"),
        ({"lens": {"kind": "brown"}}, "a lens"),
        ({"annotations": ()}, "0 objects with poses"),
    ):
        with pytest.raises(DataError, match=f"but got {got}"):
            image_homography(replace(record, **changes))


def test_the_network_keeps_a_quarter_of_the_size_and_takes_one_class():
    module = build_model(TASKS["keypoints"](["a"], CONFIG).architecture(CocoDataset(Path("set"), ("a",), ())), 1)
    output = module(torch.zeros(1, 3, 64, 96))
    assert output.mask.shape == (1, 1, 16, 24)
    assert output.coordinates.shape == (1, 2, 16, 24)
    with pytest.raises(CheckpointError, match="expected one class, but got 2"):
        build_model({"kind": "plane_net"}, 2)


def test_the_portrait_is_like_each_of_its_sitters(data, view):
    for record in data.records:
        face = portrait(to_grey(record.rgb())[..., 0], image_homography(record), THING)
        assert likeness(face, view.portrait.astype(np.float32)) > 0.9


def _task() -> Keypoints:
    return Keypoints(["charuco_board"], CONFIG)


def test_target_views_are_squares_of_the_pictures_in_one_frame_and_know_no_label(data):
    views = _task().unlabelled(data)
    assert views.rounds == len(data)
    stripped = ImageSet(data.root, data.classes, tuple(replace(r, annotations=(), masks=()) for r in data.records))
    for k in range(8):
        weak, strong = views[k]
        assert weak.shape == (3, 96, 96)
        # Nothing is augmented here, so both views are one.
        assert torch.equal(weak, strong)
        assert torch.equal(weak, _task().unlabelled(stripped)[k][0])
        # A square inside the picture: grey of outside fills no more than the corners that the turn brings in.
        assert (weak == 114).all(dim=0).float().mean() < 0.5
    assert not torch.equal(views[0][0], views[4][0])


def test_methods_compare_cells_that_look_like_the_object():
    mask, features = torch.full((1, 1, 16, 16), -9.0), torch.arange(256.0).reshape(1, 1, 16, 16)
    mask[0, 0, 5, 6], mask[0, 0, 9, 2] = 4.0, 3.0
    vectors, logits = _task().vectors(features, PlaneOutput(mask, torch.zeros(1, 2, 16, 16)))
    assert vectors[:2, 0].tolist() == [5 * 16 + 6, 9 * 16 + 2]
    assert logits[:2, 0].tolist() == [4.0, 3.0]
    assert len(vectors) == 16


def test_a_teacher_tells_the_mask_where_it_is_sure_and_no_coordinates():
    said = PlaneOutput(torch.logit(torch.tensor([[[[0.99, 0.6], [0.02, 0.45]]]])), torch.zeros(1, 2, 2, 2))
    guesses = _task().guesses(said)
    assert guesses.scores.tolist() == pytest.approx([0.99, 0.6, 0.98, 0.55])
    assert guesses.classes.tolist() == [0, 0, 0, 0]
    logits = torch.tensor([[[[0.5, 7.0], [-1.5, 7.0]]]], requires_grad=True)
    losses = _task().taught(PlaneOutput(logits, torch.zeros(1, 2, 2, 2)), guesses, guesses.scores > 0.9)
    by_hand = (np.log1p(np.exp(-0.5)) + np.log1p(np.exp(-1.5))) / 4
    assert set(losses) == {"mask"}
    assert float(losses["mask"].detach()) == pytest.approx(by_hand, rel=1e-5)
