"""Crops in a rendered scene: the labels are what is drawn, and things stand where they can."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pixel_fakes import CLASSES, crops, scene, written

from simgen.annotate import Labels
from simgen.errors import DataError
from simgen.rare.looks import luma
from simgen.rare.pixels.composite import Composer
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.matching import blur_px, gain_of, grain, matched_blur, noise_of
from simgen.rare.pixels.relabel import Drawn, relabelled
from simgen.rare.pixels.spots import Placing, find_spot
from simgen.rare.pixels.support import support_of
from simgen.samples import Sample

CALM = Placing(shadow=0.0, light=0.0, noise=False)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def painted(some: Crops, color: tuple[int, int, int]) -> Crops:
    rgba = some.rgba.copy()
    rgba[..., :3] = color
    return replace(some, rgba=rgba)


def filled(some: Crops, count: int, placing: Placing = CALM, sample: Sample | None = None) -> Sample:
    composer = Composer(sample or scene(), placing, rng())
    for number in range(count):
        assert composer.add(some, number, rng(number), {"source": "test"})
    return composer.sample


def test_the_plane_is_that_of_the_table():
    found = support_of(scene(0.4), rng())
    assert found.normal == pytest.approx([0.0, -np.sin(0.4), -np.cos(0.4)], abs=1e-3)
    assert found.offset_m == pytest.approx(0.5, abs=1e-3)
    assert found.heights_m[58, 78] == pytest.approx(0.03, abs=1e-3)
    assert found.above[50:66, 70:86].all()
    assert found.above.sum() == 256
    foot = found.beneath(found.rays[10, 10])
    assert foot == pytest.approx(found.rays[10, 10] * scene(0.4).depth_m[10, 10], abs=1e-3)


def test_the_mask_is_exactly_what_is_drawn():
    some = crops(6, size=32)
    red, green = (filled(painted(some, color), 4) for color in ((255, 0, 0), (0, 255, 0)))
    drawn = (red.rgb != green.rgb).any(2)
    masks = np.zeros_like(drawn)
    for annotation in red.annotations[1:]:
        assert annotation.mask is not None
        masks |= annotation.mask
    assert (masks & drawn).sum() / (masks | drawn).sum() == 1.0
    assert masks.sum() > 150
    outside = ~masks
    assert (red.rgb[outside] == scene().rgb[outside]).all()


def test_labels_agree_with_each_other():
    sample = filled(crops(8, size=32), 6, Placing(visible=(0.2, 1.0)))
    assert len(sample.annotations) == 7
    assert len({a.instance_id for a in sample.annotations}) == 7
    for annotation in sample.annotations:
        mask = annotation.mask
        assert mask is not None
        assert (mask == (sample.instances == annotation.instance_id)).all()
        rows, columns = np.nonzero(mask)
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert annotation.box_xyxy.tolist() == tight
    assert np.isfinite(sample.depth_m).all()
    assert [p["instance_id"] for p in sample.metadata["placed"]] == [a.instance_id for a in sample.annotations[1:]]
    assert sample.metadata["placed"][0]["source"] == "test"
    assert sample.metadata["placed"][0]["crop"] == "0.png#0"
    assert sample.metadata["scene"] == {}


def test_a_filled_sample_can_be_written_and_read(tmp_path):
    sample = filled(crops(4, size=32), 3)
    again = written(tmp_path / "set", [sample])[0]
    assert (again.rgb == sample.rgb).all()
    assert again.metadata["placed"] == sample.metadata["placed"]
    for ours, theirs in zip(sample.annotations, again.annotations, strict=True):
        assert (ours.mask == theirs.mask).all()
        assert ours.visible_fraction == theirs.visible_fraction


def test_a_crop_is_as_large_as_it_is_at_its_depth():
    some = crops(2, size=32)
    sample = filled(some, 2)
    for number, annotation in enumerate(sample.annotations[1:]):
        row, column = (int(np.median(v)) for v in np.nonzero(annotation.mask))
        share = max(annotation.size_wh) / (0.03 * 200 / float(sample.depth_m[row, column]))
        silhouette = some.rgba[number, ..., 3] >= 128
        expected = np.ptp(np.nonzero(silhouette)[0]) + 1
        assert share * 32 == pytest.approx(expected, abs=3.5)


def test_a_crop_without_a_metric_size_is_as_large_as_its_neighbours():
    some = replace(crops(4, size=32), side_m=np.full(4, np.nan))
    sample = filled(some, 2)
    for annotation in sample.annotations[1:]:
        row, column = (int(np.median(v)) for v in np.nonzero(annotation.mask))
        metres = max(annotation.size_wh) * float(sample.depth_m[row, column]) / 200
        assert metres == pytest.approx(16 * float(scene().depth_m[58, 78]) / 200, rel=0.12)


def test_nothing_stands_inside_of_another_thing_or_beyond_the_table():
    sample = scene()
    support = support_of(sample, rng())
    feet = []
    for seed in range(60):
        spot = find_spot(sample, support, crops(size=32).rgba[1], 0.03, Placing(), rng(seed))
        assert spot is not None
        rows, columns = np.nonzero(spot.mask)
        feet.append((columns.mean(), rows.mean()))
    away = np.hypot(*(np.array(feet) - (78, 62)).T)
    assert away.min() > 6
    half = replace(sample, depth_m=np.where(np.arange(160) < 80, sample.depth_m, 0).astype(np.float32))
    support = support_of(half, rng())
    for seed in range(20):
        spot = find_spot(half, support, crops(size=32).rgba[1], 0.03, Placing(), rng(seed))
        assert spot is not None
        assert np.nonzero(spot.mask)[1].mean() < 82


class Pointing:
    """In place of a generator: every place that it draws is one pixel of the 160 x 120 scene."""

    def __init__(self, column: int, row: int) -> None:
        self.place = {160: column, 120: row}

    def integers(self, high: int, size: int) -> np.ndarray:
        return np.full(size, self.place[high])


def test_what_is_nearer_hides_the_crop_and_what_is_farther_is_hidden():
    some = replace(crops(size=32), side_m=np.full(24, 0.08))
    composer = Composer(scene(0.9), replace(CALM, visible=(0.1, 1.0)), rng())
    assert composer.add(some, 1, Pointing(78, 50), {})
    box, behind = composer.sample.annotations
    assert box.visible_fraction == 1.0
    assert behind.visible_fraction < 0.97
    assert (composer.sample.instances[50:66, 70:86] == box.instance_id).all()
    composer = Composer(scene(0.9), replace(CALM, height=2.0), rng())
    assert composer.add(some, 1, Pointing(80, 78), {})
    box, front = composer.sample.annotations
    assert front.visible_fraction == 1.0
    assert box.visible_fraction < 1.0
    assert box.visible_fraction == pytest.approx(box.mask.sum() / 256, abs=1e-4)


def test_a_wished_visibility_is_kept():
    for seed in range(10):
        composer = Composer(scene(), replace(CALM, visible=(0.4, 0.7), tries=2000), rng())
        assert composer.add(crops(size=32), 0, rng(seed), {})
        assert 0.4 <= composer.sample.annotations[-1].visible_fraction <= 0.7


def test_a_crop_that_cannot_be_placed_changes_nothing():
    sample = scene()
    composer = Composer(sample, replace(CALM, footprint=2.0), rng())
    huge = replace(crops(size=32), side_m=np.full(24, 3.0))
    assert not composer.add(huge, 0, rng(), {})
    assert composer.sample is sample


def test_covering_takes_pixels_boxes_and_keypoints_of_others():
    sample = scene()
    mask = np.zeros((120, 160), bool)
    mask[50:66, 60:78] = True
    drawn = Drawn("disc", mask, np.full((120, 160), 0.3, np.float32), 0.9, False, {})
    covered, ours = relabelled(sample, drawn, Labels()).annotations
    assert covered.box_xyxy.tolist() == [78, 50, 86, 66]
    assert covered.visible_fraction == 0.5
    assert covered.keypoints[:, 2].tolist() == [2.0, 1.0]
    assert sample.annotations[0].keypoints[:, 2].tolist() == [2.0, 2.0]
    assert (ours.class_name, ours.visible_fraction, ours.instance_id) == ("disc", 0.9, 4)
    mask[50:66, 78:86] = True
    assert [a.class_name for a in relabelled(sample, drawn, Labels()).annotations] == ["disc"]


def test_nothing_is_known_of_the_parts_normals_and_coordinates_of_what_was_drawn():
    ones = np.ones((120, 160), np.int32)
    sample = replace(scene(), parts=ones, normals=np.ones((120, 160, 3), np.float32), coordinates=None)
    mask = np.zeros((120, 160), bool)
    mask[50:66, 60:78] = True
    drawn = Drawn("disc", mask, np.full((120, 160), 0.3, np.float32), 0.9, False, {})
    found = relabelled(sample, drawn, Labels())
    np.testing.assert_array_equal(found.parts, ~mask)
    np.testing.assert_array_equal(found.normals, np.repeat(~mask[..., None], 3, -1))
    assert found.coordinates is None
    assert (sample.parts == 1).all()


def test_the_shadow_darkens_the_ground_alone_and_near_the_crop_most():
    light = painted(crops(4, size=32), (120, 120, 120))
    before, after = scene(), filled(light, 1, replace(CALM, shadow=0.5))
    mask = after.annotations[-1].mask
    darker = before.rgb.astype(int) - after.rgb
    assert (darker[~mask] >= 0).all()
    assert (darker[50:66, 70:86] == 0).all()  # the box is no ground
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))).astype(bool) & ~mask
    far = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25))).astype(bool) & ~near & ~mask
    assert darker[near].mean() > 3 * darker[far].mean() > 0


def test_a_crop_from_a_bright_picture_gets_darker_in_a_dark_one():
    some = painted(crops(4, size=32), (200, 200, 200))
    some.attributes[:, 2] = 0.5
    means = []
    for factor in (1.0, 0.4):
        sample = scene()
        sample = replace(sample, rgb=(sample.rgb * factor).astype(np.uint8))
        done = filled(some, 1, replace(CALM, light=1.0), sample)
        means.append(done.rgb[done.annotations[-1].mask].mean())
    assert means[1] < 0.7 * means[0] < 0.7 * 200


def test_blur_and_noise_are_measured_as_they_are():
    step = np.full((80, 80), 60, np.float32)
    step[:, 40:] = 200
    where = np.ones((80, 80), bool)
    measured = []
    for sigma in (1.0, 1.5, 2.5):
        measured.append(blur_px(cv2.GaussianBlur(step, (0, 0), sigma), where))
        assert measured[-1] == pytest.approx(np.hypot(sigma, 0.6), abs=0.2)
    assert blur_px(np.full((80, 80), 90, np.float32), where) == 0.0
    noisy = 120 + rng().normal(0, 4, (200, 200)).astype(np.float32)
    assert noise_of(noisy, np.ones((200, 200), bool)) == pytest.approx(4, rel=0.05)
    made = luma(grain((200, 200), 4, rng()))
    assert 255 * made.std() == pytest.approx(4, rel=0.05)


def test_a_sharp_patch_is_blurred_to_the_scene_and_a_soft_one_is_left():
    patch = np.ones((80, 80, 4), np.float32)
    patch[:, :40, :3] = 0.2
    soft = matched_blur(patch, 2.0)
    where = np.ones((80, 80), bool)
    assert blur_px(255 * luma(soft[..., :3]), where) == pytest.approx(2.0, abs=0.3)
    assert matched_blur(soft, 1.0) is soft


def test_gains_are_bounded():
    assert gain_of(0.5, 0.4, 1.0) == pytest.approx(1.25)
    assert gain_of(0.9, 0.01, 1.0) == 2.0
    assert gain_of(0.1, 0.9, 0.0) == 1.0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"depth_m": None}, "sample 7: expected a depth image to place objects by, got none"),
        ({"camera_matrix": None}, "sample 7: expected a camera matrix to place objects by, got none"),
        (
            {"depth_m": np.zeros((120, 160), np.float32)},
            "sample 7: expected a plane to place objects on, found none in its depth image",
        ),
    ],
)
def test_a_scene_that_cannot_take_crops_is_one_sentence(changes, sentence):
    with pytest.raises(DataError) as error:
        Composer(replace(scene(), **changes), CALM, rng())
    assert str(error.value) == sentence


def test_the_same_generator_gives_the_same_picture():
    first, second = (filled(crops(6, size=32), 4, Placing()) for _ in range(2))
    assert (first.rgb == second.rgb).all()
    assert first.annotations[2].class_name in CLASSES
