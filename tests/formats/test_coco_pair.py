import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO

from simgen.errors import DataError, OutputError
from simgen.formats import FORMATS
from simgen.formats.coco import CocoDataset, CocoWriter
from simgen.formats.layers import LAYERS
from simgen.lens import lens_section
from simgen.rng import stream
from simgen.samples import Annotation, Region, Sample

CLASSES = ("bolt", "nut")
HEADER = {"seed": 3, "config": {"render": {"size": [40, 30]}, "name": "test"}}


def made(index: int) -> Sample:
    """A sample with everything that a sample can have; each mask is the box less one corner pixel."""
    rng = stream(0, index, "sample")
    instances = np.zeros((30, 40), np.int32)
    annotations = []
    for number, name in enumerate(("nut", "bolt"), 1):
        x, y = 4 + 17 * (number - 1), int(rng.integers(2, 10))
        mask = np.zeros((30, 40), bool)
        mask[y : y + 9, x : x + 12] = True
        mask[y, x] = False
        instances[mask] = number
        pose = np.eye(4)
        pose[:3] = rng.normal(size=(3, 4))
        points = np.round(np.column_stack([rng.uniform(0, 30, (2, 2)), [2, number - 1]]), 4)
        annotations.append(
            Annotation(
                name,
                np.array([x, y, x + 12, y + 9], float),
                Region.of(mask),
                number,
                float(rng.uniform()),
                bool(number % 2),
                np.round(pose, 9),
                points,
                ("head", "tail"),
                # Of one class the same in every picture, of the other not.
                np.array([[0.1, 0, 0], [0, 0.25 + (index if name == "nut" else 0), 0]]),
                (0.5, 0.25) if name == "bolt" else None,
                whole=Region(np.ones((9, 14), bool), (x, y), (40, 30)),
            )
        )
    rgb = rng.integers(0, 255, (30, 40, 3)).astype(np.uint8)
    depth = np.asarray(np.round(rng.uniform(0.2, 3, (30, 40)), 3), np.float32)
    matrix = np.array([[50.3, 0, 19.5], [0, 51.7, 14.25], [0, 0, 1]])
    lens = (
        lens_section("brown", (-0.2, 0.05, 0.001, 0.0, 0.0)) if index % 2 else lens_section("fisheye", (0.1, 0, 0, 0))
    )
    return Sample(
        index,
        rgb,
        tuple(annotations),
        depth,
        instances,
        matrix,
        {"scene": {"objects": [1.5, "a"]}},
        lens,
        parts=np.minimum(instances, 1),
        normals=np.where(instances[..., None] > 0, (0.6, 0, -0.8), 0).astype(np.float32),
        coordinates=np.where(instances[..., None] > 0, rng.uniform(size=(30, 40, 3)), 0).astype(np.float32),
    )


def write(folder: Path, *indices: int, **options: Any) -> Path:
    writer = CocoWriter(folder, CLASSES, HEADER, **{"image": "png", "layers": LAYERS, **options})
    for index in indices:
        writer.write(made(index))
    writer.close()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back_equal(name: str, tmp_path: Path) -> None:
    writer = FORMATS[name](tmp_path / "set", CLASSES, HEADER, image="png", layers=LAYERS)
    for index in (3, 0):
        writer.write(made(index))
    writer.close()
    data = CocoDataset.read(tmp_path / "set")
    assert data.classes == CLASSES
    assert [sample.index for sample in data] == [0, 3]
    for found in data:
        wanted = made(found.index)
        np.testing.assert_array_equal(found.rgb, wanted.rgb)
        np.testing.assert_array_equal(found.depth_m, wanted.depth_m)
        np.testing.assert_array_equal(found.instances, wanted.instances)
        np.testing.assert_array_equal(found.parts, wanted.parts)
        np.testing.assert_allclose(found.normals, wanted.normals, atol=1.6e-5)
        np.testing.assert_allclose(found.coordinates, wanted.coordinates, atol=0.8e-5)
        np.testing.assert_array_equal(found.camera_matrix, wanted.camera_matrix)
        assert found.metadata == wanted.metadata
        assert found.lens == wanted.lens
        assert len(found.annotations) == 2
        for a, b in zip(found.annotations, wanted.annotations, strict=True):
            for key in (*(set(vars(b)) - {"region", "whole"}), "mask"):
                np.testing.assert_array_equal(getattr(a, key), getattr(b, key), err_msg=key)
            np.testing.assert_array_equal(a.whole.mask(), b.whole.mask())


