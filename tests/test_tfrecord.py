"""The record reader and the converter, on files made here byte by byte."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from simgen.errors import DataError
from simgen.formats.coco import CocoDataset
from simgen.realdata import examples_to_coco, find_real_set
from simgen.tfrecord import crc32c, read_examples


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def block(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def feature(values: list) -> bytes:
    if isinstance(values[0], bytes):
        return block(1, b"".join(block(1, v) for v in values))
    if isinstance(values[0], float):
        return block(2, block(1, struct.pack(f"<{len(values)}f", *values)))
    return block(3, block(1, b"".join(varint(v) for v in values)))


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def record(features: dict[str, list]) -> bytes:
    entries = b"".join(block(1, block(1, name.encode()) + block(2, feature(v))) for name, v in features.items())
    payload = block(1, entries)
    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def example(name: bytes = b"a.jpg") -> dict[str, list]:
    jpeg = cv2.imencode(".jpg", np.full((30, 40, 3), 90, np.uint8))[1].tobytes()
    return {
        "image/filename": [name],
        "image/encoded": [jpeg],
        "image/width": [40],
        "image/height": [30],
        "image/object/bbox/xmin": [0.25, 0.5],
        "image/object/bbox/xmax": [0.5, 0.75],
        "image/object/bbox/ymin": [0.1, 0.5],
        "image/object/bbox/ymax": [0.5, 1.0],
        "image/object/class/text": [b"two", b"six"],
    }


def test_crc32c_of_the_standard_check_value():
    assert crc32c(b"123456789") == 0xE3069283


def test_examples_become_a_coco_set(tmp_path):
    file = tmp_path / "x.record"
    file.write_bytes(record(example()) + record(example(b"../../b.jpg")))
    examples_to_coco([file], tmp_path / "set")
    data = CocoDataset.read(tmp_path / "set")
    data.verify()
    assert [r.path.name for r in data.records] == ["a.jpg", "b.jpg"]
    assert [a.class_name for a in data.records[0].annotations] == ["two", "six"]
    np.testing.assert_allclose(data.records[0].annotations[0].box_xyxy, [10, 3, 20, 15], atol=0.02)
    assert not list(tmp_path.parent.glob("b.jpg"))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty-feature"])
def test_damage_is_found(tmp_path: Path, damage: str):
    file = tmp_path / "x.record"
    good = record(example())
    missing = {k: v for k, v in example().items() if k != "image/width"}
    bad = {"flip": good[:200] + bytes([good[200] ^ 1]) + good[201:], "cut": good[:-9], "empty-feature": record(missing)}
    file.write_bytes(bad[damage])
    with pytest.raises(DataError):
        examples_to_coco([file], tmp_path / "set")


def test_lists_of_each_kind(tmp_path):
    file = tmp_path / "x.record"
    file.write_bytes(record({"b": [b"x", b""], "f": [0.5, -2.0], "i": [0, 300]}))
    assert list(read_examples(file)) == [{"b": [b"x", b""], "f": [0.5, -2.0], "i": [0, 300]}]


def test_look_up_order_and_the_sentence_when_it_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SIMGEN_DATA", str(tmp_path / "shared"))
    with pytest.raises(DataError, match=r"not found in .*shared.*d6_dice"):
        find_real_set("d6-dice", tmp_path / "mine", download=False)
    for place in ("shared", "mine"):
        folder = tmp_path / place / "d6_dice"
        folder.mkdir(parents=True)
        (folder / "annotations.json").write_text("{}")
    assert find_real_set("d6-dice", tmp_path / "mine") == tmp_path / "mine" / "d6_dice"
    assert find_real_set("d6-dice") == tmp_path / "shared" / "d6_dice"
    with pytest.raises(DataError, match='did you mean "d6-dice"'):
        find_real_set("d6-dise")


def test_negative_numbers_and_unknown_fields(tmp_path):
    file = tmp_path / "x.record"
    entry = block(1, b"n") + block(2, feature([2**64 - 3]) + block(9, b"later"))
    payload = block(7, b"unknown") + block(1, block(1, entry))
    length = struct.pack("<Q", len(payload))
    file.write_bytes(length + masked(length) + payload + masked(payload))
    assert list(read_examples(file)) == [{"n": [-3]}]


@pytest.mark.parametrize("payload", [b"\x0a\x02\x0a\x00", b"\xff" * 12, block(1, block(1, b"\x0a\xff\x01")), b"\x0b"])
def test_a_record_that_is_no_example(tmp_path: Path, payload: bytes):
    file = tmp_path / "x.record"
    length = struct.pack("<Q", len(payload))
    file.write_bytes(length + masked(length) + payload + masked(payload))
    with pytest.raises(DataError, match=r"expected tf\.Example messages, got something else"):
        list(read_examples(file))


def test_a_length_beyond_the_bound_is_refused_before_reading(tmp_path: Path):
    file = tmp_path / "x.record"
    length = struct.pack("<Q", 2**40)
    file.write_bytes(length + masked(length) + b"x")
    with pytest.raises(DataError, match="expected a TFRecord header, got damaged bytes"):
        list(read_examples(file))
    with pytest.raises(DataError, match="cannot be read: No such file"):
        list(read_examples(tmp_path / "y.record"))
