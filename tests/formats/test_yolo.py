import numpy as np
import pytest
from formats_fakes import picture, text, yolo_set

from simgen.errors import DataError
from simgen.formats import read_images, yolo


def test_boxes_outlines_and_parts(tmp_path):
    found = read_images(yolo_set(tmp_path))
    assert found.classes == ("bolt", "nut")
    assert [(r.path.name, r.parts, r.image_id) for r in found.records] == [
        ("a.png", ("val",), 1),
        ("b.png", ("train",), 2),
        ("c.png", ("val",), 3),
    ]
    first, second = found.records[0].annotations
    assert (first.class_name, second.class_name) == ("bolt", "nut")
    # 40 x 20 pixels: the centre is (20, 10), the sides are 10 and 10.
    assert second.box_xyxy == pytest.approx([15, 5, 25, 15])
    assert first.box_xyxy == pytest.approx([0, 0, 4, 4])
    (outlined,) = found.records[1].annotations
    assert outlined.box_xyxy == pytest.approx([4, 4, 12, 12])
    assert found.records[2].annotations == ()
    mask = found[1].annotations[0].mask
    assert mask is not None
    ys, xs = np.nonzero(mask)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == pytest.approx((4, 11, 4, 11), abs=1)
    assert mask.sum() == pytest.approx(8 * 8 / 2, abs=8)  # a triangle: half of its box
    assert mask[5, 10]
    assert not mask[10, 5]


def test_names_may_be_a_list_and_parts_lists_of_files(tmp_path):
    yolo_set(tmp_path)
    text(tmp_path / "some.txt", "./images/val/c.png\n\nimages/train/b.png\n")
    text(tmp_path / "data.yaml", "val: some.txt\nnc: 2\nnames: [x, y]\n")
    found = yolo.read(tmp_path / "data.yaml")
    assert [r.path.name for r in found.records] == ["b.png", "c.png"]
    assert found.records[0].annotations[0].class_name == "x"


def test_an_exported_path_beside_the_folder_is_looked_for_in_it(tmp_path):
    picture(tmp_path / "set" / "valid" / "images" / "a.png")
    text(tmp_path / "set" / "valid" / "labels" / "a.txt", "0 0.5 0.5 1 1")
    text(tmp_path / "set" / "data.yaml", "train: null\nval: ../valid/images\nnames: [x]\n")
    (record,) = yolo.read(tmp_path / "set").records
    assert record.annotations[0].box_xyxy == pytest.approx([0, 0, 40, 20])


def test_a_turned_photograph_is_measured_as_it_is_shown(tmp_path):
    picture(tmp_path / "images" / "a.jpg", orientation=6)
    text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 1 0.5")
    text(tmp_path / "data.yaml", "val: images\nnames: [x]\n")
    found = yolo.read(tmp_path)
    assert found.records[0].size_wh == (20, 40)
    assert found.records[0].annotations[0].box_xyxy == pytest.approx([0, 10, 20, 30])
    assert found.records[0].rgb().shape == (40, 20, 3)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("2 0.5 0.5 0.2 0.2", "expected a class from 0 to 1, got 2"),
        ("-1 0.5 0.5 0.2 0.2", "expected a class from 0 to 1, got -1"),
        ("nut 0.5 0.5 0.2 0.2", "expected a class from 0 to 1, got nut"),
        ("1 0.5 0.5 1.2 0.2", "expected shares of the image from 0 to 1, got 0.5 0.5 1.2 0.2"),
        ("1 0.5 nan 0.2 0.2", "expected shares of the image from 0 to 1, got 0.5 nan 0.2 0.2"),
        ("1 0.5 0.5 0.2 x", "expected numbers, got 0.5 0.5 0.2 x"),
        ("1 0.5 0.5 0.2", "expected a class and 4 numbers (a box) or 6, 8, 10 ... (a polygon), got 3 numbers"),
        ("1 0.5 0.5 0.2 0.2 0.9", "expected a class and 4 numbers (a box) or 6, 8, 10 ... (a polygon), got 5 numbers"),
        ("1 0.5 0.5 0 0.2", "expected an object with an area, got one without"),
        ("1 0.0 0.5 0.9 0.2", "the box lies outside the image of 40 x 20 pixels"),
    ],
)
def test_a_mistake_in_a_label_is_named_with_its_line(line, mistake, tmp_path):
    yolo_set(tmp_path, line)
    with pytest.raises(DataError) as error:
        yolo.read(tmp_path)
    assert str(error.value) == f'labels "{tmp_path}/labels/val/a.txt" line 3: {mistake}'


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("val: images/val\n", 'expected "names" to be a list of names, or a mapping from 0, 1, 2 ...'),
        ("val: images/val\nnames: {0: a, 2: b}\n", 'expected "names" to be a list of names, or a mapping'),
        ("val: images/val\nnames: [a, a]\n", 'expected different names, got "a" twice'),
        ("val: images/val\nnames: [a, b]\nnc: 3\n", 'expected as many "names" as "nc", got 2 and 3'),
        ("names: [a, b]\n", 'expected images under "train", "val" or "test", found none'),
        ("val: images/none\nnames: [a, b]\n", '"val" names "images/none", which is not there'),
        ("val: 3\nnames: [a, b]\n", 'expected "path" and "val" to be names of folders'),
        ("val: /etc\nnames: [a, b]\n", 'expected "val" in the folder of that file, got "/etc" outside of it'),
        (
            "path: /\nval: ../..\nnames: [a, b]\n",
            'expected "val" in the folder of that file, got "../.." outside of it',
        ),
        ("- a\n", "expected a mapping at the top, got list"),
        ("val: [\n", "line 2: expected YAML, got "),
        ("val: !!python/object/apply:os.getcwd []\n", "line 1: expected YAML, got "),
    ],
)
def test_a_mistake_in_data_yaml_is_one_sentence(content, mistake, tmp_path):
    yolo_set(tmp_path)
    text(tmp_path / "data.yaml", content)
    with pytest.raises(DataError) as error:
        yolo.read(tmp_path)
    assert str(error.value).startswith(f'labels "{tmp_path}/data.yaml"')
    assert mistake in str(error.value)


def test_lists_and_links_lead_nowhere_else(tmp_path):
    outside = picture(tmp_path / "outside" / "a.png")
    folder = yolo_set(tmp_path / "set")
    text(folder / "list.txt", "images/val/a.png\n../outside/a.png\n")
    text(folder / "data.yaml", "val: list.txt\nnames: [a, b]\n")
    with pytest.raises(
        DataError, match=r'list.txt" line 2: expected an image in the folder .*, got "../outside/a.png"'
    ):
        yolo.read(folder)
    (folder / "images" / "val" / "z.png").symlink_to(outside)
    text(folder / "data.yaml", "val: images/val\nnames: [a, b]\n")
    with pytest.raises(DataError, match=r'z.png": lies outside the folder'):
        yolo.read(folder)
    (folder / "images" / "val" / "z.png").unlink()
    label = text(tmp_path / "outside" / "c.txt", "0 0.5 0.5 0.1 0.1")
    (folder / "labels" / "val" / "c.txt").symlink_to(label)
    with pytest.raises(DataError, match=r'c.txt": lie outside the folder'):
        yolo.read(folder)