def test_points_that_all_objects_of_a_class_have_stand_with_the_class(tmp_path: Path) -> None:
    writer = FORMATS["coco"](tmp_path / "set", CLASSES, HEADER)
    for index in (0, 1):
        writer.write(made(index))
    writer.close()
    content = json.loads((tmp_path / "set" / "annotations.json").read_text())
    bolt, nut = content["categories"]
    assert bolt["keypoints_3d_m"] == [[0.1, 0.0, 0.0], [0.0, 0.25, 0.0]]
    assert bolt["outline_m"] == [0.5, 0.25]
    assert "keypoints_3d_m" not in nut
    assert [("keypoints_3d_m" in a) for a in content["annotations"]] == [True, False, True, False]


def test_poses_of_bop_and_one_camera_for_all_are_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", 0)

    def edit(content: dict[str, Any]) -> None:
        content["camera"] = {"fx": 50, "fy": 51, "cx": 20, "cy": 15, "width": 40, "height": 30}
        del content["images"][0]["cam_K"]
        turn = {"cam_R_m2c": [0, -1, 0, 1, 0, 0, 0, 0, 1], "cam_t_m2c_mm": [10, 20, 3000]}
        content["annotations"][0].update(turn, cam_T_object=None)

    (record,) = CocoDataset.read(change(folder, edit)).records
    np.testing.assert_array_equal(record.camera_matrix, [[50, 0, 20], [0, 51, 15], [0, 0, 1]])
    pose = [[0, -1, 0, 0.01], [1, 0, 0, 0.02], [0, 0, 1, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(record.annotations[0].cam_T_object, pose)


def test_a_lens_is_written_as_opencv_has_it_and_a_pinhole_as_nothing(tmp_path: Path) -> None:
    write(tmp_path / "set", 1)
    (image,) = json.loads((tmp_path / "set" / "annotations.json").read_text())["images"]
    assert image["dist"] == [-0.2, 0.05, 0.001, 0.0, 0.0]
    assert image["dist_model"] == "brown"
    writer = CocoWriter(tmp_path / "pinhole", CLASSES, HEADER)
    writer.write(replace(made(0), lens=None))
    writer.close()
    (image,) = json.loads((tmp_path / "pinhole" / "annotations.json").read_text())["images"]
    assert not {"dist", "dist_model"} & set(image)
    assert CocoDataset.read(tmp_path / "pinhole")[0].lens is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dist": "none"}, """image 2: expected "dist" to be numbers, got 'none'"""),
        ({"dist": [0.1, float("nan")]}, 'image 2: expected "dist" to be numbers, got [0.1, nan]'),
        ({"dist_model": "brwn"}, 'image 2: lens.kind: unknown kind "brwn" (did you mean "brown"?)'),
        ({"dist": [0.1] * 9}, 'image 2: lens: expected at most 5 coefficients of "brown", got 9'),
    ],
)
def test_a_lens_that_makes_no_sense(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    file = write(tmp_path / "set", 1) / "annotations.json"
    content = json.loads(file.read_text())
    content["images"][0].update(change)
    file.write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        CocoDataset.read(tmp_path / "set")
    assert str(caught.value) == f'labels "{file}": {sentence}'


def test_jpeg_is_close_to_the_image(tmp_path: Path) -> None:
    smooth = np.broadcast_to(np.linspace(0, 255, 40, dtype=np.uint8)[None, :, None], (30, 40, 3)).copy()
    writer = CocoWriter(tmp_path / "set", CLASSES, HEADER)
    writer.write(replace(made(0), rgb=smooth))
    writer.close()
    found = CocoDataset.read(tmp_path / "set")[0]
    assert np.abs(found.rgb.astype(int) - smooth).max() <= 6
    assert found.depth_m is None
    assert found.instances is None
    assert found.normals is None


def test_the_reference_reader_agrees(tmp_path: Path) -> None:
    reference = COCO(str(write(tmp_path / "set", 5) / "annotations.json"))
    assert [c["name"] for c in reference.loadCats(reference.getCatIds())] == list(CLASSES)
    records = reference.loadAnns(reference.getAnnIds(imgIds=[6]))
    for record, annotation in zip(records, made(5).annotations, strict=True):
        np.testing.assert_array_equal(reference.annToMask(record).astype(bool), annotation.mask)
        x1, y1, x2, y2 = annotation.box_xyxy
        assert record["bbox"] == [x1, y1, x2 - x1, y2 - y1]
        assert record["area"] == 12 * 9 - 1
        assert record["num_keypoints"] == int((annotation.keypoints[:, 2] > 0).sum())
        assert record["iscrowd"] == 0
    assert reference.loadCats([1])[0]["keypoints"] == ["head", "tail"]


def test_a_resumed_run_ends_in_the_same_bytes(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole", 0, 1, 2)
    torn = tmp_path / "torn"
    first = CocoWriter(torn, CLASSES, HEADER, image="png", layers=LAYERS)
    first.write(made(1))
    # As a killed process leaves it: an image without its metadata, and temporary files.
    (torn / "images" / "00000000.png").write_bytes(b"half")
    (torn / "images" / ".00000002.png.77.part").write_bytes(b"half")
    (torn / "meta" / "00000002.json").write_bytes(b'{"annotations": [')
    again = CocoWriter(torn, CLASSES, HEADER, image="png", layers=LAYERS)
    assert again.done() == {1}
    for index in (0, 2):
        again.write(made(index))
    again.close()
    assert contents(torn) == contents(whole)


def test_no_absolute_path_is_written(tmp_path: Path) -> None:
    files = contents(write(tmp_path / "set", 0))
    assert not [name for name, data in files.items() if os.fsencode(tmp_path) in data]


def test_metadata_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    move = os.replace

    def watched(source: Path, target: Path) -> None:
        order.append(Path(target).parent.name)
        move(source, target)

    writer = CocoWriter(tmp_path / "set", CLASSES, HEADER, layers=LAYERS)
    monkeypatch.setattr(os, "replace", watched)
    writer.write(made(0))
    assert order == ["images", *LAYERS, "meta"]


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({**HEADER, "seed": 4}, "seed"),
        ({**HEADER, "config": {**HEADER["config"], "render": {"size": [41, 30]}}}, "config.render.size"),  # type: ignore[dict-item]
        ({**HEADER, "more": 1}, "more"),
    ],
)
def test_another_datasets_folder_is_refused(header: dict[str, Any], key: str, tmp_path: Path) -> None:
    before = contents(write(tmp_path / "set", 0))
    with pytest.raises(OutputError, match=rf'holds another dataset \("{key}" differs\); choose another folder$'):
        CocoWriter(tmp_path / "set", CLASSES, header)
    assert contents(tmp_path / "set") == before


@pytest.mark.parametrize("file", ["notes.txt", "annotations.json", "images/holiday.jpg"])
def test_a_folder_with_other_files_is_refused(file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("mine")
    with pytest.raises(OutputError, match=rf'expected an empty folder, got one with "{file.split("/")[0]}"$'):
        CocoWriter(tmp_path, CLASSES, HEADER)
    assert contents(tmp_path) == {file: b"mine"}


def test_a_start_that_was_killed_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / ".dataset.json.9.part").write_text("{")
    write(tmp_path, 0)
    assert not list(tmp_path.rglob("*.part"))
    assert len(CocoDataset.read(tmp_path)) == 1


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("x")
    with pytest.raises(OutputError, match=r"expected a folder, got a file$"):
        CocoWriter(tmp_path / "set", CLASSES, HEADER)


def test_damaged_metadata_stops_close(tmp_path: Path) -> None:
    write(tmp_path / "set", 0)
    (tmp_path / "set" / "meta" / "00000000.json").write_text("{")
    with pytest.raises(OutputError, match="is damaged; delete it and run the same command again"):
        CocoWriter(tmp_path / "set", CLASSES, HEADER).close()


# What comes from elsewhere.


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))
    return folder


def box(*values: float) -> Callable[[dict[str, Any]], object]:
    return lambda c: c["annotations"][0].update(bbox=list(values))


def first(kind: str, **values: Any) -> Callable[[dict[str, Any]], object]:
    return lambda c: c[kind][0].update(values)


BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no categories": (lambda c: c.pop("categories"), 'expected a list of records under "categories"'),
    "images are no list": (lambda c: c.update(images={}), 'expected a list of records under "images"'),
    "no file name": (lambda c: c["images"][0].pop("file_name"), 'image 1: expected "file_name" (str), got None'),
    "no category": (lambda c: c["annotations"][0].pop("category_id"), 'annotation 1: expected "category_id" (int)'),
    "category id": (first("annotations", category_id=9), "annotation 1: unknown category id 9 (known: 1, 2)"),
    "image id": (first("annotations", image_id=9), "annotation 1 names image id 9, which is not there"),
    "two annotations": (first("annotations", id=2), "annotation id 2 occurs twice"),
    "two images": (lambda c: c["images"].append(c["images"][0]), "image id 1 occurs twice"),
    "two categories": (first("categories", id=2), "category id 2 occurs twice"),
    "two names": (first("categories", name="nut"), "category name nut occurs twice"),
    "no box": (
        lambda c: c["annotations"][0].pop("bbox"),
        "annotation 1: expected bbox [x, y, width, height], got None",
    ),
    "text in a box": (
        first("annotations", bbox=[1, 2, "3", 4]),
        "annotation 1: expected bbox [x, y, width, height], got",
    ),
    "box of three": (box(1, 2, 3), "annotation 1: expected bbox [x, y, width, height], got [1, 2, 3]"),
    "NaN": (box(1, 2, float("nan"), 4), "expected bbox [x, y, width, height], got [1, 2, nan, 4]"),
    "huge": (box(1, 2, 10**400, 4), "annotation 1: expected bbox [x, y, width, height], got [1, 2, 1000"),
    "no area": (box(1, 2, 0, 4), "annotation 1: expected a box with an area, got [1, 2, 0, 4]"),
    "spills": (box(30, 2, 14, 4), "annotation 1: the box [30, 2, 14, 4] lies outside the image of 40 x 30"),
    "outside": (box(41, 2, 1, 4), "annotation 1: the box [41, 2, 1, 4] lies outside the image of 40 x 30"),
    "size": (first("images", width=41), 'image "00000000.png": expected 41 x 30 pixels as labelled, got 40 x 30'),
    "too large": (first("images", width=10**9), "image 1: expected 1 to 100000000 pixels, got 1000000000 x 30"),
    "negative": (first("images", width=-40, height=-30), "image 1: expected 1 to 100000000 pixels"),
    "missing": (first("images", file_name="a.png"), 'image "a.png" is missing'),
    "above": (first("images", file_name="../../set2/a.png"), 'image "../../set2/a.png" lies outside the folder'),
    "absolute": (first("images", file_name="/etc/passwd"), 'image "/etc/passwd" lies outside the folder'),
    "null byte": (first("images", file_name="a\0.png"), "is no file name"),
    "pose": (first("annotations", cam_T_object=[1]), 'annotation 1: expected "cam_T_object" to be 16 numbers, got [1]'),
    "camera": (first("images", cam_K="x"), "image 1: expected \"cam_K\" to be 9 numbers, got 'x'"),
    "keypoints": (first("annotations", keypoints=[1]), 'annotation 1: expected "keypoints" to be 6 numbers, got [1]'),
    "flat pose": (first("annotations", cam_T_object=None, cam_R_m2c=[1]), '"cam_R_m2c" to be 9 numbers, got [1]'),
    "half a pose": (
        first("annotations", cam_T_object=None, cam_t_m2c_mm=[1, 2, 3]),
        'annotation 1: expected "cam_R_m2c" and "cam_t_m2c_mm" together, got one of them',
    ),
    "places": (
        first("categories", keypoints_3d_m=[[0, 0, 0]]),
        'annotation 2: expected "keypoints_3d_m" to be 2 times 3 numbers, got [[0, 0, 0]]',
    ),
    "outline": (first("annotations", outline_m=[1]), 'annotation 1: expected "outline_m" to be 2 numbers, got [1]'),
    "common camera": (
        lambda labels: labels.update(camera={"fx": 0, "fy": 1, "cx": 2, "cy": 3}),
        'expected "camera" to have fx, fy > 0, cx, cy, got {',
    ),
    "keypoint names": (first("categories", keypoints=3), 'category 1: expected "keypoints" to be names, got 3'),
    "mask of another size": (
        first("annotations", segmentation={"size": [10**9, 10**9], "counts": "04L4"}),
        'annotation 1: expected "segmentation" to be polygons or run lengths for 40 x 30 pixels, got {',
    ),
    "mask of text": (first("annotations", segmentation="0 1"), 'annotation 1: expected "segmentation" to be'),
    "runs": (first("annotations", segmentation={"size": [30, 40], "counts": [7, 9]}), 'expected "segmentation"'),
    "line": (first("annotations", segmentation=[[1, 1, 2, 2]]), 'annotation 1: expected "segmentation" to be'),
    "far": (first("annotations", segmentation=[[0, 0, 1e9, 0, 0, 9]]), 'annotation 1: expected "segmentation" to be'),
}


@pytest.mark.parametrize("name", BAD)
def test_nonsense_is_named_in_one_sentence(name: str, tmp_path: Path) -> None:
    edit, sentence = BAD[name]
    folder = change(write(tmp_path / "set", 0), edit)
    with pytest.raises(DataError) as caught:
        CocoDataset.read(folder)
    assert f'labels "{folder / "annotations.json"}": ' in str(caught.value)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_runs_that_do_not_fill_the_image_are_found_on_access(tmp_path: Path) -> None:
    damage = first("annotations", segmentation={"size": [30, 40], "counts": "zzzz"})
    data = CocoDataset.read(change(write(tmp_path / "set", 0), damage))
    with pytest.raises(DataError, match=r'labels of image "00000000\.png": expected run lengths that fill 40 x 30'):
        _ = data[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n "images": [,', "line 2: expected JSON, got Expecting value"),
        ("[]", "expected a mapping at the top, got list"),
        ("[" * 200_000, "expected the layout of COCO, got one nested too deep"),
        ("\udcff", "cannot be read"),
        (None, "there is no such file"),
    ],
)
def test_a_damaged_label_file(text: str | None, sentence: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "annotations.json").write_text(text, "utf-8", errors="surrogateescape")
    file = tmp_path if text is not None else tmp_path / "annotations.json"
    with pytest.raises(DataError) as caught:
        CocoDataset.read(file)
    assert sentence in str(caught.value)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", 0)
    image = folder / "images" / "00000000.png"
    shutil.move(image, tmp_path / "elsewhere.png")
    image.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(DataError, match="lies outside the folder"):
        CocoDataset.read(folder)


@pytest.mark.parametrize(
    ("given", "clipped"),
    [
        ((-1.5, -2, 10, 9), [0, 0, 8.5, 7]),
        ((20, 10, 22, 9), [20, 10, 40, 19]),
        ((30, 25, 10.4, 5.3), [30, 25, 40, 30]),
    ],
)
def test_loose_boxes_at_the_border_are_clipped(given: tuple[float, ...], clipped: list[float], tmp_path: Path) -> None:
    data = CocoDataset.read(change(write(tmp_path / "set", 0), box(*given)))
    assert data.records[0].annotations[0].box_xyxy.tolist() == clipped


def test_images_beside_the_labels_polygons_and_crowds(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", 0)
    shutil.move(folder / "images" / "00000000.png", folder / "photo.png")
    edits = {"segmentation": [[2, 3, 6, 3, 6, 9, 2, 9]], "iscrowd": 1, "keypoints": []}
    data = CocoDataset.read(
        change(folder, lambda c: (c["annotations"][0].update(edits), c["images"][0].update(file_name="photo.png")))
    )
    annotation = data[0].annotations[0]
    assert annotation.ignore
    assert annotation.keypoints.shape == (0, 3)
    assert annotation.mask is not None
    assert annotation.mask.sum() == 4 * 6
    assert annotation.mask[3:9, 2:6].all()


def test_records_are_in_the_order_of_file_names_and_classes_of_ids(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", 0, 1, 2)
    change(folder, lambda c: (c["images"].reverse(), c["categories"].reverse()))
    data = CocoDataset.read(folder)
    assert [r.path.name for r in data.records] == ["00000000.png", "00000001.png", "00000002.png"]
    assert data.classes == CLASSES
    assert [r.image_id for r in data.subset([2, 0]).records] == [3, 1]


# Image files.


def with_image(folder: Path, data: bytes, name: str, size: tuple[int, int] = (40, 30)) -> Path:
    (folder / "images" / name).write_bytes(data)
    return change(folder, first("images", file_name=name, width=size[0], height=size[1]))


def encoded(extension: str, size_wh: tuple[int, int] = (40, 30), seed: int = 0) -> bytes:
    image: NDArray[np.uint8] = stream(seed, 0, "x").integers(0, 255, (*size_wh[::-1], 3)).astype(np.uint8)
    return bytes(cv2.imencode(extension, image)[1])


@pytest.mark.parametrize("extension", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.6, 0.9, 0.995])
def test_a_truncated_image_is_found_before_use(extension: str, share: float, tmp_path: Path) -> None:
    data = encoded(extension, (40, 30))
    folder = with_image(write(tmp_path / "set", 0), data[: int(len(data) * share)], f"a{extension}")
    found = CocoDataset.read(folder)
    with pytest.raises(DataError, match=rf'a{extension}": expected a whole (JPEG|PNG) file, got a truncated one$'):
        found.verify()


@pytest.mark.parametrize("data", [encoded(".jpg")[:30], encoded(".png")[:12]])
def test_an_image_truncated_in_its_header(data: bytes, tmp_path: Path) -> None:
    folder = with_image(write(tmp_path / "set", 0), data, "a.jpg")
    with pytest.raises(DataError, match="expected a whole image file, got a truncated one"):
        CocoDataset.read(folder)


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(40), b"%PDF-1.4 and more of it"])
def test_a_file_that_is_no_image(data: bytes, tmp_path: Path) -> None:
    folder = with_image(write(tmp_path / "set", 0), data, "a.jpg")
    with pytest.raises(
        DataError, match=r'image ".*a\.jpg": expected a JPEG or PNG file, got one that cannot be decoded$'
    ):
        CocoDataset.read(folder)


def test_a_small_file_that_claims_a_huge_image(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    folder = with_image(write(tmp_path / "set", 0), b"\x89PNG\r\n\x1a\n" + chunk, "a.png")
    with pytest.raises(DataError, match="expected 1 to 100000000 pixels, got 60000 x 60000"):
        CocoDataset.read(folder)


def test_what_a_phone_writes_after_the_end_is_no_damage(tmp_path: Path) -> None:
    folder = with_image(write(tmp_path / "set", 0), encoded(".jpg") + bytes(5000), "a.jpg")
    data = CocoDataset.read(folder)
    data.verify()
    assert data.records[0].rgb().shape == (30, 40, 3)


def turned(data: bytes, orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def test_exif_rotation_follows_the_labelled_size(tmp_path: Path) -> None:
    data = turned(encoded(".jpg", (40, 30)), 6)
    upright = cv2.imdecode(np.frombuffer(encoded(".jpg", (40, 30)), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    folder = write(tmp_path / "set", 0)
    change(folder, lambda c: c.update(annotations=[]))
    stored = CocoDataset.read(with_image(folder, data, "a.jpg", (40, 30))).records[0].rgb()
    np.testing.assert_array_equal(stored, upright)
    shown = CocoDataset.read(with_image(folder, data, "a.jpg", (30, 40))).records[0].rgb()
    np.testing.assert_array_equal(shown, np.rot90(upright, -1))


def test_a_transposed_size_without_exif_is_refused(tmp_path: Path) -> None:
    folder = change(with_image(write(tmp_path / "set", 0), encoded(".jpg"), "a.jpg"), box(1, 1, 5, 5))
    change(folder, lambda c: (c.update(annotations=[]), c["images"][0].update(width=30, height=40)))
    with pytest.raises(DataError, match="expected 30 x 40 pixels as labelled, got 40 x 30"):
        CocoDataset.read(folder).verify()


@pytest.mark.parametrize("kind", LAYERS)
def test_damaged_depth_and_instances_are_named(kind: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "set", 0)
    file = folder / kind / "00000000.png"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{kind}/00000000\.png.*expected a whole 16-bit PNG file"):
        _ = CocoDataset.read(folder)[0]
