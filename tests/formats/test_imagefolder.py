import re

import pytest
from formats_fakes import picture, text, voc_xml, yolo_set

from simgen.cli.evaluate import read_real
from simgen.errors import ConfigError, DataError
from simgen.formats import imagefolder, read_images


def test_folders_are_classes_and_the_whole_image_is_the_box(tmp_path):
    for name in ("dog/a.png", "cat/deep/b.jpg", "cat/a.PNG"):
        picture(tmp_path / name)
    text(tmp_path / "cat" / "notes.txt", "no image")
    found = read_images(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [str(r.path.relative_to(tmp_path)) for r in found.records] == ["cat/a.PNG", "dog/a.png", "cat/deep/b.jpg"]
    assert [r.annotations[0].class_name for r in found.records] == ["cat", "dog", "cat"]
    assert found.records[0].annotations[0].box_xyxy.tolist() == [0, 0, 40, 20]
    assert found[2].rgb.shape == (20, 40, 3)


def test_parts_may_lie_around_the_classes(tmp_path):
    for name in ("train/cat/a.png", "train/dog/b.png", "val/cat/c.png"):
        picture(tmp_path / name)
    found = read_images(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [r.parts for r in found.records] == [("train",), ("train",), ("val",)]


def test_a_turned_photograph_is_measured_as_it_is_shown(tmp_path):
    picture(tmp_path / "cat" / "a.jpg", orientation=8)
    (record,) = read_images(tmp_path).records
    assert record.size_wh == (20, 40)
    assert record.rgb().shape == (40, 20, 3)


def test_no_images_and_links_that_lead_outside_are_refused(tmp_path):
    (tmp_path / "set" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="expected a folder of JPEG or PNG files for each class in it, found no images"):
        imagefolder.read(tmp_path / "set")
    (tmp_path / "set" / "cat" / "a.png").symlink_to(picture(tmp_path / "other" / "a.png"))
    with pytest.raises(DataError, match=r'a.png": lies outside the folder'):
        imagefolder.read(tmp_path / "set")


def test_a_folder_of_nothing_known_says_what_is_expected(tmp_path):
    picture(tmp_path / "images" / "a.png")  # what is left of a COCO set without its labels
    with pytest.raises(DataError) as error:
        read_images(tmp_path)
    assert str(error.value) == (
        f'image set "{tmp_path}": expected one of the known layouts (coco: annotations.json; yolo: data.yaml; '
        "voc: Annotations/*.xml; imagefolder: a folder of images for each class; "
        "vectors: an .npz or .parquet file), found none of them"
    )


def test_a_format_can_be_forced(tmp_path):
    folder = yolo_set(tmp_path)
    assert read_images(folder, "imagefolder").classes == ("images", "labels")
    with pytest.raises(DataError, match=r"expected XML files of Pascal VOC"):
        read_images(folder, "voc")
    with pytest.raises(DataError, match=r"expected data.yaml of a YOLO set there"):
        read_images(tmp_path / "images", "yolo")
    with pytest.raises(DataError, match=r'annotations.json": there is no such file'):
        read_images(folder, "coco")
    message = '--format: unknown format "yollo" (did you mean "yolo"?)'
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_images(folder, "yollo")
    with pytest.raises(ConfigError, match="--format: is for folders, and digits is the name of a real image set"):
        read_real("digits", None, "coco")


def test_each_layout_is_told_from_the_others(tmp_path):
    picture(tmp_path / "voc" / "JPEGImages" / "a.jpg")
    text(tmp_path / "voc" / "Annotations" / "a.xml", voc_xml())
    picture(tmp_path / "folders" / "cat" / "a.png")
    assert read_images(yolo_set(tmp_path / "yolo")).classes == ("bolt", "nut")
    assert read_images(tmp_path / "voc").records[0].path.name == "a.jpg"
    assert read_images(tmp_path / "folders").classes == ("cat",)
