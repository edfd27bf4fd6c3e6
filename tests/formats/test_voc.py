import numpy as np
import pytest
from formats_fakes import picture, text, voc_object, voc_xml

from simgen.errors import DataError
from simgen.formats import read_images, voc

SIZE = "<size><width>40</width><height>20</height><depth>3</depth></size>"
BOMB = '<!DOCTYPE a [<!ENTITY x "ha">]>\n'


def voc_set(folder, content, name="a.jpg"):
    picture(folder / "JPEGImages" / name)
    text(folder / "Annotations" / "a.xml", content)
    return folder


def test_pixels_count_from_one_and_a_box_holds_its_last_one(tmp_path):
    objects = voc_object(box=(1, 1, 40, 20)) + voc_object("bolt", (11, 6, 20, 15), "<difficult>1</difficult>")
    voc_set(tmp_path, voc_xml(objects, SIZE))
    picture(tmp_path / "JPEGImages" / "b.jpg")
    text(tmp_path / "Annotations" / "b.xml", voc_xml(voc_object(box=(2.5, 1, 9, 9)), filename="b.jpg"))
    text(tmp_path / "ImageSets" / "Main" / "val.txt", "b\n")
    text(tmp_path / "ImageSets" / "Main" / "nut_val.txt", "b  1\n")
    found = read_images(tmp_path)
    assert found.classes == ("bolt", "nut")
    assert [(r.path.name, r.image_id, r.parts) for r in found.records] == [("a.jpg", 1, ()), ("b.jpg", 2, ("val",))]
    whole, hard = found.records[0].annotations
    assert whole.box_xyxy.tolist() == [0, 0, 40, 20]
    assert hard.box_xyxy.tolist() == [10, 5, 20, 15]
    assert (whole.ignore, hard.ignore) == (False, True)
    assert found.records[1].annotations[0].box_xyxy.tolist() == [1.5, 0, 9, 9]
    assert found[0].rgb.shape == (20, 40, 3)


def test_files_may_lie_beside_the_images_and_sides_may_spill_over_a_little(tmp_path):
    picture(tmp_path / "a.png")
    text(tmp_path / "a.xml", voc_xml(voc_object(box=(0, 0, 41, 20)), filename="renamed.jpg"))
    (record,) = voc.read(tmp_path).records
    assert record.annotations[0].box_xyxy.tolist() == [0, 0, 40, 20]
    assert record.path == tmp_path / "a.png"


@pytest.mark.parametrize(
    ("content", "line", "mistake"),
    [
        (voc_xml("<object><name>nut</name></object>"), 4, 'expected the object "nut" to have a <bndbox>, got none'),
        (voc_xml("<object><bndbox/></object>"), 4, "expected an object with a <name>, got one without"),
        (
            voc_xml(voc_object(box=(1, 1, 60, 20))),
            5,
            "expected a box in the image of 40 x 20 pixels, got [1, 1, 60, 20]",
        ),
        (voc_xml(voc_object(box=(9, 1, 3, 20))), 5, "expected a box in the image of 40 x 20 pixels, got [9, 1, 3, 20]"),
        (voc_xml(voc_object().replace("<ymin>1<", "<ymin>one<")), 5, 'expected <ymin> to be a number, got "one"'),
        (voc_xml(voc_object().replace("<ymin>1</ymin>", "")), 5, "expected <ymin> to be a number, got none"),
        (voc_xml(size="<size><width>9</width><height>9</height></size>"), 3, "expected the size of image"),
        (voc_xml(filename="../../a.jpg"), 2, 'image "../../a.jpg" lies outside the folder'),
        (voc_xml(filename="/etc/passwd"), 2, 'image "/etc/passwd" lies outside the folder'),
        (voc_xml("<object><name>&x;</name></object>"), 4, "expected XML, got undefined entity"),
        (
            voc_xml("<object><name>&x;</name></object>", head=BOMB),
            1,
            "a document type or an entity of its own is refused",
        ),
        (voc_xml("<object>"), 5, "expected XML, got mismatched tag"),
        ("<annotations/>", 1, "expected <annotation>, got <annotations>"),
        ("", 1, "expected XML, got no element found"),
        ("<a>" * 60, 1, "expected the layout of VOC, got one nested too deep"),
    ],
)
def test_a_mistake_is_named_with_its_line(content, line, mistake, tmp_path):
    voc_set(tmp_path, content)
    with pytest.raises(DataError) as error:
        voc.read(tmp_path)
    assert str(error.value).startswith(f'labels "{tmp_path}/Annotations/a.xml" line {line}: {mistake}')


def test_an_image_that_is_not_there_is_named(tmp_path):
    text(tmp_path / "Annotations" / "q.xml", voc_xml(filename="q.jpg"))
    with pytest.raises(DataError, match=r'q.xml" line 2: image "q.jpg" is missing'):
        voc.read(tmp_path)


def test_words_around_tags_do_not_matter(tmp_path):
    voc_set(tmp_path, voc_xml(voc_object(name="\n  nut &amp; bolt\t")))
    assert voc.read(tmp_path).classes == ("nut & bolt",)
    assert np.isfinite(voc.read(tmp_path).records[0].annotations[0].box_xyxy).all()
